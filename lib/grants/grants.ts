import { boundKey } from '../authorization-server/bound-key.js';
import type { Server } from '../authorization-server/server.js';
import { AuthorizationResponseError, ConfigError, VerificationError } from '../errors/errors.js';
import { DpopKey } from '../jose/dpop-key.js';
import { VerifiedIdToken } from '../tokens/id-token.js';
import { processTokenResponse, type GrantedByRequest, type TokenResponse } from '../tokens/token-response.js';
import { requireToken } from '../tokens/token.js';
import type { JsonObject } from '../values/json.js';
import { isObject } from '../values/member.js';

/**
 * A grant is sent once: a code is spent by the attempt, and a refresh token may be (RFC 9700, section 4.14.2). It goes over a
 * new connection, so that no kept one can be reset under it.
 */
async function requestTokens(
  server: Server,
  form: Readonly<Record<string, string>> & { readonly grant_type: string },
  request: GrantedByRequest,
): Promise<TokenResponse> {
  requireGrantType(server, form.grant_type);
  const key = await boundKey(server, request.dpop_key);
  const response = await server.post('token_endpoint', form, { accept: 'application/json', retry: 'never', key });
  return processTokenResponse(response, { ...request, dpop_key: key }, server.clock.now);
}

/** RFC 7591, section 2: a registration that lists grant types allows no other. */
function requireGrantType(server: Server, grantType: string): void {
  if (server.client.metadata.grant_types?.includes(grantType) === false) {
    throw new ConfigError('INVALID_CONFIG', 'client.grant_types', `does not hold ${grantType}`);
  }
}

/** What the exchange of a code needs of the login that it ends. */
export interface CodeExchange {
  readonly issuer: string;
  readonly nonce: string;
  readonly code_verifier: string;
  readonly redirect_uri: string;
  readonly scope: string;
  readonly max_age?: number;
  readonly dpop_jwk?: JsonObject;
  /** Milliseconds since the epoch. */
  readonly started_at: number;
}

export interface CodeGrant {
  readonly tokens: TokenResponse;
  readonly idToken: VerifiedIdToken;
}

/**
 * Exchanges the code of a login for its tokens (RFC 6749, section 4.1.3; RFC 7636, section 4.5) and validates the ID
 * token before anybody sees the others.
 */
export async function authorizationCodeGrant(
  server: Server,
  code: string,
  login: CodeExchange,
  trustedAudiences: readonly string[] = [],
): Promise<CodeGrant> {
  const { redirect_uri, code_verifier, nonce, max_age, started_at, scope } = login;
  if (login.issuer !== server.issuer) {
    throw new AuthorizationResponseError('ISS_MISMATCH', 'The code was asked for at another issuer.');
  }
  const form = { grant_type: 'authorization_code', code, redirect_uri, code_verifier };
  const tokens = await requestTokens(server, form, { scope, dpop_key: DpopKey.fromJwk(login.dpop_jwk) });
  if (tokens.id_token === undefined) {
    throw new VerificationError('ID_TOKEN_MISSING', 'The token response has no ID token.');
  }
  const { access_token } = tokens;
  const expected = { nonce, access_token, max_age, started_at, trustedAudiences };
  return { tokens, idToken: await VerifiedIdToken.verify(server, tokens.id_token, expected) };
}

export interface RefreshOptions {
  /** Space-separated, a part of what was granted. Default: all of it. */
  readonly scope?: string;
  /**
   * The claims of the login's ID token: a new one must continue them (OpenID Connect Core 1.0, section 12.2). Left out:
   * a new one is verified by itself, and may repeat the login's nonce.
   */
  readonly claims?: JsonObject;
  /** Audiences that may stand beside the client in a new ID token. */
  readonly trustedAudiences?: readonly string[];
  /** `dpop_key` of the tokens that the refresh token came with. Default: a new one, which a public client may not have. */
  readonly dpop_key?: DpopKey | undefined;
}

/** RFC 6749, section 6. An ID token that comes along is validated; where none comes the tokens have none. */
export async function refreshTokenGrant(
  server: Server,
  refresh_token: string,
  { scope, claims, trustedAudiences, dpop_key }: RefreshOptions = {},
): Promise<TokenResponse> {
  requireRefreshToken(refresh_token);
  requireToken(refresh_token);
  const form = { grant_type: 'refresh_token', refresh_token, ...(scope !== undefined && { scope }) };
  const tokens = await requestTokens(server, form, { scope: scope ?? '', refresh_token, dpop_key });
  if (tokens.id_token !== undefined) {
    const { access_token } = tokens;
    const continues = claims ?? 'unknown';
    await VerifiedIdToken.verify(server, tokens.id_token, { access_token, continues, trustedAudiences });
  }
  return tokens;
}

/** @throws {ConfigError} there is none, or a caller without types passed a token response that has none */
function requireRefreshToken(token: unknown): void {
  const given = isObject(token) && 'refresh_token' in token ? token.refresh_token : token;
  if (given === undefined || given === null) {
    const problem = 'is missing: the token response has no refresh_token (ask for the scope offline_access)';
    throw new ConfigError('INVALID_CONFIG', 'refreshToken', problem);
  }
}

export interface ClientCredentialsOptions {
  /** Space-separated; empty: none is sent. Default: the registered `scope`. */
  readonly scope?: string;
  /** More parameters, such as `resource` or `audience`. */
  readonly parameters?: Readonly<Record<string, string>>;
}

/** Tokens for the client itself (RFC 6749, section 4.4). */
export function clientCredentialsGrant(
  server: Server,
  { scope, parameters = {} }: ClientCredentialsOptions = {},
): Promise<TokenResponse> {
  const { scope: _, ...others } = parameters;
  const wanted = scope ?? parameters['scope'] ?? server.client.metadata.scope ?? '';
  const form = { ...others, grant_type: 'client_credentials', ...(wanted !== '' && { scope: wanted }) };
  return requestTokens(server, form, { scope: wanted });
}
