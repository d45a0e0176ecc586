import { setTimeout } from 'node:timers/promises';

import type { Now } from '../clock/clock.js';
import type { OidcStore } from '../storage/oidc-store.js';
import type { CachedClaims, Question } from './claims-cache.js';

/** Milliseconds for which the others wait for the one who asks, and between their first two looks. */
const PATIENCE = 1000;
const FIRST_PAUSE = 4;
const LONGEST_PAUSE = 64;

/** Callers of this process who wait for other replicas at the same time; any more ask for themselves. */
const MOST_WAITING = 1000;

/**
 * One replica asks for all: it claims the question in the store that they share, and the others look again until the
 * answer is there or the claim is gone. Nobody waits for longer than a claim lives: for a replica that does not come
 * back, or for many one after the other.
 */
export class SharedQuestions {
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
    { key, known }: Question,
    look: () => Promise<CachedClaims | undefined>,
    ask: () => Promise<CachedClaims>,
  ): Promise<CachedClaims> {
    const since = this.now() - PATIENCE;
    const end = performance.now() + PATIENCE;
    const isAnswer = (found: CachedClaims | undefined): found is CachedClaims =>
      found !== undefined && found.askedAt >= since && found.askedAt !== known?.askedAt;
    for (let pause = FIRST_PAUSE; performance.now() < end; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      const claimedAt = performance.now();
      const [isOurs, found] = await Promise.all([this.#claim(key), look()]);
      if (isOurs === true) {
        return this.#whileClaimed(key, claimedAt, async () => (isAnswer(found) ? found : ask()));
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

  /** After its time a claim may be another's. */
  async #whileClaimed<T>(key: string, claimedAt: number, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } finally {
      if (performance.now() - claimedAt < PATIENCE) {
        await this.#leave(key);
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

  /** @returns undefined where the store can't be reached */
  async #claim(key: string): Promise<boolean | undefined> {
    try {
      return await this.store.claim(askingKey(key), '', PATIENCE);
    } catch (error) {
      this.failed(error);
      return undefined;
    }
  }

  async #leave(key: string): Promise<void> {
    try {
      await this.store.delete(askingKey(key));
    } catch (error) {
      this.failed(error);
    }
  }
}

function askingKey(key: string): string {
  return `asking:${key}`;
}
