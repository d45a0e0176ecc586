import type { Server } from '../authorization-server/server.js';
import { ConfigError } from '../errors/errors.js';
import { given } from '../values/given.js';

/** Parameters of a logout at the provider (OpenID Connect RP-Initiated Logout 1.0, section 2). */
export interface EndSessionOptions {
  /** The ID token of the session that ends. */
  readonly id_token_hint?: string | undefined;
  /** Default: the first that is registered, if any. */
  readonly post_logout_redirect_uri?: string | undefined;
  readonly state?: string | undefined;
}

/**
 * The URL that ends the provider's session too (OpenID Connect RP-Initiated Logout 1.0, section 2).
 *
 * @returns undefined when the provider publishes no `end_session_endpoint`
 */
export async function endSessionUrl(server: Server, options: EndSessionOptions = {}): Promise<string | undefined> {
  const { end_session_endpoint } = await server.metadata();
  if (end_session_endpoint === undefined) {
    return undefined;
  }
  const { client_id, post_logout_redirect_uris: registered = [] } = server.client.metadata;
  const post_logout_redirect_uri = options.post_logout_redirect_uri ?? registered[0];
  if (post_logout_redirect_uri !== undefined && !registered.includes(post_logout_redirect_uri)) {
    throw new ConfigError('INVALID_CONFIG', 'client.post_logout_redirect_uris', 'does not hold the URI to return to');
  }
  const url = new URL(end_session_endpoint);
  const { id_token_hint, state } = options;
  const parameters = given({ client_id, id_token_hint, post_logout_redirect_uri, state });
  Object.entries(parameters).forEach(([name, value]) => url.searchParams.set(name, value));
  return url.href;
}
