import { ResponseError } from '../errors/errors.js';

/** Any value that JSON can write (RFC 8259), read-only. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;

/** A JSON object, read-only. A member that is not there is undefined. */
export interface JsonObject {
  readonly [member: string]: JsonValue | undefined;
}

/** Members at the top of an object: more than any document of ours has, fewer than would be costly. */
const MOST_MEMBERS = 256;

/** Refuses bytes that are no UTF-8, and drops a byte order mark. */
const utf8 = new TextDecoder('utf-8', { fatal: true });

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @throws {ResponseError} `INVALID_UTF8` */
function decodeUtf8(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new ResponseError('INVALID_UTF8', 'The text is not UTF-8.');
  }
}

/**
 * JSON parser for bytes of a stranger. All JSON from outside is read by it.
 *
 * It takes strict UTF-8 and objects of bounded depth and width, and drops members named `__proto__`.
 *
 * @param maxDepth nesting of objects and arrays
 * @throws {ResponseError} `INVALID_UTF8`, `JSON_TOO_DEEP`, `INVALID_JSON`, `TOO_MANY_MEMBERS`
 */
export function parseJsonObject(bytes: Uint8Array, maxDepth: number): JsonObject {
  const text = decodeUtf8(bytes);
  requireDepth(bytes, maxDepth);
  const value = parse(text);
  if (!isJsonObject(value)) {
    throw new ResponseError('INVALID_JSON', 'The text is not a JSON object.');
  }
  if (Object.keys(value).length > MOST_MEMBERS) {
    throw new ResponseError('TOO_MANY_MEMBERS', 'The JSON object has more members than we read.');
  }
  return value;
}

function parse(text: string): unknown {
  try {
    return mayNamePrototype(text) ? JSON.parse(text, withoutPrototype) : JSON.parse(text);
  } catch {
    throw new ResponseError('INVALID_JSON', 'The text is not JSON.');
  }
}

/** Whether the text may have a member `__proto__`, plain or escaped. Only such texts pay for the slower parse. */
function mayNamePrototype(text: string): boolean {
  return text.includes('__proto__') || text.includes('\\u00');
}

function withoutPrototype(member: string, value: unknown): unknown {
  return member === '__proto__' ? undefined : value;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Counts brackets outside of strings. `JSON.parse` has no limit, and a recursive walk over the value could overflow. */
function requireDepth(bytes: Uint8Array, maxDepth: number): void {
  let depth = 0;
  let inString = false;
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index];
    if (inString) {
      if (byte === BACKSLASH) {
        index += 1;
      } else if (byte === QUOTE) {
        inString = false;
      }
    } else if (byte === QUOTE) {
      inString = true;
    } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      depth += 1;
      if (depth > maxDepth) {
        throw new ResponseError('JSON_TOO_DEEP', 'The JSON is nested deeper than we read.');
      }
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
      depth -= 1;
    }
  }
}
