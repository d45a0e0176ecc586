import { LRUCache } from 'lru-cache';

import { isWithin } from '../clock/clock.js';
import type { OidcStore } from './oidc-store.js';

interface Lifetime {
  /** Milliseconds since the epoch. */
  readonly setAt: number;
  readonly lifetime: number;
}

interface Entry extends Lifetime {
  readonly value: string;
}

/** The limits of a {@link MemoryStore}. */
export interface MemoryStoreOptions {
  /** How many keys with a value are kept, and how many with a set. Default 100000. */
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
  readonly #sets: LRUCache<string, Map<string, Lifetime>>;
  readonly #now: () => number;

  constructor({ maxEntries = 100_000, now = Date.now }: MemoryStoreOptions = {}) {
    this.#entries = new LRUCache({ max: maxEntries });
    this.#sets = new LRUCache({ max: maxEntries });
    this.#now = now;
  }

  get(key: string): string | undefined {
    const entry = this.#entries.get(key);
    return entry !== undefined && this.#isAlive(entry) ? entry.value : undefined;
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

  replace(key: string, expected: string, value: string, lifetime: number): boolean {
    const isExpected = this.get(key) === expected;
    if (isExpected) {
      this.set(key, value, lifetime);
    }
    return isExpected;
  }

  add(key: string, member: string, lifetime: number): void {
    const alive = [...(this.#sets.get(key) ?? [])].filter(([, one]) => this.#isAlive(one));
    this.#sets.set(key, new Map(alive).set(member, { setAt: this.#now(), lifetime }));
  }

  members(key: string): readonly string[] {
    const all = [...(this.#sets.get(key) ?? [])];
    return all.filter(([, one]) => this.#isAlive(one)).map(([member]) => member);
  }

  remove(key: string, member: string): void {
    const set = this.#sets.get(key);
    set?.delete(member);
    if (set?.size === 0) {
      this.#sets.delete(key);
    }
  }

  #isAlive({ setAt, lifetime }: Lifetime): boolean {
    return isWithin(this.#now(), setAt, lifetime);
  }
}
