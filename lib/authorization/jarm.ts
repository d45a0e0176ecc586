import type { Server } from '../authorization-server/server.js';
import { AuthorizationResponseError, VerificationError } from '../errors/errors.js';
import { parseClaims, parseCompactJws } from '../jose/compact-jws.js';
import { AUTHORIZATION_RESPONSE } from '../jose/purpose.js';
import type { JsonObject } from '../values/json.js';

/** Parameters of an authorization response, by name. */
export type ResponseParameters = ReadonlyMap<string, string>;

/** Parameters that may not stand beside the JWT which has them: another reader could take those for the response. */
const INSIDE: readonly string[] = ['code', 'error', 'access_token', 'id_token'];

/** Claims about the JWT itself (RFC 7519, section 4.1). `iss` stays: it is a parameter as well (RFC 9207, section 2). */
const ABOUT_THE_JWT: readonly string[] = ['aud', 'exp', 'nbf', 'iat', 'jti'];

/**
 * The JWT of a response (JARM, section 2.3).
 *
 * @throws {AuthorizationResponseError} `JARM_REQUIRED`: the response is a plain one
 */
export function jwtOfResponse(parameters: ResponseParameters): string {
  if (parameters.size === 0) {
    throw new AuthorizationResponseError('MISSING_RESPONSE', 'The request carries no authorization response.');
  }
  const jwt = parameters.get('response');
  if (jwt === undefined) {
    throw new AuthorizationResponseError('JARM_REQUIRED', 'The response is no JWT, and nothing else was asked for.');
  }
  if (INSIDE.some((name) => parameters.has(name))) {
    throw new AuthorizationResponseError('UNEXPECTED_PARAMETER', 'The response has parameters beside its JWT.');
  }
  return jwt;
}

/**
 * The parameters in the JWT of a response. **Nothing is verified**: they find the login that it may belong to (JARM, section
 * 2.4, first the `state`).
 *
 * @throws {AuthorizationResponseError} `JARM_INVALID`
 */
export async function unverifiedParameters(server: Server, jwt: string): Promise<ResponseParameters> {
  try {
    const jws = await server.answers.decrypted('authorization', jwt);
    return parametersOf(parseClaims(parseCompactJws(jws, AUTHORIZATION_RESPONSE.maxLength).payload));
  } catch (error) {
    throw blamedOnResponse(error);
  }
}

/**
 * The parameters in the JWT of a response, verified: signature, `iss`, `aud` and `exp` (JARM, section 2.4).
 *
 * @throws {AuthorizationResponseError} `JARM_INVALID`
 * @throws {OidcError} of another kind: the keys of the server can't be had
 */
export async function verifiedParameters(server: Server, jwt: string): Promise<ResponseParameters> {
  const { client_id } = server.client.metadata;
  try {
    // Anybody can bring one to the callback.
    const { claims } = await server.answers.verify('authorization', jwt, [client_id], 'stranger');
    return parametersOf(claims);
  } catch (error) {
    throw blamedOnResponse(error);
  }
}

/** The claims that are parameters of the response. A number, such as `expires_in`, is read as text. */
function parametersOf(claims: JsonObject): ResponseParameters {
  return new Map(
    Object.entries(claims).flatMap(([name, value]) => {
      const isScalar = typeof value === 'string' || typeof value === 'number';
      return isScalar && value !== '' && !ABOUT_THE_JWT.includes(name) ? [[name, String(value)]] : [];
    }),
  );
}

/** What is wrong with the JWT is wrong with the response. */
function blamedOnResponse(error: unknown): unknown {
  if (!(error instanceof VerificationError)) {
    return error;
  }
  return new AuthorizationResponseError('JARM_INVALID', `The response does not verify: ${error.code}.`, {
    cause: error,
    facts: error.facts,
  });
}
