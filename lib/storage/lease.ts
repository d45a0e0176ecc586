import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';

import type { OidcStore } from './oidc-store.js';

/** Milliseconds that a lease lasts, and between two renewals of it. It ends by itself when its holder dies. */
const LIFETIME = 10_000;
const RENEWAL = LIFETIME / 3;

/** Milliseconds between two looks into the store while another replica works. */
const LOOK = 25;

/**
 * Lease among replicas: one holds it while it works for all. It is renewed for as long as the work takes.
 *
 * @returns undefined: another replica holds it
 * @throws {StoreError} the store can't be reached
 */
export async function whileLeased<T>(
  store: OidcStore,
  key: string,
  work: () => Promise<T>,
): Promise<{ readonly result: T } | undefined> {
  // Only its holder renews or releases a lease: after a pause of this process it may be another's.
  const holder = randomBytes(16).toString('base64url');
  if (!(await store.claim(key, holder, LIFETIME))) {
    return undefined;
  }
  const renew = async (): Promise<unknown> => store.replace(key, holder, holder, LIFETIME);
  const release = async (): Promise<void> => {
    if ((await store.get(key)) === holder) {
      await store.delete(key);
    }
  };
  // A renewal that fails leaves the lease to its end.
  const timer = setInterval(() => void renew().catch(() => undefined), RENEWAL);
  timer.unref();
  try {
    return { result: await work() };
  } finally {
    clearInterval(timer);
    // Where the store is gone, it ends by itself.
    await release().catch(() => undefined);
  }
}

/** Work that one replica does for all. */
export interface SharedWork<T> {
  /** Finds what a replica left in the store; undefined: nothing that is good. */
  look(): Promise<T | undefined>;
  /** Does the work and leaves its result in the store. */
  work(): Promise<T>;
  /** Milliseconds to wait for another replica. */
  readonly patience: number;
}

/**
 * Single flight among replicas: one works under the lease, the others wait for what it leaves in the store.
 *
 * @returns undefined: another replica works for longer than our patience
 * @throws {StoreError} the store can't be reached
 */
export async function onceAmongReplicas<T>(
  store: OidcStore,
  key: string,
  { look, work, patience }: SharedWork<T>,
): Promise<T | undefined> {
  const end = performance.now() + patience;
  while (performance.now() < end) {
    const found = await look();
    if (found !== undefined) {
      return found;
    }
    const leased = await whileLeased(store, key, async () => (await look()) ?? work());
    if (leased !== undefined) {
      return leased.result;
    }
    await setTimeout(LOOK);
  }
  return undefined;
}
