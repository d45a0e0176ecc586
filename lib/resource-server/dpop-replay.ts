import { hash } from 'node:crypto';

import type { Clock } from '../clock/clock.js';
import { AccessTokenError } from '../errors/errors.js';
import { DPOP_PROOF } from '../jose/purpose.js';
import type { OidcStore } from '../storage/oidc-store.js';
import type { VerifiedDpopProof } from './dpop-proof.js';

/**
 * Milliseconds for which one and the same proof is accepted: from the tolerance before its `iat` until its age and the
 * tolerance after it, to the end of that second.
 */
export function acceptanceWindow({ tolerance }: Clock): number {
  return (DPOP_PROOF.maxAge + 2 * tolerance + 1) * 1000;
}

/**
 * Uses a proof up, here and at every replica that shares the store (RFC 9449, section 11.1). Only a hash of it is kept.
 *
 * @param lifetime milliseconds, no less than the {@link acceptanceWindow}
 * @throws {AccessTokenError} `DPOP_PROOF_REPLAYED`
 * @throws {StoreError} it can't be told
 */
export async function claimProof(
  store: OidcStore,
  { jkt, jti }: Pick<VerifiedDpopProof, 'jkt' | 'jti'>,
  lifetime: number,
): Promise<void> {
  const key = `dpop:${hash('sha256', `${jkt} ${jti}`, 'base64url')}`;
  if (!(await store.claim(key, '1', lifetime))) {
    throw new AccessTokenError('DPOP_PROOF_REPLAYED', 'The DPoP proof was used before.');
  }
}
