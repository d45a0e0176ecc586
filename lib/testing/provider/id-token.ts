import { createHash } from 'node:crypto';

import type { ProviderContext } from './context.js';
import type { Grant } from './issued.js';
import { hashOf } from './keys.js';
import type { Recorded } from './loopback-server.js';
import type { Members } from './response-hooks.js';

/** What an ID token is issued with. */
export interface IssuedWith {
  readonly access_token?: string | undefined;
  readonly code?: string | undefined;
  readonly state?: string | undefined;
}

/** OpenID Connect Core 1.0, sections 2, 3.1.3.6 and 3.3.2.11; Financial-grade API 1.0 Advanced, section 5.1. */
export function newIdToken(
  op: ProviderContext,
  grant: Grant,
  { access_token, code, state }: IssuedWith,
  request: Recorded,
  wantsAuthTime: boolean,
  more: Members = {},
): Promise<string> {
  const alg = String(grant.client['id_token_signed_response_alg'] ?? 'RS256');
  const now = op.clock.seconds;
  const claims = {
    ...grant.claims,
    iss: op.issuer,
    sub: grant.sub,
    aud: grant.client.client_id,
    iat: now,
    exp: now + 3600,
    nonce: grant.nonce,
    at_hash: halfHash(alg, access_token),
    c_hash: halfHash(alg, code),
    s_hash: halfHash(alg, state),
    ...(wantsAuthTime && { auth_time: grant.authTime }),
    ...more,
  };
  return op.hooks.idToken({ answer: 'id_token', client: grant.client, alg, claims }, request);
}

/** The left half of a hash; undefined of nothing, which JSON leaves out. */
export function halfHash(alg: string, value: string | undefined): string | undefined {
  if (value === undefined) {
    return undefined;
  }
  const hash = createHash(hashOf(alg)).update(value).digest();
  return hash.subarray(0, hash.length / 2).toString('base64url');
}
