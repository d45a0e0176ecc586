/** A cache of what tokens say. */
export interface TokenCache {
  /** Drops what is kept about a token. */
  evictToken(token: string): void | Promise<void>;
  /** Drops all that the server's keys vouched for. */
  evictSigned(): void;
}

/**
 * Evictions from the token caches of one client. Caches join; whoever learns that a token or a key is no longer good
 * evicts it from all of them.
 */
export class Evictions implements TokenCache {
  readonly #caches = new Set<TokenCache>();

  join(cache: TokenCache): void {
    this.#caches.add(cache);
  }

  /** @throws {StoreError} a cache that replicas share can't be reached; the other replicas may still use what they keep */
  async evictToken(token: string): Promise<void> {
    await Promise.all([...this.#caches].map((cache) => cache.evictToken(token)));
  }

  evictSigned(): void {
    this.#caches.forEach((cache) => cache.evictSigned());
  }
}
