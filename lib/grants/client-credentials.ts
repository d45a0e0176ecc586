import type { FormParameters } from '../authorization-server/form-encoding.js';
import { accessParameters, type RequestedAccess } from '../authorization-server/requested-access.js';
import type { Server } from '../authorization-server/server.js';
import type { TokenResponse } from '../tokens/token-response.js';
import { text } from '../values/member.js';
import { requestTokens, type TokenForm } from './token-request.js';

/** Parameters of the client credentials grant (RFC 6749, section 4.4.2). */
export interface ClientCredentialsOptions extends RequestedAccess {
  /** Space-separated; empty: none is sent. Default: the registered `scope`. */
  readonly scope?: string;
  /** More parameters, such as `audience`. */
  readonly parameters?: FormParameters;
}

/** Client credentials grant (RFC 6749, section 4.4): tokens for the client itself. */
export async function clientCredentialsGrant(
  server: Server,
  options?: ClientCredentialsOptions,
): Promise<TokenResponse> {
  const { form, scope } = clientCredentialsRequest(server, options);
  return requestTokens(server, form, { scope });
}

/** The form of the token request, which says all that the answer depends on, and the scope in it. */
export function clientCredentialsRequest(
  server: Server,
  { scope: given, parameters = {}, ...access }: ClientCredentialsOptions = {},
): { readonly form: TokenForm; readonly scope: string } {
  const { scope: listed, ...others } = parameters;
  const scope = given ?? text(listed) ?? server.client.metadata.scope ?? '';
  const asked = scope === '' ? {} : { scope };
  return {
    form: {
      ...others,
      ...accessParameters(server.client.metadata, access),
      ...asked,
      grant_type: 'client_credentials',
    },
    scope,
  };
}
