import type { FormParameters } from '../authorization-server/form-encoding.js';
import { accessParameters, type RequestedAccess } from '../authorization-server/requested-access.js';
import type { Server } from '../authorization-server/server.js';
import type { TokenResponse } from '../tokens/token-response.js';
import { requireTokenText } from '../tokens/token-text.js';
import { given } from '../values/given.js';
import { extensionGrant, type GrantOptions } from './extension-grant.js';

const GRANT_TYPE = 'urn:ietf:params:oauth:grant-type:token-exchange';

const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

/** Parameters of a token exchange (RFC 8693, section 2.1). */
export interface TokenExchangeOptions extends RequestedAccess, GrantOptions {
  /** The token of whom the new one is about. */
  readonly subject_token: string;
  /** Default: `urn:ietf:params:oauth:token-type:access_token`. */
  readonly subject_token_type?: string;
  /** The token of whoever acts for them. */
  readonly actor_token?: string;
  /** Default with `actor_token`: `urn:ietf:params:oauth:token-type:access_token`. */
  readonly actor_token_type?: string;
  /** What kind of token is wanted. Default: as the server decides; `issued_token_type` of the answer says it. */
  readonly requested_token_type?: string;
  /** Names of services that the token is for, where they are no URIs. */
  readonly audience?: string | readonly string[];
  /** Space-separated. */
  readonly scope?: string;
  /** More parameters. */
  readonly parameters?: FormParameters;
}

/** Token exchange (RFC 8693): a token for another one. */
export function tokenExchange(server: Server, options: TokenExchangeOptions): Promise<TokenResponse> {
  const { trustedAudiences, dpop_key, parameters, resource, authorization_details, ...members } = options;
  const { subject_token, subject_token_type = ACCESS_TOKEN, actor_token, actor_token_type = ACCESS_TOKEN } = members;
  const { requested_token_type, audience, scope } = members;
  requireTokenText(subject_token);
  const form = {
    ...parameters,
    ...accessParameters(server.client.metadata, { resource, authorization_details }),
    subject_token,
    subject_token_type,
    ...(actor_token !== undefined && { actor_token, actor_token_type }),
    ...given({ requested_token_type, audience, scope }),
  };
  return extensionGrant(server, GRANT_TYPE, form, { trustedAudiences, dpop_key }, { isExchange: true });
}
