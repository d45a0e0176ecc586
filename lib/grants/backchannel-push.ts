import { oauthError } from '../authorization-server/oauth-response.js';
import { withoutSecrets } from '../authorization-server/sent-secrets.js';
import type { Server } from '../authorization-server/server.js';
import { VerificationError } from '../errors/errors.js';
import { readTokens } from '../tokens/token-endpoint.js';
import type { HashClaim } from '../tokens/token-hash.js';
import type { JsonObject } from '../values/json.js';
import { text } from '../values/member.js';
import { consentedTokens, type ConsentExpectations } from './consented-tokens.js';
import type { VerifiedTokens } from './verified-tokens.js';

const AUTH_REQ_ID = 'urn:openid:params:jwt:claim:auth_req_id';

const REFRESH_TOKEN_HASH = 'urn:openid:params:jwt:claim:rt_hash';

/** What a push is held to. */
export interface PushExpectations extends ConsentExpectations {
  readonly auth_req_id: string;
}

/**
 * Reads a push (CIBA Core 1.0, section 10.3.1): tokens that the server posts to us, or the error that there are none. Its ID
 * token says which request it answers, and which tokens belong to it: whoever posts can't mix them.
 *
 * @throws {OAuthError} `access_denied`, `expired_token`, `transaction_failed` (section 12)
 * @throws {ResponseError} `TOKEN_RESPONSE_INVALID`
 * @throws {VerificationError} the ID token is not good, or answers another request
 */
export async function processPush(
  server: Server,
  body: JsonObject,
  { auth_req_id, ...expected }: PushExpectations,
): Promise<VerifiedTokens> {
  const error = text(body['error']);
  if (error !== undefined) {
    const description = text(body['error_description']);
    const error_description = description && withoutSecrets(description, [auth_req_id]);
    throw oauthError(error, 'backchannel_authentication_endpoint', { error_description });
  }
  const pushed = readTokens(body, { scope: expected.scope }, server.clock.now);
  const hashes: readonly HashClaim[] =
    pushed.refresh_token === undefined ? ['at_hash'] : ['at_hash', REFRESH_TOKEN_HASH];
  const granted = await consentedTokens(server, pushed, { ...expected, hashes });
  if (granted.idToken === undefined || granted.idToken.claims[AUTH_REQ_ID] !== auth_req_id) {
    throw new VerificationError('CLAIM_INVALID', 'The ID token that was pushed answers another request.');
  }
  return granted;
}
