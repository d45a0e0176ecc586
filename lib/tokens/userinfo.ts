import { formEncode } from '../authorization-server/form-encoding.js';
import { descriptionOf, jwtOf, requireJson } from '../authorization-server/oauth-response.js';
import type { Server } from '../authorization-server/server.js';
import { ConfigError, ResponseError, VerificationError } from '../errors/errors.js';
import type { HttpResponse } from '../http/response.js';
import { throwFirst } from '../metadata/finding.js';
import { CALL_RULES } from '../metadata/profiled-options.js';
import { requiredProtection, type RequiredProtection } from '../metadata/protected-answer.js';
import { profileFindings } from '../metadata/security-profiles.js';
import type { JsonObject } from '../values/json.js';
import { requireSubject } from './id-token.js';
import type { TokenResponse } from './token-response.js';

/** An access token, and the key that it is bound to. */
export type SentTokens = Pick<TokenResponse, 'access_token' | 'dpop_key'>;

/** How userinfo is asked for. */
export interface UserinfoOptions {
  /**
   * Where the access token is sent: in the Authorization header of a GET, or in the form of a POST (RFC 6750, section 2.2), for
   * a provider that reads it nowhere else. A token that is bound to a key goes into the header only. Default `header`.
   */
  readonly tokenIn?: 'header' | 'body';
}

/**
 * Asks for the claims of the end-user (OpenID Connect Core 1.0, section 5.3).
 *
 * @param tokens whose access token is sent in one place only, and never in the URL
 * @param sub of the ID token: an answer about anybody else is discarded
 * @throws {ResponseError} the server refused the token, or answered outside the specification
 * @throws {VerificationError} `SUB_MISMATCH`, or an answer that is a JWT did not verify
 * @throws {ConfigError} the token may not be sent there
 */
export async function userinfo(
  server: Server,
  tokens: SentTokens,
  sub: string,
  { tokenIn = 'header' }: UserinfoOptions = {},
): Promise<JsonObject> {
  throwFirst(profileFindings(CALL_RULES, { tokenIn }, server.profile));
  const required = requiredProtection('userinfo', server.client.metadata);
  const url = await server.endpoint('userinfo_endpoint');
  const accept = required === undefined ? 'application/json' : 'application/jwt';
  const response = await REQUESTS[tokenIn](server, url, accept, tokens);
  const claims = await processUserinfoResponse(server, response, required);
  if (requireSubject(claims) !== sub) {
    throw new VerificationError('SUB_MISMATCH', 'The userinfo response is about another end-user.');
  }
  return claims;
}

type Request = (server: Server, url: string, accept: string, tokens: SentTokens) => Promise<HttpResponse>;

const REQUESTS: Readonly<Record<'header' | 'body', Request>> = {
  header: (server, url, accept, { access_token, dpop_key }) => server.get(url, accept, access_token, dpop_key),
  body: (server, url, accept, { access_token, dpop_key }) => {
    if (dpop_key !== undefined) {
      const problem = 'must be header for tokens that are bound to a key (RFC 9449, section 7.1)';
      throw new ConfigError('INVALID_CONFIG', 'tokenIn', problem);
    }
    const headers = { accept, 'content-type': 'application/x-www-form-urlencoded' };
    const body = formEncode({ access_token });
    return server.transport.request({
      method: 'POST',
      url,
      endpoint: 'userinfo_endpoint',
      headers,
      body,
      retry: 'idempotent',
    });
  },
};

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
    const { claims } = await server.answers.verify('userinfo', jwtOf(response), [server.client.metadata.client_id]);
    return claims;
  }
  if (required !== undefined) {
    const code = required === 'encrypted' ? 'ENCRYPTION_REQUIRED' : 'SIGNED_USERINFO_REQUIRED';
    throw new ResponseError(code, `The userinfo response is registered as ${required}; this one is not.`);
  }
  return requireJson(response);
}
