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

/** Claimed proofs by store and request: one request with several guards claims its proof once. */
const claims = new WeakMap<OidcStore, WeakMap<object, Promise<void>>>();

/**
 * Marks a proof as used, for every replica that shares the store (RFC 9449, section 11.1). Only its hash is stored.
 *
 * @param lifetime milliseconds, at least the {@link acceptanceWindow}
 * @param request the request with the proof; only this one may claim it again
 * @throws {AccessTokenError} `DPOP_PROOF_REPLAYED`
 * @throws {StoreError} the store failed
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
