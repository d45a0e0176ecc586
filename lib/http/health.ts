import { isWithin, type Now } from '../clock/clock.js';
import { TransportError } from '../errors/errors.js';
import type { OidcError } from '../errors/oidc.error.js';

/** Calls that fail one after the other before a server counts as down. */
const MOST_FAILURES = 10;

/** Milliseconds until a server that is down is tried again, by one call. */
const PAUSE = 5000;

/** Milliseconds that callers are told to wait for a probe that is on its way. */
const PROBE = 1000;

/**
 * The failures that count: no answer, no secure connection, 502, 503, 504 and 429. They say that the server serves nobody.
 * A 500 speaks of one request, and a stranger can bring about as many as he likes: it counts as an answer.
 */
const COUNTED: readonly string[] = ['UPSTREAM_UNAVAILABLE', 'UPSTREAM_TIMEOUT', 'TLS_ERROR', 'RATE_LIMITED'];

const MESSAGES = {
  RATE_LIMITED: 'The server asked to be left alone for a while.',
  UPSTREAM_UNAVAILABLE: 'The server failed too often and is left alone for a while.',
} as const;

/** While it lasts nobody calls. */
interface Closure {
  readonly code: keyof typeof MESSAGES;
  readonly from: number;
  /** Milliseconds. */
  readonly length: number;
  /** The failure that closed it. */
  readonly cause: TransportError;
}

/**
 * Circuit breaker: says whether a server may be called.
 *
 * Ten failures in a row open it for five seconds, or for as long as the server says. Then one call goes ahead, and its
 * end decides for the others. A 429 opens it at once.
 */
export class Health {
  #failures = 0;
  #closure: Closure | undefined;
  #isProbing = false;

  constructor(private readonly now: Now) {}

  /** The error for callers while the circuit is open; undefined while it is not. */
  get refusal(): TransportError | undefined {
    const closure = this.#closure;
    const now = this.now();
    return closure !== undefined && isWithin(now, closure.from, closure.length)
      ? refusal(closure, closure.from + closure.length - now)
      : undefined;
  }

  /**
   * Lets a call go ahead; it must {@link report} how it ended.
   *
   * @throws {TransportError} it may not, for so many seconds
   */
  open(): void {
    const refused = this.refusal;
    if (refused !== undefined) {
      throw refused;
    }
    if (this.#closure === undefined) {
      return;
    }
    if (this.#failures < MOST_FAILURES) {
      this.#closure = undefined;
    } else if (this.#isProbing) {
      throw refusal(this.#closure, PROBE);
    } else {
      this.#isProbing = true;
    }
  }

  /** @param error how a call ended; undefined: with an answer */
  report(error: OidcError | undefined): void {
    const wasProbing = this.#isProbing;
    this.#isProbing = false;
    if (!(error instanceof TransportError) || !COUNTED.includes(error.code)) {
      this.#failures = 0;
      this.#closure = undefined;
      return;
    }
    this.#failures += 1;
    const wait = error.retryAfter * 1000;
    if (error.code === 'RATE_LIMITED') {
      this.#close('RATE_LIMITED', wait, error);
    } else if (wasProbing || this.#failures >= MOST_FAILURES) {
      this.#close('UPSTREAM_UNAVAILABLE', Math.max(wait, PAUSE), error);
    }
  }

  #close(code: Closure['code'], length: number, cause: TransportError): void {
    this.#closure = { code, from: this.now(), length, cause };
  }
}

function refusal({ code, cause }: Closure, milliseconds: number): TransportError {
  return new TransportError(code, MESSAGES[code], { retryAfter: milliseconds / 1000, cause });
}
