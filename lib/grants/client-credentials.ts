import type { Server } from '../authorization-server/server.js';
import type { TokenResponse } from '../tokens/token-response.js';
import { requestTokens } from './token-request.js';

/** Parameters of the client credentials grant (RFC 6749, section 4.4.2). */
export interface ClientCredentialsOptions {
  /** Space-separated; empty: none is sent. Default: the registered `scope`. */
  readonly scope?: string;
  /** More parameters, such as `resource` or `audience`. */
  readonly parameters?: Readonly<Record<string, string>>;
}

/** Client credentials grant (RFC 6749, section 4.4): tokens for the client itself. */
export function clientCredentialsGrant(
  server: Server,
  { scope, parameters = {} }: ClientCredentialsOptions = {},
): Promise<TokenResponse> {
  const { scope: _, ...others } = parameters;
  const wanted = scope ?? parameters['scope'] ?? server.client.metadata.scope ?? '';
  const form = { ...others, grant_type: 'client_credentials', ...(wanted !== '' && { scope: wanted }) };
  return requestTokens(server, form, { scope: wanted });
}
