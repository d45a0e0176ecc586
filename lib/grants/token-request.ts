import { boundKey } from '../authorization-server/bound-key.js';
import type { FormParameters } from '../authorization-server/form-encoding.js';
import type { Server } from '../authorization-server/server.js';
import { ConfigError } from '../errors/errors.js';
import { processTokenResponse, type GrantedByRequest } from '../tokens/token-endpoint.js';
import type { TokenResponse } from '../tokens/token-response.js';

/** The form of a token request. */
export type TokenForm = FormParameters & { readonly grant_type: string };

/**
 * Token request: sends a grant to the token endpoint, once. The attempt spends a code, and may spend a refresh token
 * (RFC 9700, section 4.14.2). So it uses a young connection: a server does not reset that one for having been idle.
 *
 * @throws {ConfigError} the client has not registered the grant type
 */
export async function requestTokens(
  server: Server,
  form: TokenForm,
  request: GrantedByRequest,
): Promise<TokenResponse> {
  requireGrantType(server, form.grant_type);
  const key = await boundKey(server, request.dpop_key);
  const response = await server.post('token_endpoint', form, { accept: 'application/json', retry: 'never', key });
  return processTokenResponse(response, { ...request, dpop_key: key }, server.clock.now);
}

/** Checks the grant type. A registration that lists grant types allows no other (RFC 7591, section 2), and a profile may refuse one. */
export function requireGrantType(server: Server, grantType: string): void {
  if (server.client.metadata.grant_types?.includes(grantType) === false) {
    throw new ConfigError('INVALID_CONFIG', 'client.grant_types', `does not hold ${grantType}`);
  }
  if (server.profile?.refusedGrants.includes(grantType) === true) {
    throw new ConfigError('INVALID_CONFIG', 'profile', `${server.profile.name} refuses the grant type ${grantType}`);
  }
}
