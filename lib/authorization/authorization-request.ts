import { boundKey } from '../authorization-server/bound-key.js';
import type { Server } from '../authorization-server/server.js';
import { authorizationParameters, type AuthorizationUrlOptions } from './authorization-parameters.js';
import { beginTransaction, type AuthorizationTransaction } from './transaction.js';

/** A login that has started: the URL for the browser, and the transaction that has to be remembered. */
export interface AuthorizationRequest {
  readonly url: string;
  readonly transaction: AuthorizationTransaction;
}

/** Starts a login with the code flow (OpenID Connect Core 1.0, section 3.1.2.1). */
export async function authorizationRequest(
  server: Server,
  options: AuthorizationUrlOptions = {},
): Promise<AuthorizationRequest> {
  const key = await boundKey(server);
  const transaction = beginTransaction(server, options, key);
  const parameters = authorizationParameters(server.client.metadata, transaction, options.parameters, key);
  const url = new URL(await server.endpoint('authorization_endpoint'));
  for (const [name, value] of Object.entries(parameters)) {
    url.searchParams.set(name, value);
  }
  return { url: url.href, transaction };
}
