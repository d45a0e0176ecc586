import type { IncomingMessage } from 'node:http';

import { AuthorizationResponseError } from '../errors/errors.js';
import { readBody } from '../http/body.js';
import { parseJsonObject, type JsonObject, isJsonObject } from '../values/json.js';

/** Bytes. A notification carries three tokens at most. */
const MAX_JSON_SIZE = 65_536;

const MAX_DEPTH = 8;

/**
 * Reads a JSON object of at most 64 KB, whether the application parses bodies or not.
 *
 * @param parsed the result of the application's body parser
 * @throws {AuthorizationResponseError} `BODY_TOO_LARGE`, `INVALID_PARAMETER`
 * @throws {ResponseError} it is no JSON
 */
export async function readJson(raw: IncomingMessage, parsed: unknown): Promise<JsonObject> {
  if (isJsonObject(parsed)) {
    return parsed;
  }
  if (parsed !== undefined || raw.readableEnded || raw.destroyed) {
    throw unreadable();
  }
  const bytes = await readBody(raw, MAX_JSON_SIZE).catch(() => {
    throw unreadable();
  });
  if (bytes === undefined) {
    throw new AuthorizationResponseError('BODY_TOO_LARGE', 'The body is larger than 64 KB');
  }
  return parseJsonObject(bytes, MAX_DEPTH);
}

function unreadable(): AuthorizationResponseError {
  return new AuthorizationResponseError('INVALID_PARAMETER', 'The body is no JSON object that can be read');
}
