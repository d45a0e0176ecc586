import { OidcError, type ErrorFacts } from '../errors/oidc.error.js';
import { parseJsonObject, type JsonObject } from '../values/json.js';
import { locationOf } from '../values/url.js';
import type { HttpRequest } from './request.js';

export type ResponseHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** A complete answer within all limits; its bytes are what the server sent, not compressed. */
export class HttpResponse {
  /** Lower case, without parameters; empty when the answer names none (RFC 9110, section 8.3.1). */
  readonly mediaType: string;
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

  /** What it answers. It holds credentials: for no log. */
  get request(): HttpRequest | undefined {
    return this.#request;
  }

  /** For the error that this answer leads to: where it came from and how it began. */
  get facts(): ErrorFacts {
    return {
      url: this.#request && locationOf(this.#request.url),
      status: this.status,
      content_type: this.mediaType || undefined,
    };
  }

  /** A header that came once. */
  header(name: string): string | undefined {
    const value = this.headers[name];
    return typeof value === 'string' ? value : undefined;
  }

  /** @throws {ResponseError} the bytes are not a JSON object within the limits; the media type is the caller's to check */
  json(): JsonObject {
    try {
      return parseJsonObject(this.bytes, this.maxJsonDepth);
    } catch (error) {
      if (error instanceof OidcError) {
        error.addFacts(this.facts);
      }
      throw error;
    }
  }
}
