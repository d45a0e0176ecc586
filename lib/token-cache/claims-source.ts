import { hash } from 'node:crypto';

import { isWithin, type Now } from '../clock/clock.js';
import { TransportError } from '../errors/errors.js';
import type { IntrospectionFreshness } from '../nest/access-rule.js';
import type { AccessTokenClaims } from '../tokens/access-token.js';
import { chain, type Awaitable } from '../values/awaitable.js';
import type { CachedClaims, CacheMiss, ClaimsCache } from './claims-cache.js';

/** What a token says, as its reader gets it. */
export interface FoundClaims {
  /** Undefined: the token is not active. */
  readonly claims: AccessTokenClaims | undefined;
  /** The server is down, and this is what it said before. */
  readonly isStale: boolean;
}

/** Lifetimes of cache entries. */
export interface KeepingTimes {
  /** Seconds that the claims of an active token serve. */
  readonly ttl: number;
  /** Seconds that it serves that a token is not active. */
  readonly negativeTtl: number;
}

/** A call to the server that is on its way, for all who want its answer. */
interface Flight {
  readonly miss: CacheMiss;
  readonly found: Promise<CachedClaims>;
}

/** Seconds. Readers who want it fresher than this do not wait for another replica's answer. */
const FRESHEST_SHARED = 1;

/** Asks what a token says; undefined: it is not active. */
export type AskForClaims = (token: string) => Promise<AccessTokenClaims | undefined>;

/**
 * Read-through cache of what tokens say, with single flight: callers who want the same at the same time share one call.
 * Entries are kept where a cache is configured. They hold what the token says, never what somebody decided upon it. A
 * failure is never kept.
 */
export class ClaimsSource {
  readonly #flights = new Map<string, Flight>();
  #generation = 0;

  /**
   * @param identity of the asker and the server, which is part of every key
   * @param kept undefined: nothing is
   */
  constructor(
    private readonly identity: string,
    private readonly ask: AskForClaims,
    private readonly now: Now,
    private readonly kept: { readonly cache: ClaimsCache; readonly times: KeepingTimes } | undefined,
  ) {}

  /** @throws {OidcError} what `ask` throws, and no old answer may stand in for it */
  find(token: string, freshness: IntrospectionFreshness): Awaitable<FoundClaims> {
    const key = this.#keyOf(token);
    return chain(this.kept?.cache.get(key, token), (known) => this.#serve(key, token, known, freshness));
  }

  /** Drops what is kept about a token. A call that is on its way does not bring it back. */
  async evict(token: string): Promise<void> {
    const key = this.#keyOf(token);
    for (const name of [key, apart(key)]) {
      const flight = this.#flights.get(name);
      if (flight !== undefined) {
        flight.miss.isEvicted = true;
        this.#flights.delete(name);
      }
    }
    await this.kept?.cache.evict(key);
  }

  /** Drops what this process keeps about every token: the keys of before are never made again. */
  evictAll(): void {
    this.#generation += 1;
  }

  #serve(
    key: string,
    token: string,
    known: CachedClaims | undefined,
    freshness: IntrospectionFreshness,
  ): Awaitable<FoundClaims> {
    return known !== undefined && this.#isFresh(known, this.#lifetime(known, freshness))
      ? { claims: known.claims, isStale: false }
      : this.#renew({ key, token, known, isEvicted: false }, freshness);
  }

  async #renew(own: CacheMiss, freshness: IntrospectionFreshness): Promise<FoundClaims> {
    const { miss, found } = this.#joinOrStart(own, freshness);
    try {
      return { claims: (await found).claims, isStale: false };
    } catch (error) {
      const { known } = own;
      const mayServe = known?.claims !== undefined && isOutage(error) && !miss.isEvicted;
      if (mayServe && this.#isFresh(known, this.#lifetime(known, freshness) + (freshness.staleIfError ?? 0))) {
        return { claims: known.claims, isStale: true };
      }
      throw error;
    }
  }

  /** Who wants it very fresh does not join a flight that may end with another replica's answer. */
  #joinOrStart(miss: CacheMiss, { maxAge = Number.POSITIVE_INFINITY }: IntrospectionFreshness): Flight {
    const cache = this.kept?.cache;
    const isApart = cache?.askOnce !== undefined && maxAge < FRESHEST_SHARED;
    const name = isApart ? apart(miss.key) : miss.key;
    return this.#flights.get(name) ?? this.#start(name, miss, isApart ? undefined : cache);
  }

  #start(name: string, miss: CacheMiss, cache: ClaimsCache | undefined): Flight {
    const ask = (): Promise<CachedClaims> => this.#ask(miss);
    const flight: Flight = { miss, found: cache?.askOnce?.(miss, ask).then(frozen) ?? ask() };
    this.#flights.set(name, flight);
    const end = (): void => {
      if (this.#flights.get(name) === flight) {
        this.#flights.delete(name);
      }
    };
    flight.found.then(end, end);
    return flight;
  }

  async #ask(miss: CacheMiss): Promise<CachedClaims> {
    const askedAt = this.now();
    const found: CachedClaims = frozen({ claims: await this.ask(miss.token), askedAt });
    if (!miss.isEvicted) {
      await this.kept?.cache.set(miss, found);
    }
    return found;
  }

  /** Seconds for which the entry serves this reader. */
  #lifetime({ claims }: CachedClaims, { maxAge = Number.POSITIVE_INFINITY }: IntrospectionFreshness): number {
    const { ttl = 0, negativeTtl = 0 } = this.kept?.times ?? {};
    return Math.min(maxAge, claims === undefined ? negativeTtl : ttl);
  }

  /** No answer outlives its token. */
  #isFresh({ claims, askedAt }: CachedClaims, seconds: number): boolean {
    const now = this.now();
    return isWithin(now, askedAt, seconds * 1000) && (claims?.exp === undefined || now < claims.exp * 1000);
  }

  #keyOf(token: string): string {
    return hash('sha256', `${this.identity} ${this.#generation} ${token}`, 'base64url');
  }
}

/** The name of a flight that only this process answers. */
function apart(key: string): string {
  return `${key} apart`;
}

/** RFC 5861, section 4: a 500 too. That our own callers are too many says nothing of the server. */
function isOutage(error: unknown): boolean {
  return error instanceof TransportError && error.code !== 'UPSTREAM_BUSY';
}

/** All of it, because every request of the token sees the same object. */
function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.values(Object.freeze(value)).forEach(frozen);
  }
  return value;
}
