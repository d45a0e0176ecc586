import { hash } from 'node:crypto';

import type { AccessTokenClaims } from '../client/access-token.js';
import type { Now } from '../clock/clock.js';
import { TransportError } from '../errors/errors.js';
import type { CachedClaims, ClaimsCache } from './claims-cache.js';
import { isPromise, type Awaitable } from './awaitable.js';

/** How fresh a reader wants it. */
export interface Freshness {
  /** Seconds since the question was asked. Default: as long as it is kept. */
  readonly maxAge?: number | undefined;
  /** Seconds for which an old answer serves beyond its time while the server is down. Default 0. */
  readonly staleIfError?: number | undefined;
}

export interface FoundClaims {
  /** Undefined: the token is not active. */
  readonly claims: AccessTokenClaims | undefined;
  /** The server is down, and this is what it said before. */
  readonly isStale: boolean;
}

/** How long what was found out is good for. */
export interface KeepingTimes {
  /** Seconds that the claims of an active token serve. */
  readonly ttl: number;
  /** Seconds that it serves that a token is not active. */
  readonly negativeTtl: number;
}

interface Call {
  readonly found: Promise<FoundClaims>;
  isForgotten: boolean;
}

/** Finds out what a token says, or that it says nothing. */
export type AskForClaims = (token: string) => Promise<AccessTokenClaims | undefined>;

/**
 * What is known of tokens: looked up once for all who want to know at the same time, and kept for a while where that is
 * configured. What is kept is what the token says, never what somebody decided upon it. A failure is never kept.
 */
export class ClaimsSource {
  readonly #calls = new Map<string, Call>();

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
  find(token: string, freshness: Freshness): Awaitable<FoundClaims> {
    const key = this.#keyOf(token);
    const cached = this.kept?.cache.get(key, token);
    return isPromise(cached)
      ? cached.then((found) => this.#serve(key, token, found, freshness))
      : this.#serve(key, token, cached, freshness);
  }

  /** Whoever asks next is not given what was asked before now; a call that is on its way does not change that. */
  async forget(token: string): Promise<void> {
    const key = this.#keyOf(token);
    const call = this.#calls.get(key);
    if (call !== undefined) {
      call.isForgotten = true;
      this.#calls.delete(key);
    }
    await this.kept?.cache.forget(key);
  }

  #serve(key: string, token: string, cached: CachedClaims | undefined, freshness: Freshness): Awaitable<FoundClaims> {
    const { maxAge = Number.POSITIVE_INFINITY } = freshness;
    return cached !== undefined && this.#isWithin(cached, Math.min(maxAge, this.#ttl(cached)))
      ? { claims: cached.claims, isStale: false }
      : this.#renew(key, token, cached, freshness);
  }

  #renew(
    key: string,
    token: string,
    cached: CachedClaims | undefined,
    { staleIfError = 0 }: Freshness,
  ): Promise<FoundClaims> {
    const call = this.#calls.get(key) ?? this.#start(key, token, cached);
    if (cached?.claims === undefined || staleIfError === 0) {
      return call.found;
    }
    return call.found.catch((error: unknown) => {
      const mayServe = error instanceof TransportError && !call.isForgotten;
      if (mayServe && this.#isWithin(cached, this.#ttl(cached) + staleIfError)) {
        return { claims: cached.claims, isStale: true };
      }
      throw error;
    });
  }

  #start(key: string, token: string, cached: CachedClaims | undefined): Call {
    const call: Call = { found: this.#findOut(key, token, cached, () => call.isForgotten), isForgotten: false };
    this.#calls.set(key, call);
    const end = (): void => {
      if (this.#calls.get(key) === call) {
        this.#calls.delete(key);
      }
    };
    call.found.then(end, end);
    return call;
  }

  /** One of all replicas asks, where they share what they know. */
  async #findOut(
    key: string,
    token: string,
    known: CachedClaims | undefined,
    isForgotten: () => boolean,
  ): Promise<FoundClaims> {
    const cache = this.kept?.cache;
    if (cache?.join === undefined) {
      return this.#ask(key, token, isForgotten);
    }
    const found = await cache.join(key, token, known);
    if (found !== undefined) {
      return { claims: found.claims, isStale: false };
    }
    try {
      return await this.#ask(key, token, isForgotten);
    } finally {
      await cache.leave?.(key);
    }
  }

  async #ask(key: string, token: string, isForgotten: () => boolean): Promise<FoundClaims> {
    const askedAt = this.now();
    const claims = frozen(await this.ask(token));
    if (!isForgotten()) {
      await this.kept?.cache.set(key, token, { claims, askedAt });
    }
    return { claims, isStale: false };
  }

  #ttl({ claims }: CachedClaims): number {
    const { ttl = 0, negativeTtl = 0 } = this.kept?.times ?? {};
    return claims === undefined ? negativeTtl : ttl;
  }

  /** A clock that was set back makes no answer eternal; no answer outlives its token. */
  #isWithin({ claims, askedAt }: CachedClaims, seconds: number): boolean {
    const now = this.now();
    const age = now - askedAt;
    return age >= 0 && age < seconds * 1000 && (claims?.exp === undefined || now < claims.exp * 1000);
  }

  #keyOf(token: string): string {
    return hash('sha256', `${this.identity} ${token}`, 'base64url');
  }
}

/** All of it, because every request of the token sees the same object. */
function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.values(Object.freeze(value)).forEach(frozen);
  }
  return value;
}
