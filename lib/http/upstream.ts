import type { Now } from '../clock/clock.js';
import { TransportError } from '../errors/errors.js';
import type { OidcError } from '../errors/oidc.error.js';

/** Calls that fail one after the other before a server counts as down. */
const MOST_FAILURES = 10;

/** Milliseconds until a server that is down is tried again, by one call. */
const PAUSE = 5000;

/** Milliseconds that callers are told to wait for a probe that is on its way, or for room. */
const SOON = 1000;

/** How many may wait for each one that may call. */
const QUEUE_FACTOR = 10;

/** The failures that say that a server is down: silence, 5xx and 429. Whatever else it answers, it is there. */
const DOWN: readonly string[] = ['UPSTREAM_UNAVAILABLE', 'UPSTREAM_TIMEOUT', 'TLS_ERROR', 'RATE_LIMITED'];

/** While it lasts nobody calls. */
interface Closure {
  readonly code: 'RATE_LIMITED' | 'UPSTREAM_UNAVAILABLE';
  readonly from: number;
  /** Milliseconds. */
  readonly length: number;
}

interface Waiter {
  readonly enter: () => void;
  readonly fail: (error: TransportError) => void;
}

/**
 * What is known of one server's health, for all who call it: when it asked to be left alone, whether it is down, and how
 * many calls it has to bear.
 *
 * After ten failures in a row it is left alone for five seconds, or as long as it says; then one call goes ahead and
 * decides for the others.
 */
export class Upstream {
  #failures = 0;
  #closure: Closure | undefined;
  #isProbing = false;
  #inFlight = 0;
  readonly #waiting = new Set<Waiter>();

  /** @param maxConcurrent calls at the same time, and a tenth of the callers that may wait */
  constructor(
    private readonly now: Now,
    private readonly maxConcurrent: number,
  ) {}

  /**
   * Lets a call go ahead; it must {@link report} how it ended.
   *
   * @throws {TransportError} it may not, for so many seconds
   */
  open(): void {
    this.#requireUnclosed();
    if (this.#closure === undefined) {
      return;
    }
    if (this.#failures < MOST_FAILURES) {
      this.#closure = undefined;
    } else if (this.#isProbing) {
      throw refusal('UPSTREAM_UNAVAILABLE', SOON);
    } else {
      this.#isProbing = true;
    }
  }

  /**
   * Takes one of the places for calls; each that is taken has to be given back with {@link leave}.
   *
   * @param patience milliseconds to wait for one
   * @returns undefined where there is room now
   * @throws {TransportError} there is none, or nobody may call
   */
  enter(patience: number): Promise<void> | undefined {
    this.#requireUnclosed();
    if (this.#inFlight < this.maxConcurrent) {
      this.#inFlight += 1;
      return undefined;
    }
    if (this.#waiting.size >= this.maxConcurrent * QUEUE_FACTOR) {
      throw refusal('UPSTREAM_BUSY', SOON);
    }
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        enter: () => {
          clearTimeout(timer);
          resolve();
        },
        fail: (error) => {
          clearTimeout(timer);
          this.#waiting.delete(waiter);
          reject(error);
        },
      };
      const timer = setTimeout(() => waiter.fail(refusal('UPSTREAM_BUSY', SOON)), patience);
      this.#waiting.add(waiter);
    });
  }

  /** Gives the place to who has waited longest. */
  leave(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#inFlight -= 1;
    } else {
      this.#waiting.delete(next);
      next.enter();
    }
  }

  /** @param error how a call ended; undefined: with an answer */
  report(error: OidcError | undefined): void {
    const wasProbing = this.#isProbing;
    this.#isProbing = false;
    if (!(error instanceof TransportError) || !DOWN.includes(error.code)) {
      this.#failures = 0;
      this.#closure = undefined;
      return;
    }
    this.#failures += 1;
    const wait = error.retryAfter * 1000;
    if (error.code === 'RATE_LIMITED') {
      this.#close('RATE_LIMITED', wait);
    } else if (wasProbing || this.#failures >= MOST_FAILURES) {
      this.#close('UPSTREAM_UNAVAILABLE', Math.max(wait, PAUSE));
    }
  }

  #requireUnclosed(): void {
    if (this.#closure === undefined) {
      return;
    }
    const { code, from, length } = this.#closure;
    const elapsed = this.now() - from;
    // A clock that was set back opens it: it closes again if that was wrong.
    if (elapsed >= 0 && elapsed < length) {
      throw refusal(code, length - elapsed);
    }
  }

  #close(code: Closure['code'], length: number): void {
    this.#closure = { code, from: this.now(), length };
    this.#waiting.forEach(({ fail }) => fail(refusal(code, length)));
  }
}

const MESSAGES = {
  RATE_LIMITED: 'The server asked to be left alone for a while.',
  UPSTREAM_UNAVAILABLE: 'The server failed too often and is left alone for a while.',
  UPSTREAM_BUSY: 'Too many calls to the server are on their way.',
} as const;

function refusal(code: keyof typeof MESSAGES, milliseconds: number): TransportError {
  return new TransportError(code, MESSAGES[code], { retryAfter: milliseconds / 1000 });
}
