import type { IncomingMessage } from 'node:http';
import { PassThrough, type Readable } from 'node:stream';

import * as requests from '../../nest/requests.js';
import { isObject, member } from '../../values/member.js';

/** The body of a request for the API. */
export type ForwardedBody =
  | { readonly kind: 'none' }
  /** As it comes from the browser. It can be sent once. */
  | { readonly kind: 'stream'; readonly content: Readable }
  /** A body parser of the application has read it before: its bytes, or what means the same. */
  | { readonly kind: 'parsed'; readonly content: string | Uint8Array };

const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json\b/;
const FORM_TYPE = /^application\/x-www-form-urlencoded\b/;

/**
 * The body of a request, whether the application parses bodies or not. With `rawBody: true` its bytes are always the same.
 *
 * @returns undefined: something has read it, and it can't be written again as it was
 */
export function bodyOf(request: object): ForwardedBody | undefined {
  const raw = requests.raw(request);
  if (raw.headers['transfer-encoding'] === undefined && Number(raw.headers['content-length'] ?? 0) === 0) {
    return { kind: 'none' };
  }
  if (!raw.readableDidRead) {
    return { kind: 'stream', content: streamOf(raw) };
  }
  const content = rewritten(member(request, 'rawBody'), member(request, 'body'), raw.headers['content-type'] ?? '');
  return content === undefined ? undefined : { kind: 'parsed', content };
}

/**
 * The body as a stream of its own. Who sends it destroys it where the API fails, and with the request itself the connection of
 * the browser would go, and our answer too. What is left then is dropped but still read, because the answer goes over its socket.
 */
function streamOf(raw: IncomingMessage): Readable {
  const stream = new PassThrough();
  stream.once('close', () => raw.resume());
  return raw.pipe(stream);
}

function rewritten(rawBody: unknown, parsed: unknown, contentType: string): string | Uint8Array | undefined {
  const bytes = [rawBody, parsed].find((value) => value instanceof Uint8Array);
  if (bytes !== undefined) {
    return bytes;
  }
  const type = contentType.trim().toLowerCase();
  if (parsed !== undefined && JSON_TYPE.test(type)) {
    return JSON.stringify(parsed);
  }
  if (FORM_TYPE.test(type)) {
    return isObject(parsed) ? form(parsed) : undefined;
  }
  return typeof parsed === 'string' ? parsed : undefined;
}

/** A form of texts and lists of texts. Deeper objects are a parser's own idea of names with brackets. */
function form(parsed: object): string | undefined {
  const written = new URLSearchParams();
  for (const [name, value] of Object.entries(parsed)) {
    for (const one of [value].flat()) {
      if (typeof one !== 'string') {
        return undefined;
      }
      written.append(name, one);
    }
  }
  return written.toString();
}
