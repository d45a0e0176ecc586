import { LRUCache } from 'lru-cache';

import type { AccessTokenClaims } from '../tokens/access-token.js';
import type { Awaitable } from '../values/awaitable.js';

/** What was found out about a token, and when. */
export interface CachedClaims {
  /** Undefined: the token is not active. */
  readonly claims: AccessTokenClaims | undefined;
  /** Milliseconds since the epoch: when the question was asked. */
  readonly askedAt: number;
}

/** A token that has to be looked into, because what is known of it does not serve. */
export interface Question {
  readonly key: string;
  /** Opens what is kept in a place that others can read too. */
  readonly token: string;
  /** What was kept before, if anything. */
  readonly known: CachedClaims | undefined;
  /** Its answer is older than what everybody should go by. */
  isForgotten: boolean;
}

/** Where findings are kept. How old one may be is the reader's to judge. */
export interface ClaimsCache {
  get(key: string, token: string): Awaitable<CachedClaims | undefined>;
  /** Keeps the answer in place of what was known. */
  set(question: Question, found: CachedClaims): Awaitable<void>;
  /** What was asked before now is never given again. */
  forget(key: string): Awaitable<void>;
  /** Where others keep their findings too: asks, or waits for one of them who is asking already. */
  askOnce?(question: Question, ask: () => Promise<CachedClaims>): Promise<CachedClaims>;
}

/** In this process: what is read oftest stays. Tokens that are not active have room of their own and displace no other. */
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

  set({ key }: Pick<Question, 'key'>, found: CachedClaims): void {
    const [kept, other] = found.claims === undefined ? [this.#inactive, this.#active] : [this.#active, this.#inactive];
    other.delete(key);
    kept.set(key, found);
  }

  forget(key: string): void {
    this.#active.delete(key);
    this.#inactive.delete(key);
  }
}
