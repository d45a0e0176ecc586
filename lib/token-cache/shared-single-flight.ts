import { setTimeout } from 'node:timers/promises';

import type { Now } from '../clock/clock.js';
import { sharedFlights } from '../events/channels.js';
import type { OidcStore } from '../storage/oidc-store.js';
import type { CachedClaims, CacheMiss } from './claims-cache.js';

/** Lifetime of a lease in milliseconds. The other replicas wait as long for its owner. */
const LEASE = 1000;

/** First pause between two reads of the store, in milliseconds. It doubles each time. */
const FIRST_PAUSE = 4;
const LONGEST_PAUSE = 64;

/** Maximum number of this process's callers that wait for other replicas. Any more ask the server themselves. */
const MOST_WAITING = 1000;

/**
 * Single flight among replicas: one takes a lease in the shared store and asks for all. The others read the store until its
 * answer is there or the lease has ended. No caller waits longer than one lease in all, even if a replica crashes or several
 * take leases in turn.
 */
export class SharedSingleFlight {
  #waiting = 0;

  /** @param failed called if the store can't be reached; then each replica asks for itself */
  constructor(
    private readonly store: OidcStore,
    private readonly now: Now,
    private readonly failed: (error: unknown) => void,
  ) {}

  /**
   * @param look reads the store
   * @param ask asks the server and writes its answer to the store
   */
  async ask(
    { key, known }: CacheMiss,
    look: () => Promise<CachedClaims | undefined>,
    ask: () => Promise<CachedClaims>,
  ): Promise<CachedClaims> {
    const since = this.now() - LEASE;
    const end = performance.now() + LEASE;
    const isAnswer = (found: CachedClaims | undefined): found is CachedClaims =>
      found !== undefined && found.askedAt >= since && found.askedAt !== known?.askedAt;
    for (let pause = FIRST_PAUSE; performance.now() < end; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      const leasedAt = performance.now();
      const [isOurs, found] = await Promise.all([this.#lease(key), look()]);
      if (isOurs === true) {
        return this.#whileLeased(key, leasedAt, async () => (isAnswer(found) ? shared(found) : ask()));
      }
      if (isAnswer(found)) {
        return shared(found);
      }
      if (isOurs === undefined || !(await this.#wait(pause))) {
        break;
      }
    }
    return ask();
  }

  /** Releases the lease afterwards, unless it has expired: then it may be another replica's. */
  async #whileLeased<T>(key: string, leasedAt: number, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } finally {
      if (performance.now() - leasedAt < LEASE) {
        await this.#release(key);
      }
    }
  }

  /** @returns false if too many callers wait already */
  async #wait(pause: number): Promise<boolean> {
    if (this.#waiting >= MOST_WAITING) {
      return false;
    }
    this.#waiting += 1;
    await setTimeout(pause);
    this.#waiting -= 1;
    return true;
  }

  /** @returns whether we have the lease; undefined: the store can't be reached */
  async #lease(key: string): Promise<boolean | undefined> {
    try {
      return await this.store.claim(leaseKey(key), '', LEASE);
    } catch (error) {
      this.failed(error);
      return undefined;
    }
  }

  async #release(key: string): Promise<void> {
    try {
      await this.store.delete(leaseKey(key));
    } catch (error) {
      this.failed(error);
    }
  }
}

/** Another replica's answer. */
function shared(found: CachedClaims): CachedClaims {
  if (sharedFlights.hasSubscribers) {
    sharedFlights.publish({ flight: 'introspection', among: 'replicas' });
  }
  return found;
}

function leaseKey(key: string): string {
  return `asking:${key}`;
}
