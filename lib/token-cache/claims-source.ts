import { hash } from 'node:crypto';

import { isWithin, type Now } from '../clock/clock.js';
import { TransportError } from '../errors/errors.js';
import { cacheLookups, sharedFlights, type CacheLookup } from '../events/channels.js';
import type { IntrospectionFreshness } from '../nest/access-rule.js';
import type { AccessTokenClaims } from '../tokens/access-token.js';
import type { FoundClaims } from '../tokens/verified-access-token.js';
import { chain, type Awaitable } from '../values/awaitable.js';
import { frozen } from '../values/frozen.js';
import type { CachedClaims, CacheMiss, ClaimsCache } from './claims-cache.js';

/** Lifetimes of cache entries. */
export interface KeepingTimes {
  /** Seconds for which an active token's entry is used. */
  readonly ttl: number;
  /** Seconds for which an inactive token's entry is used. */
  readonly negativeTtl: number;
}

/** A running call to the server, shared by its callers. */
interface Flight {
  readonly miss: CacheMiss;
  readonly found: Promise<CachedClaims>;
}

/** Seconds. Readers with a lower `maxAge` do not wait for another replica's answer. */
const FRESHEST_SHARED = 1;

/** What a source knows of. */
export interface ClaimsSubject {
  /** Of client and server; part of every key. */
  readonly identity: string;
  readonly issuer: string;
  /** What the claims come from. */
  readonly by: CacheLookup['cache'];
}

/** Asks the server for a token's claims; undefined: the token is not active. */
export type AskForClaims = (token: string) => Promise<AccessTokenClaims | undefined>;

/**
 * Read-through cache of token claims, with single flight: concurrent callers with the same token share one call. Without a
 * configured cache nothing is stored. Entries hold claims, never a decision about them. Failures are never cached.
 */
export class ClaimsSource {
  readonly #flights = new Map<string, Flight>();
  #generation = 0;

  /** @param kept undefined: no cache */
  constructor(
    private readonly about: ClaimsSubject,
    private readonly ask: AskForClaims,
    private readonly now: Now,
    private readonly kept: { readonly cache: ClaimsCache; readonly times: KeepingTimes } | undefined,
  ) {}

  /** The claims of a token. @throws {OidcError} the error of `ask`, unless an older answer may be used */
  find(token: string, freshness: IntrospectionFreshness): Awaitable<FoundClaims> {
    const key = this.#keyOf(token);
    return chain(this.kept?.cache.get(key, token), (known) => this.#serve(key, token, known, freshness));
  }

  /** Evicts a token. The answer to a running call is not stored either. */
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

  /** Evicts every token in this process: keys change, so old entries are never found again. */
  evictAll(): void {
    this.#generation += 1;
  }

  #serve(
    key: string,
    token: string,
    known: CachedClaims | undefined,
    freshness: IntrospectionFreshness,
  ): Awaitable<FoundClaims> {
    if (known === undefined || !this.#isFresh(known, this.#lifetime(known, freshness))) {
      return this.#renew({ key, token, known, isEvicted: false }, freshness);
    }
    if (cacheLookups.hasSubscribers) {
      this.#publish('hit');
    }
    return { claims: known.claims, isStale: false };
  }

  async #renew(own: CacheMiss, freshness: IntrospectionFreshness): Promise<FoundClaims> {
    this.#publish('miss');
    const { miss, found } = this.#joinOrStart(own, freshness);
    try {
      return { claims: (await found).claims, isStale: false };
    } catch (error) {
      const { known } = own;
      const mayServe = known?.claims !== undefined && isOutage(error) && !miss.isEvicted;
      if (mayServe && this.#isFresh(known, this.#lifetime(known, freshness) + (freshness.staleIfError ?? 0))) {
        this.#publish('stale');
        return { claims: known.claims, isStale: true };
      }
      throw error;
    }
  }

  /** Joins or starts a flight. Readers with a very low `maxAge` join none that may use another replica's answer. */
  #joinOrStart(miss: CacheMiss, { maxAge = Number.POSITIVE_INFINITY }: IntrospectionFreshness): Flight {
    const cache = this.kept?.cache;
    const isApart = cache?.askOnce !== undefined && maxAge < FRESHEST_SHARED;
    const name = isApart ? apart(miss.key) : miss.key;
    const running = this.#flights.get(name);
    if (running !== undefined && sharedFlights.hasSubscribers) {
      sharedFlights.publish({ flight: this.about.by, among: 'process' });
    }
    return running ?? this.#start(name, miss, isApart ? undefined : cache);
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
    // All requests with the token share it.
    const found: CachedClaims = frozen({ claims: await this.ask(miss.token), askedAt });
    if (!miss.isEvicted) {
      await this.kept?.cache.set(miss, found);
    }
    return found;
  }

  /** Seconds for which this reader may use the entry. */
  #lifetime({ claims }: CachedClaims, { maxAge = Number.POSITIVE_INFINITY }: IntrospectionFreshness): number {
    const { ttl = 0, negativeTtl = 0 } = this.kept?.times ?? {};
    return Math.min(maxAge, claims === undefined ? negativeTtl : ttl);
  }

  /** Whether an entry may still be used: never beyond the token's `exp`. */
  #isFresh({ claims, askedAt }: CachedClaims, seconds: number): boolean {
    const now = this.now();
    return isWithin(now, askedAt, seconds * 1000) && (claims?.exp === undefined || now < claims.exp * 1000);
  }

  #publish(result: CacheLookup['result']): void {
    if (this.kept !== undefined && cacheLookups.hasSubscribers) {
      const { by, issuer } = this.about;
      cacheLookups.publish({ cache: by, issuer, result });
    }
  }

  #keyOf(token: string): string {
    return hash('sha256', `${this.about.identity} ${this.#generation} ${token}`, 'base64url');
  }
}

/** The key of a flight without other replicas. */
function apart(key: string): string {
  return `${key} apart`;
}

/** Whether the server is down, a 500 included (RFC 5861, section 4). Our own concurrency limit is no outage. */
function isOutage(error: unknown): boolean {
  return error instanceof TransportError && error.code !== 'UPSTREAM_BUSY';
}
