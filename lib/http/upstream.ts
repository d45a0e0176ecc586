import { LRUCache } from 'lru-cache';

import type { Now } from '../clock/clock.js';
import type { TransportError } from '../errors/errors.js';
import type { OidcError } from '../errors/oidc.error.js';
import { CircuitBreaker } from './circuit-breaker.js';
import { ConcurrencyLimit } from './concurrency-limit.js';

/** More than one server has; the one called longest ago is forgotten. */
const MOST_ENDPOINTS = 100;

/**
 * One origin that is called: a circuit breaker for all calls to it, and a concurrency limit for each endpoint, so that a
 * flood at one leaves room at the others.
 */
export class Upstream {
  readonly #breaker: CircuitBreaker;
  /** By URL. */
  readonly #limits = new LRUCache<string, ConcurrencyLimit>({ max: MOST_ENDPOINTS });

  /** @param origin as of {@link CircuitBreaker} */
  constructor(
    now: Now,
    private readonly maxConcurrent: number,
    origin: string | undefined,
  ) {
    this.#breaker = new CircuitBreaker(now, origin);
  }

  /** As {@link CircuitBreaker.openError}. */
  get openError(): TransportError | undefined {
    return this.#breaker.openError;
  }

  /**
   * Takes a slot at an endpoint; at once where one is free.
   *
   * @param patience milliseconds to wait for one
   * @returns the limit to which the slot has to be released
   * @throws {TransportError} there is no slot, or the circuit is open
   */
  acquire(url: string, patience: number): ConcurrencyLimit | Promise<ConcurrencyLimit> {
    const { openError } = this;
    if (openError !== undefined) {
      throw openError;
    }
    const limit = this.#limitAt(url);
    return limit.acquire(patience)?.then(() => limit) ?? limit;
  }

  /** As {@link CircuitBreaker.admit}. */
  admit(): void {
    this.#breaker.admit();
  }

  /** As {@link CircuitBreaker.report}. Once the circuit is open, callers in the queues get its error at once. */
  report(error: OidcError | undefined): void {
    this.#breaker.report(error);
    const { openError } = this;
    if (openError !== undefined) {
      this.#limits.forEach((limit) => limit.rejectWaiting(openError));
    }
  }

  #limitAt(url: string): ConcurrencyLimit {
    const known = this.#limits.get(url);
    if (known !== undefined) {
      return known;
    }
    const limit = new ConcurrencyLimit(this.maxConcurrent, url);
    this.#limits.set(url, limit);
    return limit;
  }
}
