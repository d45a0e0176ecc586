/** A cache of token claims. */
export interface TokenCache {
  /** Evicts a token. */
  evictToken(token: string): void | Promise<void>;
  /** Evicts every verified signature. */
  evictSigned(): void;
}

/**
 * Evictions from the token caches of one client. Caches join. An invalid token or key is then evicted from all of them
 * in one call.
 */
export class Evictions implements TokenCache {
  readonly #caches = new Set<TokenCache>();

  join(cache: TokenCache): void {
    this.#caches.add(cache);
  }

  /** @throws {StoreError} a cache that replicas share can't be reached; the other replicas may still use their entries */
  async evictToken(token: string): Promise<void> {
    await Promise.all([...this.#caches].map((cache) => cache.evictToken(token)));
  }

  evictSigned(): void {
    this.#caches.forEach((cache) => cache.evictSigned());
  }
}
