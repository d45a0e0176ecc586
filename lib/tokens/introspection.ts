import { errorOf, isAboutTheRequest, jwtOf, requireJson, requireOk } from '../authorization-server/oauth-response.js';
import type { Server } from '../authorization-server/server.js';
import { ResponseError } from '../errors/errors.js';
import { OidcError } from '../errors/oidc.error.js';
import { challengesIn } from '../http/challenges.js';
import type { HttpResponse } from '../http/response.js';
import { throwFirst } from '../metadata/finding.js';
import { INTROSPECTION_RULES } from '../metadata/profiled-options.js';
import { requiredProtection, type RequiredProtection } from '../metadata/protected-answer.js';
import { profileFindings } from '../metadata/security-profiles.js';
import { isJsonObject, type JsonObject } from '../values/json.js';
import { BOOLEAN, readMembers, TEXT, wrongMember, type MemberTypes } from '../values/tolerant-reader.js';
import { CLAIM_TYPES, type AccessTokenClaims } from './access-token.js';
import { requireTokenText } from './token-text.js';

const JWT = 'application/token-introspection+jwt';

/** Introspection response (RFC 7662, section 2.2). An inactive token has only `active`. */
export interface IntrospectionResponse extends AccessTokenClaims {
  readonly active: boolean;
  readonly username?: string;
}

const MEMBER_TYPES: MemberTypes = { active: BOOLEAN, username: TEXT, ...CLAIM_TYPES };

/** Parameters of an introspection (RFC 7662, section 2.1), and whom its signed response may name. */
export interface IntrospectionOptions {
  /** Identifiers of our own, beside `client_id`, that a signed response may be addressed to. */
  readonly audience?: readonly string[];
  readonly token_type_hint?: 'access_token' | 'refresh_token';
}

/**
 * Token introspection (RFC 7662), with signed responses (RFC 9701).
 *
 * Where `introspection_signed_response_alg` or `introspection_encrypted_response_alg` is registered nothing but a JWT is
 * believed. Where neither is, JSON is asked for, and a signed JWT that comes all the same is verified. How old a JWT may be
 * stands at `INTROSPECTION` in `jose/purpose.ts`.
 *
 * @param token opaque or not, as presented
 * @returns the response's members; `active: false` is a value, not an error. It also stands for an error answer that speaks
 *   of the token, such as `invalid_token`
 * @throws {OAuthError} the server refused: our credentials, or with `unsupported_token_type` the token's form
 * @throws {ResponseError} the server answered outside the specification, or in JSON where a JWT is registered
 * @throws {VerificationError} the signed response did not verify
 * @throws {ConfigError} the security profile wants signed responses, and none is registered
 */
export async function introspect(
  server: Server,
  token: string,
  { audience = [], token_type_hint = 'access_token' }: IntrospectionOptions = {},
): Promise<IntrospectionResponse> {
  requireTokenText(token);
  throwFirst(profileFindings(INTROSPECTION_RULES, server.client, server.profile));
  const required = requiredProtection('introspection', server.client.metadata);
  const response = await server.post(
    'introspection_endpoint',
    { token, token_type_hint },
    { accept: required === undefined ? 'application/json' : JWT, retry: 'unanswered' },
  );
  if (refusesToken(response)) {
    return { active: false };
  }
  requireOk(response, 'introspection_endpoint');
  const answer: JsonObject =
    response.mediaType === JWT ? await fromJwt(server, response, audience) : fromJson(response, required);
  const members = readMembers(answer, MEMBER_TYPES);
  requireIntrospection(members);
  return members;
}

/**
 * Whether an error answer speaks of the token that was presented: some servers answer so instead of `active: false`. Our
 * own credentials are no token, so that `invalid_token` (RFC 6750, section 3.1) never means them. A 404 without an error of
 * OAuth is a wrong URL.
 */
function refusesToken(response: HttpResponse): boolean {
  if (response.status === 200) {
    return false;
  }
  const error = errorOf(response);
  if (error !== undefined) {
    return error === 'invalid_token' || (response.status === 404 && isAboutTheRequest(error));
  }
  const challenges = challengesIn(response.headers['www-authenticate']);
  return challenges.some(({ parameters }) => parameters.get('error') === 'invalid_token') || saysInactive(response);
}

async function fromJwt(server: Server, response: HttpResponse, audience: readonly string[]): Promise<JsonObject> {
  const accepted = [server.client.metadata.client_id, ...audience];
  const { claims } = await server.answers.verify('introspection', jwtOf(response), accepted);
  const { token_introspection } = claims;
  if (!isJsonObject(token_introspection)) {
    throw malformed('token_introspection');
  }
  return token_introspection;
}

/** Whether an error answer has `active: false`. One that can't be read has not. */
function saysInactive(response: HttpResponse): boolean {
  try {
    return requireJson(response)['active'] === false;
  } catch (error) {
    if (error instanceof OidcError) {
      return false;
    }
    throw error;
  }
}

function fromJson(response: HttpResponse, required: RequiredProtection | undefined): JsonObject {
  if (required !== undefined) {
    const code = required === 'encrypted' ? 'ENCRYPTION_REQUIRED' : 'SIGNED_RESPONSE_REQUIRED';
    throw new ResponseError(code, `The introspection response is registered as ${required}; this one is not.`);
  }
  return requireJson(response);
}

/** @throws {ResponseError} `INTROSPECTION_MALFORMED`: a member is of a type that the specification does not give it */
function requireIntrospection(members: JsonObject): asserts members is IntrospectionResponse {
  const wrong = members['active'] === undefined ? 'active' : wrongMember(members, MEMBER_TYPES);
  if (wrong !== undefined) {
    throw malformed(wrong);
  }
}

function malformed(member: string): ResponseError {
  return new ResponseError('INTROSPECTION_MALFORMED', `The introspection response has a wrong member: ${member}.`);
}
