import { OidcError } from '../errors/oidc.error.js';
import { parseJsonObject, type JsonObject } from '../values/json.js';
import { typeOf } from './jwt.js';
import { LONGEST_ACCESS_TOKEN } from './purpose.js';

/** Unverified members of a JWT. They decide whom to ask and what to refuse; they never make a token good. */
export interface UnverifiedJwt {
  readonly typ: string | undefined;
  readonly iss: string | undefined;
  readonly claims: JsonObject;
}

/** Maximum JSON depth, as of any other JSON. */
const MAX_DEPTH = 32;

/**
 * Reads an access token that may be a signed JWT; undefined when it is not one.
 *
 * It also reads what a lenient server takes, such as a signature with padding: a sign of a wrong token must not be missed
 * because of its spelling.
 */
export function unverifiedJwt(token: string): UnverifiedJwt | undefined {
  const [header, payload, signature, surplus] = token.length > LONGEST_ACCESS_TOKEN ? [] : token.split('.', 4);
  if (header === undefined || payload === undefined || signature === undefined || surplus !== undefined) {
    return undefined;
  }
  const parameters = decode(header);
  const claims = parameters && decode(payload);
  const iss = claims?.['iss'];
  return claims && { typ: typeOf(parameters['typ']), iss: typeof iss === 'string' ? iss : undefined, claims };
}

function decode(part: string): JsonObject | undefined {
  try {
    return parseJsonObject(Buffer.from(part, 'base64url'), MAX_DEPTH);
  } catch (error) {
    if (error instanceof OidcError) {
      return undefined;
    }
    throw error;
  }
}
