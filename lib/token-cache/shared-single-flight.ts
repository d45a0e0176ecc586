import { setTimeout } from 'node:timers/promises';

import type { Now } from '../clock/clock.js';
import type { OidcStore } from '../storage/oidc-store.js';
import type { CachedClaims, CacheMiss } from './claims-cache.js';

/** Milliseconds that a lease lasts, and that the others wait for the one who has it. */
const LEASE = 1000;

/** Milliseconds between two looks into the store: twice as long each time. */
const FIRST_PAUSE = 4;
const LONGEST_PAUSE = 64;

/** Callers of this process who wait for other replicas at the same time; any more ask for themselves. */
const MOST_WAITING = 1000;

/**
 * Single flight among replicas: one takes a lease in the store that they share and asks for all. The others look again
 * until its answer is there or the lease is gone. Nobody waits for longer than a lease lasts, be it for a replica that
 * does not come back or for many one after the other.
 */
export class SharedSingleFlight {
  #waiting = 0;

  /** @param failed is told of a store that can't be reached; then each asks for itself */
  constructor(
    private readonly store: OidcStore,
    private readonly now: Now,
    private readonly failed: (error: unknown) => void,
  ) {}

  /**
   * @param look what the store holds now
   * @param ask the server, and keep its answer in the store
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
        return this.#whileLeased(key, leasedAt, async () => (isAnswer(found) ? found : ask()));
      }
      if (isAnswer(found)) {
        return found;
      }
      if (isOurs === undefined || !(await this.#wait(pause))) {
        break;
      }
    }
    return ask();
  }

  /** Releases the lease afterwards, unless its time is over: it may be another's then. */
  async #whileLeased<T>(key: string, leasedAt: number, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } finally {
      if (performance.now() - leasedAt < LEASE) {
        await this.#release(key);
      }
    }
  }

  /** @returns false where too many wait already */
  async #wait(pause: number): Promise<boolean> {
    if (this.#waiting >= MOST_WAITING) {
      return false;
    }
    this.#waiting += 1;
    await setTimeout(pause);
    this.#waiting -= 1;
    return true;
  }

  /** @returns whether the lease is ours; undefined: the store can't be reached */
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

function leaseKey(key: string): string {
  return `asking:${key}`;
}
