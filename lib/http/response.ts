import { parseJsonObject, type JsonObject } from './json.js';

export type ResponseHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** A complete answer within all limits; its bytes are what the server sent, not compressed. */
export class HttpResponse {
  /** Lower case, without parameters; empty when the answer names none (RFC 9110, section 8.3.1). */
  readonly mediaType: string;

  constructor(
    readonly status: number,
    readonly headers: ResponseHeaders,
    readonly bytes: Uint8Array,
    private readonly maxJsonDepth: number,
  ) {
    this.mediaType = (this.header('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  }

  /** A header that came once. */
  header(name: string): string | undefined {
    const value = this.headers[name];
    return typeof value === 'string' ? value : undefined;
  }

  /** @throws {ResponseError} the bytes are not a JSON object within the limits; the media type is the caller's to check */
  json(): JsonObject {
    return parseJsonObject(this.bytes, this.maxJsonDepth);
  }
}
