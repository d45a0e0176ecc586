import { isNumericDate } from '../clock/clock.js';
import { ResponseError } from '../errors/errors.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../http/json.js';
import type { HttpResponse } from '../http/response.js';
import { INTROSPECTION } from '../jose/purpose.js';
import { jwtOf, requireJson, requireOk } from './oauth-response.js';
import type { Server } from './server.js';

const SIGNED = 'application/token-introspection+jwt';

/** What the server says of a token (RFC 7662, section 2.2). Everything but `active` is missing for a token that is not. */
export interface Introspection {
  readonly [member: string]: JsonValue | undefined;

  readonly active: boolean;
  readonly iss?: string;
  readonly sub?: string;
  readonly aud?: JsonValue;
  readonly client_id?: string;
  readonly scope?: string;
  readonly username?: string;
  readonly token_type?: string;
  readonly jti?: string;
  /** Seconds since the epoch, as `nbf` and `iat`. */
  readonly exp?: number;
  readonly nbf?: number;
  readonly iat?: number;
  /** Confirmation: the key that the token is bound to (RFC 7800). */
  readonly cnf?: JsonObject;
}

export interface IntrospectionOptions {
  /** Identifiers of our own, beside `client_id`, that a signed response may be addressed to. */
  readonly audience?: readonly string[];
  readonly token_type_hint?: 'access_token' | 'refresh_token';
}

/**
 * Token introspection (RFC 7662), with signed responses (RFC 9701).
 *
 * Where `introspection_signed_response_alg` is registered nothing but a JWT is believed. Where it is not, JSON is asked
 * for, and a JWT that comes all the same is verified.
 *
 * @param token opaque or not, as presented
 * @returns the response's members; `active: false` is a value, not an error
 * @throws {OAuthError} the server refused: our credentials, or with `unsupported_token_type` the token's form
 * @throws {ResponseError} the server answered outside the specification, or unsigned where signed is registered
 * @throws {VerificationError} the signed response did not verify
 */
export async function introspect(
  server: Server,
  token: string,
  { audience = [], token_type_hint = 'access_token' }: IntrospectionOptions = {},
): Promise<Introspection> {
  const mustBeSigned = server.client.metadata.introspection_signed_response_alg !== undefined;
  const response = await server.post(
    'introspection_endpoint',
    { token, token_type_hint },
    { accept: mustBeSigned ? SIGNED : 'application/json', retry: 'unanswered' },
  );
  requireOk(response);
  const members: JsonObject =
    response.mediaType === SIGNED ? await fromJwt(server, response, audience) : fromJson(response, mustBeSigned);
  requireIntrospection(members);
  return members;
}

async function fromJwt(server: Server, response: HttpResponse, audience: readonly string[]): Promise<JsonObject> {
  const accepted = [server.client.metadata.client_id, ...audience];
  const { claims } = await server.verify('introspection', jwtOf(response), INTROSPECTION, accepted);
  const { token_introspection } = claims;
  if (!isJsonObject(token_introspection)) {
    throw malformed('token_introspection');
  }
  return token_introspection;
}

function fromJson(response: HttpResponse, mustBeSigned: boolean): JsonObject {
  if (mustBeSigned) {
    throw new ResponseError('SIGNED_RESPONSE_REQUIRED', 'A signed introspection is registered; the answer is not one.');
  }
  return requireJson(response);
}

/** The type that the specification gives to each member (RFC 7662, section 2.2); the others may be anything. */
const MEMBERS: Readonly<Record<string, (value: JsonValue) => boolean>> = {
  active: (value) => typeof value === 'boolean',
  iss: isString,
  sub: isString,
  client_id: isString,
  scope: isString,
  username: isString,
  token_type: isString,
  jti: isString,
  exp: isNumericDate,
  nbf: isNumericDate,
  iat: isNumericDate,
  cnf: isJsonObject,
};

/** @throws {ResponseError} `INTROSPECTION_MALFORMED`: a member is of a type that the specification does not give it */
function requireIntrospection(members: JsonObject): asserts members is Introspection {
  for (const member in MEMBERS) {
    const value = members[member];
    if (value === undefined ? member === 'active' : MEMBERS[member]?.(value) === false) {
      throw malformed(member);
    }
  }
}

function isString(value: JsonValue): boolean {
  return typeof value === 'string';
}

function malformed(member: string): ResponseError {
  return new ResponseError('INTROSPECTION_MALFORMED', `The introspection response has a wrong member: ${member}.`);
}
