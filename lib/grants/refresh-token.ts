import { accessParameters, type RequestedAccess } from '../authorization-server/requested-access.js';
import type { Server } from '../authorization-server/server.js';
import { ConfigError } from '../errors/errors.js';
import { parseClaims } from '../jose/compact-jws.js';
import type { DpopKey } from '../jose/dpop-key.js';
import type { GrantedByRequest } from '../tokens/token-endpoint.js';
import { TokenResponse } from '../tokens/token-response.js';
import { requireTokenText } from '../tokens/token-text.js';
import type { TrustedAudiences } from '../tokens/trusted-audiences.js';
import type { JsonObject } from '../values/json.js';
import { isObject } from '../values/member.js';
import { requestTokens } from './token-request.js';
import { verifiedTokens } from './verified-tokens.js';

/** Parameters of the refresh token grant (RFC 6749, section 6), and the values that the new tokens must continue. */
export interface RefreshOptions extends RequestedAccess {
  /** Space-separated, a part of what was granted. Default: all of it. */
  readonly scope?: string;
  /**
   * The claims of the login's ID token: a new one must continue them (OpenID Connect Core 1.0, section 12.2). Left out:
   * a new one is verified by itself, and may repeat the login's nonce.
   */
  readonly claims?: JsonObject;
  /** Audiences that may stand beside the client in a new ID token: a list, or `azp` for any of a token issued to the client. */
  readonly trustedAudiences?: TrustedAudiences;
  /** `dpop_key` of the tokens that the refresh token came with. Default: a new one, which a public client may not have. */
  readonly dpop_key?: DpopKey | undefined;
}

/** Tokens that can be refreshed: those of a login or of an earlier refresh. */
export type RefreshableTokens = Pick<TokenResponse, 'refresh_token' | 'id_token' | 'dpop_key' | 'scope'> &
  Partial<Pick<TokenResponse, 'authorization_details'>>;

/**
 * Refresh token grant (RFC 6749, section 6). A new ID token is validated. With tokens it must continue theirs (Core, section
 * 12.2), and what the answer leaves out stays as it was: ID token, scope and the key that they are bound to.
 */
export async function refreshTokenGrant(
  server: Server,
  tokens: RefreshableTokens | string,
  options: RefreshOptions = {},
): Promise<TokenResponse> {
  if (!isObject(tokens)) {
    return refresh(server, requireRefreshToken(tokens), options);
  }
  const { id_token, dpop_key, scope, authorization_details } = tokens;
  const claims = id_token === undefined ? undefined : parseClaims(id_token.split('.')[1] ?? '');
  const refresh_token = requireRefreshToken(tokens.refresh_token);
  const known = { scope, authorization_details };
  const renewed = await refresh(server, refresh_token, { dpop_key, ...(claims && { claims }), ...options }, known);
  return renewed.id_token === undefined ? TokenResponse.with(renewed, { id_token }) : renewed;
}

async function refresh(
  server: Server,
  refresh_token: string,
  { scope, claims, trustedAudiences, dpop_key, ...access }: RefreshOptions,
  granted: Pick<GrantedByRequest, 'scope' | 'authorization_details'> = { scope: '' },
): Promise<TokenResponse> {
  requireTokenText(refresh_token);
  const narrowed = scope !== undefined && { scope };
  const form = {
    ...accessParameters(server.client.metadata, access),
    grant_type: 'refresh_token',
    refresh_token,
    ...narrowed,
  };
  const answer = await requestTokens(server, form, { ...granted, ...narrowed, refresh_token, dpop_key });
  const { tokens } = await verifiedTokens(server, answer, { continues: claims ?? 'unknown', trustedAudiences });
  return tokens;
}

/** @throws {ConfigError} the token response has none */
function requireRefreshToken(refreshToken: string | null | undefined): string {
  if (refreshToken === undefined || refreshToken === null) {
    const problem = 'is missing: the token response has no refresh_token (ask for the scope offline_access)';
    throw new ConfigError('INVALID_CONFIG', 'refreshToken', problem);
  }
  return refreshToken;
}
