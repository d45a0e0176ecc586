import { LRUCache } from 'lru-cache';

import type { AccessTokenClaims } from '../tokens/access-token.js';
import type { Awaitable } from '../values/awaitable.js';

/** A cache entry: what a token says, and when that was found out. */
export interface CachedClaims {
  /** Undefined: the token is not active. */
  readonly claims: AccessTokenClaims | undefined;
  /** Milliseconds since the epoch: when the question was asked. */
  readonly askedAt: number;
}

/** A cache miss: there is no entry, or the entry is too old for its reader. */
export interface CacheMiss {
  readonly key: string;
  /** A cache that others can read opens its entries with it. */
  readonly token: string;
  /** The entry that is too old. */
  readonly known: CachedClaims | undefined;
  /** Whether the token was evicted since. What is found out for this miss is then not kept. */
  isEvicted: boolean;
}

/** A cache of what tokens say. Its readers judge how old an entry may be. */
export interface ClaimsCache {
  get(key: string, token: string): Awaitable<CachedClaims | undefined>;
  /** Fills the gap, in place of the entry that was too old. */
  set(miss: CacheMiss, found: CachedClaims): Awaitable<void>;
  /** Drops the entry. What was asked before now is never given again. */
  evict(key: string): Awaitable<void>;
  /** Single flight among replicas: asks, or waits for one of them that is asking already. */
  askOnce?(miss: CacheMiss, ask: () => Promise<CachedClaims>): Promise<CachedClaims>;
}

/**
 * Cache in this process; the entry that was read longest ago goes first. Tokens that are not active have room of their
 * own, so that a flood of them displaces no other.
 */
export class LocalClaimsCache implements ClaimsCache {
  readonly #active: LRUCache<string, CachedClaims>;
  readonly #inactive: LRUCache<string, CachedClaims>;

  /** @param maxEntries of active tokens; a tenth of it of others */
  constructor(maxEntries: number) {
    this.#active = new LRUCache({ max: maxEntries });
    this.#inactive = new LRUCache({ max: Math.max(1, Math.floor(maxEntries / 10)) });
  }

  get(key: string): CachedClaims | undefined {
    return this.#active.get(key) ?? this.#inactive.get(key);
  }

  set({ key }: Pick<CacheMiss, 'key'>, found: CachedClaims): void {
    const [kept, other] = found.claims === undefined ? [this.#inactive, this.#active] : [this.#active, this.#inactive];
    other.delete(key);
    kept.set(key, found);
  }

  evict(key: string): void {
    this.#active.delete(key);
    this.#inactive.delete(key);
  }
}
