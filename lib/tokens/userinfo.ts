import { descriptionOf, jwtOf, requireJson } from '../authorization-server/oauth-response.js';
import type { Server } from '../authorization-server/server.js';
import { ResponseError, VerificationError } from '../errors/errors.js';
import type { HttpResponse } from '../http/response.js';
import { requiredProtection, type RequiredProtection } from '../metadata/protected-answer.js';
import type { JsonObject } from '../values/json.js';
import { requireSubject } from './id-token.js';
import type { TokenResponse } from './token-response.js';

/** An access token, and the key that it is bound to. */
export type SentTokens = Pick<TokenResponse, 'access_token' | 'dpop_key'>;

/**
 * Asks for the claims of the end-user (OpenID Connect Core 1.0, section 5.3).
 *
 * @param tokens whose access token is sent in the Authorization header and nowhere else
 * @param sub of the ID token: an answer about anybody else is discarded
 * @throws {ResponseError} the server refused the token, or answered outside the specification
 * @throws {VerificationError} `SUB_MISMATCH`, or an answer that is a JWT did not verify
 */
export async function userinfo(
  server: Server,
  { access_token, dpop_key }: SentTokens,
  sub: string,
): Promise<JsonObject> {
  const required = requiredProtection('userinfo', server.client.metadata);
  const url = await server.endpoint('userinfo_endpoint');
  const accept = required === undefined ? 'application/json' : 'application/jwt';
  const response = await server.get(url, accept, access_token, dpop_key);
  const claims = await processUserinfoResponse(server, response, required);
  if (requireSubject(claims) !== sub) {
    throw new VerificationError('SUB_MISMATCH', 'The userinfo response is about another end-user.');
  }
  return claims;
}

async function processUserinfoResponse(
  server: Server,
  response: HttpResponse,
  required: RequiredProtection | undefined,
): Promise<JsonObject> {
  if (response.status !== 200) {
    throw new ResponseError(
      'USERINFO_REFUSED',
      `The server answered ${response.status} to a token that it just issued.`,
      { facts: { ...response.facts, error_description: descriptionOf(response) } },
    );
  }
  if (response.mediaType === 'application/jwt') {
    const { claims } = await server.verify('userinfo', jwtOf(response), [server.client.metadata.client_id]);
    return claims;
  }
  if (required !== undefined) {
    const code = required === 'encrypted' ? 'ENCRYPTION_REQUIRED' : 'SIGNED_USERINFO_REQUIRED';
    throw new ResponseError(code, `The userinfo response is registered as ${required}; this one is not.`);
  }
  return requireJson(response);
}
