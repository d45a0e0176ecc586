import { hash } from 'node:crypto';

import { isWithin, type Now } from '../clock/clock.js';
import { TransportError } from '../errors/errors.js';
import type { IntrospectionFreshness } from '../nest/access-rule.js';
import type { AccessTokenClaims } from '../tokens/access-token.js';
import { chain, type Awaitable } from '../values/awaitable.js';
import type { CachedClaims, ClaimsCache, Question } from './claims-cache.js';

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

/** A question that is on its way to the server, for all who want to know. */
interface Call {
  readonly question: Question;
  readonly found: Promise<CachedClaims>;
}

/** Seconds: readers who want it fresher than this do not wait for other replicas' answers. */
const FRESHEST_SHARED = 1;

/** Finds out what a token says, or that it says nothing. */
export type AskForClaims = (token: string) => Promise<AccessTokenClaims | undefined>;

/**
 * What is known of tokens: looked up once for all who want to know at the same time, and kept for a while where that is
 * configured. What is kept is what the token says, never what somebody decided upon it. A failure is never kept.
 */
export class ClaimsSource {
  readonly #calls = new Map<string, Call>();
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

  /** Whoever asks next is not given what was asked before now; a call that is on its way does not change that. */
  async forget(token: string): Promise<void> {
    const key = this.#keyOf(token);
    for (const name of [key, apart(key)]) {
      const call = this.#calls.get(name);
      if (call !== undefined) {
        call.question.isForgotten = true;
        this.#calls.delete(name);
      }
    }
    await this.kept?.cache.forget(key);
  }

  /** The same for every token, in this process: nobody comes upon what stands under the keys of before. */
  forgetAll(): void {
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
      : this.#renew({ key, token, known, isForgotten: false }, freshness);
  }

  async #renew(asked: Question, freshness: IntrospectionFreshness): Promise<FoundClaims> {
    const { question, found } = this.#joinOrStart(asked, freshness);
    try {
      return { claims: (await found).claims, isStale: false };
    } catch (error) {
      const { known } = asked;
      const mayServe = known?.claims !== undefined && isOutage(error) && !question.isForgotten;
      if (mayServe && this.#isFresh(known, this.#lifetime(known, freshness) + (freshness.staleIfError ?? 0))) {
        return { claims: known.claims, isStale: true };
      }
      throw error;
    }
  }

  /** Who wants it very fresh does not join a call that may be answered by another replica's. */
  #joinOrStart(question: Question, { maxAge = Number.POSITIVE_INFINITY }: IntrospectionFreshness): Call {
    const cache = this.kept?.cache;
    const isApart = cache?.askOnce !== undefined && maxAge < FRESHEST_SHARED;
    const name = isApart ? apart(question.key) : question.key;
    return this.#calls.get(name) ?? this.#start(name, question, isApart ? undefined : cache);
  }

  #start(name: string, question: Question, cache: ClaimsCache | undefined): Call {
    const ask = (): Promise<CachedClaims> => this.#ask(question);
    const call: Call = { question, found: cache?.askOnce?.(question, ask).then(frozen) ?? ask() };
    this.#calls.set(name, call);
    const end = (): void => {
      if (this.#calls.get(name) === call) {
        this.#calls.delete(name);
      }
    };
    call.found.then(end, end);
    return call;
  }

  async #ask(question: Question): Promise<CachedClaims> {
    const askedAt = this.now();
    const found: CachedClaims = frozen({ claims: await this.ask(question.token), askedAt });
    if (!question.isForgotten) {
      await this.kept?.cache.set(question, found);
    }
    return found;
  }

  /** Seconds that it serves this reader. */
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

/** Under which a call goes that only this process answers. */
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
