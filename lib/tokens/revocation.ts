import { requireOk } from '../authorization-server/oauth-response.js';
import type { Server } from '../authorization-server/server.js';
import { requireTokenText } from './token-text.js';

/**
 * Token revocation (RFC 7009). A token that the server does not know is as good as revoked and no error.
 *
 * @throws {OAuthError} the server refused, such as with `unsupported_token_type`
 */
export async function revoke(
  server: Server,
  token: string,
  token_type_hint?: 'access_token' | 'refresh_token',
): Promise<void> {
  requireTokenText(token);
  const form = { token, ...(token_type_hint !== undefined && { token_type_hint }) };
  const response = await server.post('revocation_endpoint', form, { accept: 'application/json', retry: 'never' });
  requireOk(response, 'revocation_endpoint');
}
