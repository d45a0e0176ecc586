import type { Server } from '../authorization-server/server.js';
import { authorizationCodeGrant, type IdTokenOptions } from '../grants/authorization-code.js';
import { VerifiedIdToken } from '../tokens/id-token.js';
import { NoAccessToken, type LoginTokens } from '../tokens/login-tokens.js';
import { readTokens } from '../tokens/token-endpoint.js';
import { TokenResponse } from '../tokens/token-response.js';
import type { AuthorizationResponse } from './authorization-response.js';
import type { ResponseParameters } from './jarm.js';
import { carries, responseTypeOf } from './response-type.js';
import type { AuthorizationTransaction } from './transaction.js';

/** A login that has ended well: its tokens and the verified ID token. */
export interface LoginGrant {
  readonly tokens: LoginTokens;
  readonly idToken: VerifiedIdToken;
}

/** The parameters of a response that are members of a token response. There is never a refresh token (RFC 6749, section 4.2.2). */
const TOKEN_MEMBERS: readonly string[] = ['access_token', 'token_type', 'expires_in', 'scope'];

/**
 * The tokens of a login, by what the response brought: with a code from the token endpoint (OpenID Connect Core 1.0, sections
 * 3.1.3 and 3.3.3), else from the response itself (section 3.2.2). An ID token in the response is verified before anything else
 * is sent. An access token beside a code is not used: that of the token endpoint is the later one.
 *
 * @throws {VerificationError} an ID token is not one that this login may rely on
 */
export async function grantOfLogin(
  server: Server,
  response: AuthorizationResponse,
  transaction: AuthorizationTransaction,
  options: IdTokenOptions,
): Promise<LoginGrant> {
  const { code, id_token, parameters } = response;
  const verified = (jwt: string) => frontChannelIdToken(server, jwt, response, transaction, options);
  if (code === undefined) {
    const idToken = await verified(id_token);
    return { idToken, tokens: implicitTokens(server, parameters, transaction, idToken) };
  }
  const frontChannel = id_token === undefined ? undefined : await verified(id_token);
  return authorizationCodeGrant(server, code, transaction, options, frontChannel);
}

/** Verifies the ID token of the response (Core, sections 3.2.2.11 and 3.3.2.12). The nonce must be in it. */
function frontChannelIdToken(
  server: Server,
  id_token: string,
  { code, parameters }: AuthorizationResponse,
  { state, nonce, max_age, started_at, essential_acr, response_type }: AuthorizationTransaction,
  { trustedAudiences }: IdTokenOptions,
): Promise<VerifiedIdToken> {
  return VerifiedIdToken.verify(server, id_token, {
    nonce,
    issuedWith: { access_token: parameters.get('access_token'), code, state },
    hashes: [...(responseTypeOf(response_type)?.hashes ?? []), ...(server.profile?.hashes ?? [])],
    max_age,
    started_at,
    essential_acr,
    trustedAudiences,
    origin: 'stranger',
  });
}

/** The tokens of the response. They keep the ID token as it was signed, for `id_token_hint`. */
function implicitTokens(
  server: Server,
  parameters: ResponseParameters,
  { scope, response_type }: AuthorizationTransaction,
  { jws: id_token }: VerifiedIdToken,
): LoginTokens {
  if (!carries(response_type, 'access_token')) {
    return new NoAccessToken({ scope, id_token });
  }
  const members = [...parameters].filter(([name]) => TOKEN_MEMBERS.includes(name));
  const tokens = readTokens(Object.fromEntries(members), { scope }, server.clock.now);
  return TokenResponse.with(tokens, { id_token });
}
