import type { FormParameters } from '../authorization-server/form-encoding.js';
import type { Server } from '../authorization-server/server.js';
import type { DpopKey } from '../jose/dpop-key.js';
import type { GrantedByRequest } from '../tokens/token-endpoint.js';
import type { TokenResponse } from '../tokens/token-response.js';
import type { TrustedAudiences } from '../tokens/trusted-audiences.js';
import { text } from '../values/member.js';
import { requestTokens } from './token-request.js';
import { verifiedTokens } from './verified-tokens.js';

/** What every grant takes beside its parameters. */
export interface GrantOptions {
  /** Audiences that may stand beside the client in an ID token: a list, or `azp` for any of a token issued to the client. */
  readonly trustedAudiences?: TrustedAudiences | undefined;
  /** The key that the tokens are bound to, where `dpop_bound_access_tokens` is registered. Default: a new one. */
  readonly dpop_key?: DpopKey | undefined;
}

/**
 * Extension grant (RFC 6749, section 4.5): any grant by its type. An ID token that comes with it is verified; it may have
 * any nonce, because nothing is known of a login before it.
 */
export async function extensionGrant(
  server: Server,
  grant_type: string,
  parameters: FormParameters,
  { trustedAudiences, dpop_key }: GrantOptions = {},
  request: Pick<GrantedByRequest, 'isExchange'> = {},
): Promise<TokenResponse> {
  const scope = text(parameters['scope']) ?? '';
  const answer = await requestTokens(server, { ...parameters, grant_type }, { ...request, scope, dpop_key });
  const { tokens } = await verifiedTokens(server, answer, { continues: 'unknown', trustedAudiences });
  return tokens;
}
