import { LRUCache } from 'lru-cache';

import type { AccessTokenClaims } from '../tokens/access-token.js';
import type { Awaitable } from '../values/awaitable.js';

/** A cache entry: the claims of a token, and the time of the answer. */
export interface CachedClaims {
  /** Undefined: the token is not active. */
  readonly claims: AccessTokenClaims | undefined;
  /** Milliseconds since the epoch at which the server was asked. */
  readonly askedAt: number;
}

/** A cache miss: there is no entry, or the entry is too old for its reader. */
export interface CacheMiss {
  readonly key: string;
  /** A shared cache derives the key of its entries from it. */
  readonly token: string;
  /** The entry that is too old, if there is one. */
  readonly known: CachedClaims | undefined;
  /** Whether the token was evicted since. The answer to this miss is then not stored. */
  isEvicted: boolean;
}

/** Cache of token claims. Its readers decide how old an entry may be. */
export interface ClaimsCache {
  get(key: string, token: string): Awaitable<CachedClaims | undefined>;
  /** Stores the answer to a miss, in place of the entry that was too old. */
  set(miss: CacheMiss, found: CachedClaims): Awaitable<void>;
  /** Removes the entry. Answers to earlier calls are never returned again. */
  evict(key: string): Awaitable<void>;
  /** Single flight among replicas: asks the server, or waits for a replica that is asking already. */
  askOnce?(miss: CacheMiss, ask: () => Promise<CachedClaims>): Promise<CachedClaims>;
}

/**
 * LRU cache in this process. Inactive tokens have a cache of their own, so that a flood of them displaces no active token.
 */
export class LocalClaimsCache implements ClaimsCache {
  readonly #active: LRUCache<string, CachedClaims>;
  readonly #inactive: LRUCache<string, CachedClaims>;

  /** @param maxEntries for active tokens; a tenth of it for inactive ones */
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
