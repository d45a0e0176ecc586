import { LRUCache } from 'lru-cache';

import { isWithin } from '../clock/clock.js';
import type { OidcStore } from './oidc-store.js';

interface Entry {
  readonly value: string;
  /** Milliseconds since the epoch. */
  readonly setAt: number;
  readonly lifetime: number;
}

/** The limits of a {@link MemoryStore}. */
export interface MemoryStoreOptions {
  /** How many keys are kept. Default 100000. */
  readonly maxEntries?: number;
  /** The time now in milliseconds. Default `Date.now`. */
  readonly now?: () => number;
}

/**
 * In-memory store, for one replica.
 *
 * When it is full it forgets the key that was used longest ago. So a used DPoP proof is forgotten early only where more
 * than `maxEntries` keys come within its lifetime.
 *
 * ```ts
 * OidcModule.forRoot({ ...options, store: new MemoryStore({ maxEntries: 10_000 }) });
 * ```
 */
export class MemoryStore implements OidcStore {
  readonly #entries: LRUCache<string, Entry>;
  readonly #now: () => number;

  constructor({ maxEntries = 100_000, now = Date.now }: MemoryStoreOptions = {}) {
    this.#entries = new LRUCache({ max: maxEntries });
    this.#now = now;
  }

  get(key: string): string | undefined {
    const entry = this.#entries.get(key);
    return entry !== undefined && isWithin(this.#now(), entry.setAt, entry.lifetime) ? entry.value : undefined;
  }

  set(key: string, value: string, lifetime: number): void {
    this.#entries.set(key, { value, setAt: this.#now(), lifetime });
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  claim(key: string, value: string, lifetime: number): boolean {
    const entry = this.#entries.get(key);
    // Not isWithin: a key that was claimed stays claimed when the clock is set back.
    if (entry !== undefined && this.#now() < entry.setAt + entry.lifetime) {
      return false;
    }
    this.set(key, value, lifetime);
    return true;
  }

  take(key: string): string | undefined {
    const value = this.get(key);
    this.delete(key);
    return value;
  }
}
