import { randomBytes } from 'node:crypto';

import type { OidcStore } from './oidc-store.js';

/** Milliseconds that a lease lasts, and between two renewals of it. It ends by itself when its holder dies. */
const LIFETIME = 10_000;
const RENEWAL = LIFETIME / 3;

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
