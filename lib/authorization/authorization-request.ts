import { boundKey } from '../authorization-server/bound-key.js';
import { toForm, type FormParameters } from '../authorization-server/form-encoding.js';
import type { Server } from '../authorization-server/server.js';
import { authorizationParameters, type AuthorizationUrlOptions } from './authorization-parameters.js';
import { readParameters } from './own-parameters.js';
import { mustPush, pushAuthorizationRequest } from './pushed-authorization-request.js';
import { asRequestObject, needsRequestObject } from './request-object.js';
import { beginTransaction, type AuthorizationTransaction } from './transaction.js';

/** A login that has started: the URL for the browser, and the transaction that has to be remembered. */
export interface AuthorizationRequest {
  readonly url: string;
  readonly transaction: AuthorizationTransaction;
}

/** Starts a login (OpenID Connect Core 1.0, sections 3.1.2.1, 3.2.2.1 and 3.3.2.1). */
export async function authorizationRequest(
  server: Server,
  options: AuthorizationUrlOptions = {},
): Promise<AuthorizationRequest> {
  const own = readParameters(options.parameters ?? {});
  const key = await boundKey(server);
  const transaction = beginTransaction(server, options, own, key);
  const { metadata: client } = server.client;
  const metadata = await server.metadata();
  const endpoint = server.urlOf('authorization_endpoint', metadata);
  const values = authorizationParameters(client, transaction, own, key);
  const isPushed = mustPush(client, metadata);
  const parameters = toForm(
    needsRequestObject(client, metadata)
      ? await asRequestObject(server, values, isPushed ? 'pushed' : (options.request_uri ?? 'by value'))
      : values,
  );
  if (!isPushed) {
    return { url: withQuery(endpoint, parameters), transaction };
  }
  const { request_uri } = await pushAuthorizationRequest(server, parameters, values, key);
  // RFC 9126, section 4: nothing else, or the browser could say something else than the client did.
  return { url: withQuery(endpoint, { client_id: client.client_id, request_uri }), transaction };
}

/** An endpoint with parameters in its query. Those that stand in its own query stay (RFC 6749, section 3.1). */
function withQuery(endpoint: string, parameters: FormParameters): string {
  const url = new URL(endpoint);
  for (const [name, value] of Object.entries(parameters)) {
    url.searchParams.delete(name);
    [value].flat().forEach((one) => url.searchParams.append(name, one));
  }
  return url.href;
}
