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
  if (!(await store.claim(key, '', LIFETIME))) {
    return undefined;
  }
  let heldUntil = performance.now() + LIFETIME;
  const isHeld = (): boolean => performance.now() < heldUntil;
  const renew = async (): Promise<void> => {
    if (isHeld()) {
      const renewedAt = performance.now();
      await store.set(key, '', LIFETIME);
      heldUntil = renewedAt + LIFETIME;
    }
  };
  // A renewal that fails leaves the lease to its end.
  const timer = setInterval(() => void renew().catch(() => undefined), RENEWAL);
  timer.unref();
  try {
    return { result: await work() };
  } finally {
    clearInterval(timer);
    // After its end it may be another's. Where the store is gone, it ends by itself.
    if (isHeld()) {
      await Promise.resolve(store.delete(key)).catch(() => undefined);
    }
  }
}
