import { OidcError, type ErrorFacts } from '../errors/oidc.error.js';
import { parseJsonObject, type JsonObject } from '../values/json.js';
import { locationOf } from '../values/url.js';
import type { HttpRequest } from './request.js';

export type ResponseHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** A complete HTTP response within all limits. Its bytes are not compressed: another encoding is refused. */
export class HttpResponse {
  /** Lower case, without parameters; empty when the answer names none (RFC 9110, section 8.3.1). */
  readonly mediaType: string;
  /** Not a parameter property: those are printed with the object. */
  readonly #request: HttpRequest | undefined;

  constructor(
    readonly status: number,
    readonly headers: ResponseHeaders,
    readonly bytes: Uint8Array,
    private readonly maxJsonDepth: number,
    request?: HttpRequest,
  ) {
    this.#request = request;
    this.mediaType = (this.header('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  }

  /** The request that it answers. It holds credentials and must reach no log. */
  get request(): HttpRequest | undefined {
    return this.#request;
  }

  /** Facts for an error about this response: URL, status and media type. */
  get facts(): ErrorFacts {
    return {
      url: this.#request && locationOf(this.#request.url),
      status: this.status,
      content_type: this.mediaType || undefined,
    };
  }

  /** A header's value; undefined where it is absent or came more than once. */
  header(name: string): string | undefined {
    const value = this.headers[name];
    return typeof value === 'string' ? value : undefined;
  }

  /**
   * Parses the body as a JSON object. The caller checks the media type.
   *
   * @throws {ResponseError} the body is no JSON object within the limits
   */
  json(): JsonObject {
    try {
      return parseJsonObject(this.bytes, this.maxJsonDepth);
    } catch (error) {
      if (error instanceof OidcError) {
        const limit = error.code === 'JSON_TOO_DEEP' ? `${this.maxJsonDepth} levels (http.maxJsonDepth)` : undefined;
        error.addFacts({ ...this.facts, limit });
      }
      throw error;
    }
  }
}
