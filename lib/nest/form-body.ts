import type { IncomingMessage } from 'node:http';

import { AuthorizationResponseError } from '../errors/errors.js';
import { readBody } from '../http/body.js';
import { collectParameters, parseParameters, type Parameters } from './parameters.js';

export const FORM_MEDIA_TYPE = 'application/x-www-form-urlencoded';

/** Bytes. A form_post response is a few kilobytes; a logout token less. */
const MAX_FORM_SIZE = 65_536;

/** A request's body, as the framework shows it. */
export interface FormRequest {
  readonly raw: IncomingMessage;
  readonly contentType: string | undefined;
  /** The result of the application's body parser: nothing, text, bytes or an object. */
  readonly parsed: unknown;
  /** The bytes, with `rawBody: true`. */
  readonly rawBody: unknown;
}

/**
 * Reads an `application/x-www-form-urlencoded` body of at most 64 KB (OAuth 2.0 Form Post Response Mode, section 2). Where
 * the bytes are still there, we read them; the one parameter reader parses them.
 *
 * @throws {AuthorizationResponseError} `UNSUPPORTED_MEDIA_TYPE`, `BODY_TOO_LARGE`, `DUPLICATE_PARAMETER`, `INVALID_PARAMETER`
 */
export async function readForm({ raw, contentType, parsed, rawBody }: FormRequest): Promise<Parameters> {
  if (!isForm(contentType)) {
    throw new AuthorizationResponseError('UNSUPPORTED_MEDIA_TYPE', 'The body is not a form');
  }
  if (Number(raw.headers['content-length'] ?? 0) > MAX_FORM_SIZE) {
    throw tooLarge();
  }
  if (rawBody instanceof Uint8Array) {
    return parseBytes(rawBody);
  }
  if (parsed === undefined || parsed === null) {
    return parseBytes(await readRaw(raw));
  }
  if (parsed instanceof Uint8Array) {
    return parseBytes(parsed);
  }
  if (typeof parsed === 'string') {
    return parseText(parsed);
  }
  return collectParsed(Object.entries(parsed));
}

/** Whether this is the form's media type. The only parameter that is accepted is a charset of UTF-8. */
function isForm(contentType = ''): boolean {
  // Trimmed, and not by the pattern: that would try each blank of a header that is full of them.
  const [type, ...parameters] = contentType
    .toLowerCase()
    .split(';')
    .map((part) => part.trim());
  return type === FORM_MEDIA_TYPE && parameters.every((parameter) => /^(?:charset="?utf-8"?)?$/.test(parameter));
}

function parseBytes(bytes: Uint8Array): Parameters {
  if (bytes.byteLength > MAX_FORM_SIZE) {
    throw tooLarge();
  }
  return parseParameters(decodeUtf8(bytes));
}

function parseText(text: string): Parameters {
  if (text.length > MAX_FORM_SIZE) {
    throw tooLarge();
  }
  return parseParameters(text);
}

function collectParsed(entries: [string, unknown][]): Parameters {
  const size = entries.reduce(
    (sum, [name, value]) => sum + name.length + (typeof value === 'string' ? value.length : 0),
    0,
  );
  if (size > MAX_FORM_SIZE) {
    throw tooLarge();
  }
  return collectParameters(entries);
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw unreadable();
  }
}

/** Reads a body up to the limit. What is beyond is dropped but still read, because the refusal goes over this socket. */
async function readRaw(raw: IncomingMessage): Promise<Uint8Array> {
  if (raw.readableEnded || raw.destroyed) {
    return new Uint8Array();
  }
  const bytes = await readBody(raw, MAX_FORM_SIZE).catch(() => {
    throw unreadable();
  });
  if (bytes === undefined) {
    throw tooLarge();
  }
  return bytes;
}

function tooLarge(): AuthorizationResponseError {
  return new AuthorizationResponseError('BODY_TOO_LARGE', 'The body is larger than 64 KB');
}

function unreadable(): AuthorizationResponseError {
  return new AuthorizationResponseError('INVALID_PARAMETER', 'The body can not be read');
}
