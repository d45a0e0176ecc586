import { createHash } from 'node:crypto';

import { oauthError } from '../authorization-server/oauth-response.js';
import type { Server } from '../authorization-server/server.js';
import { VerificationError } from '../errors/errors.js';
import { signatureAlgorithm } from '../jose/algorithms.js';
import { parseCompactJws } from '../jose/compact-jws.js';
import { equalInConstantTime } from '../jose/constant-time.js';
import { ID_TOKEN } from '../jose/purpose.js';
import { readTokens } from '../tokens/token-endpoint.js';
import type { VerifiedIdToken } from '../tokens/id-token.js';
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
    const error_description = text(body['error_description']);
    throw oauthError(error, 'backchannel_authentication_endpoint', { error_description });
  }
  const pushed = readTokens(body, { scope: expected.scope }, server.clock.now);
  const granted = await consentedTokens(server, pushed, expected);
  const { access_token, refresh_token } = granted.tokens;
  if (granted.idToken === undefined || granted.idToken.claims[AUTH_REQ_ID] !== auth_req_id) {
    throw new VerificationError('CLAIM_INVALID', 'The ID token that was pushed answers another request.');
  }
  requireHash(granted.idToken, 'at_hash', access_token);
  if (refresh_token !== undefined) {
    requireHash(granted.idToken, REFRESH_TOKEN_HASH, refresh_token);
  }
  return granted;
}

/** Requires a hash of a token: its left half, as in OpenID Connect Core 1.0, section 3.1.3.6. */
function requireHash({ claims, jws }: VerifiedIdToken, name: string, token: string): void {
  const hash = signatureAlgorithm(parseCompactJws(jws, ID_TOKEN.maxLength).alg)?.hash;
  const digest = hash === undefined ? Buffer.alloc(0) : createHash(hash).update(token).digest();
  const expected = digest.subarray(0, digest.length / 2).toString('base64url');
  const claim = claims[name];
  if (expected === '' || typeof claim !== 'string' || !equalInConstantTime(claim, expected)) {
    throw new VerificationError('AT_HASH_MISMATCH', `The ID token that was pushed belongs to other tokens: ${name}.`);
  }
}
