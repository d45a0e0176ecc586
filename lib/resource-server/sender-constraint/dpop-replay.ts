import { hash } from 'node:crypto';

import type { Clock } from '../../clock/clock.js';
import { AccessTokenError } from '../../errors/errors.js';
import { DPOP_PROOF } from '../../jose/purpose.js';
import type { OidcStore } from '../../storage/oidc-store.js';
import type { VerifiedDpopProof } from './dpop-proof.js';

/**
 * Milliseconds for which a proof is accepted: from the tolerance before its `iat` until the greatest age and the tolerance
 * after it, to the end of that second.
 */
export function acceptanceWindow({ tolerance }: Clock): number {
  return (DPOP_PROOF.maxAge + 2 * tolerance + 1) * 1000;
}

/** Claims by store and request: a request uses its proof up once, however many guards check it. */
const claims = new WeakMap<OidcStore, WeakMap<object, Promise<void>>>();

/**
 * Uses a proof up, here and at every replica that shares the store (RFC 9449, section 11.1). Only its hash is kept.
 *
 * @param lifetime milliseconds, at least the {@link acceptanceWindow}
 * @param request the one with the proof; it may use it again, no other may
 * @throws {AccessTokenError} `DPOP_PROOF_REPLAYED`
 * @throws {StoreError} the store can't tell
 */
export function claimProof(
  store: OidcStore,
  proof: Pick<VerifiedDpopProof, 'jkt' | 'jti'>,
  lifetime: number,
  request: object,
): Promise<void> {
  const ofStore = claims.get(store) ?? new WeakMap<object, Promise<void>>();
  const claim = ofStore.get(request) ?? claimAnew(store, proof, lifetime);
  claims.set(store, ofStore.set(request, claim));
  return claim;
}

async function claimAnew(
  store: OidcStore,
  { jkt, jti }: Pick<VerifiedDpopProof, 'jkt' | 'jti'>,
  lifetime: number,
): Promise<void> {
  const key = `dpop:${hash('sha256', `${jkt} ${jti}`, 'base64url')}`;
  if (!(await store.claim(key, '1', lifetime))) {
    throw new AccessTokenError('DPOP_PROOF_REPLAYED', 'The DPoP proof was used before.');
  }
}
