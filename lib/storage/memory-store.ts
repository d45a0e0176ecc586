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

/** Maximum number of kinds of keys. The library has a dozen. */
const MOST_KINDS = 100;

/** The limits of a {@link MemoryStore}. */
export interface MemoryStoreOptions {
  /** How many keys of each kind are kept, and how many with a set. Default 100000. */
  readonly maxEntries?: number;
  /** The time now in milliseconds. Default `Date.now`. */
  readonly now?: () => number;
}

/**
 * In-memory store, for one replica.
 *
 * Keys of one kind begin with the same word and a colon. Each kind has room of its own: strangers begin as many logins as
 * they like, and drive out no session. When the room is full, the key of that kind that was used longest ago is forgotten. So
 * a used DPoP proof is forgotten early only where more than `maxEntries` proofs come within its lifetime.
 *
 * ```ts
 * OidcModule.forRoot({ ...options, store: new MemoryStore({ maxEntries: 10_000 }) });
 * ```
 */
export class MemoryStore implements OidcStore {
  /** The keys by their kinds. */
  readonly #kinds = new LRUCache<string, LRUCache<string, Entry>>({ max: MOST_KINDS });
  readonly #maxEntries: number;
  readonly #sets: LRUCache<string, Map<string, Lifetime>>;
  readonly #now: () => number;

  constructor({ maxEntries = 100_000, now = Date.now }: MemoryStoreOptions = {}) {
    this.#maxEntries = maxEntries;
    this.#sets = new LRUCache({ max: maxEntries });
    this.#now = now;
  }

  get(key: string): string | undefined {
    const entry = this.#entriesOf(key).get(key);
    return entry !== undefined && this.#isAlive(entry) ? entry.value : undefined;
  }

  set(key: string, value: string, lifetime: number): void {
    this.#entriesOf(key).set(key, { value, setAt: this.#now(), lifetime });
  }

  delete(key: string): void {
    this.#entriesOf(key).delete(key);
  }

  claim(key: string, value: string, lifetime: number): boolean {
    const entry = this.#entriesOf(key).get(key);
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

  #entriesOf(key: string): LRUCache<string, Entry> {
    const kind = key.slice(0, Math.max(0, key.indexOf(':')));
    const known = this.#kinds.get(kind);
    if (known !== undefined) {
      return known;
    }
    const made = new LRUCache<string, Entry>({ max: this.#maxEntries });
    this.#kinds.set(kind, made);
    return made;
  }

  #isAlive({ setAt, lifetime }: Lifetime): boolean {
    return isWithin(this.#now(), setAt, lifetime);
  }
}
