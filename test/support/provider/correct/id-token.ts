import { createHash } from 'node:crypto';

import { hashOf } from '../../tokens/keys.js';
import type { ProviderContext } from './context.js';
import type { Grant } from './issued.js';
import type { Recorded } from './loopback-server.js';

/** OpenID Connect Core 1.0, sections 2 and 3.1.3.6. */
export function newIdToken(
  op: ProviderContext,
  grant: Grant,
  accessToken: string,
  request: Recorded,
  wantsAuthTime: boolean,
): Promise<string> {
  const alg = String(grant.client['id_token_signed_response_alg'] ?? 'RS256');
  const now = op.clock.seconds;
  const hash = createHash(hashOf(alg)).update(accessToken).digest();
  const claims = {
    iss: op.issuer,
    sub: grant.sub,
    aud: grant.client.client_id,
    iat: now,
    exp: now + 3600,
    nonce: grant.nonce,
    at_hash: hash.subarray(0, hash.length / 2).toString('base64url'),
    ...(wantsAuthTime && { auth_time: grant.authTime }),
  };
  return op.hooks.idToken({ answer: 'id_token', client: grant.client, alg, claims }, request);
}
