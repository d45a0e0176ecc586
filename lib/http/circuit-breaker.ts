import { isWithin, type Now } from '../clock/clock.js';
import { DEFAULT_RETRY_AFTER, TransportError } from '../errors/errors.js';
import type { OidcError } from '../errors/oidc.error.js';
import { breakerChanges, type BreakerChange } from '../events/channels.js';

/** Failures in a row that open the circuit. */
const THRESHOLD = 10;

/** Milliseconds that the circuit stays open where the server names no longer time. */
const OPEN_TIME = DEFAULT_RETRY_AFTER * 1000;

/** Milliseconds that callers are told to wait while the probe is on its way. */
const PROBE_TIME = 1000;

/**
 * The failures that count: no answer, no secure connection, 502, 503, 504 and 429. They say that the server serves nobody.
 * A 500 speaks of one request, and a stranger can cause as many as he likes: it counts as an answer.
 */
const COUNTED: readonly string[] = ['UPSTREAM_UNAVAILABLE', 'UPSTREAM_TIMEOUT', 'TLS_ERROR', 'RATE_LIMITED'];

const MESSAGES = {
  RATE_LIMITED: 'The server asked to be left alone for a while.',
  UPSTREAM_UNAVAILABLE: 'The server failed too often and is left alone for a while.',
} as const;

/** An open circuit: nobody calls. */
interface OpenCircuit {
  readonly code: keyof typeof MESSAGES;
  readonly since: number;
  /** Milliseconds. */
  readonly length: number;
  /** The failure that opened it. */
  readonly cause: TransportError;
}

/**
 * Circuit breaker: stops calls to a server that is down.
 *
 * Ten failures in a row open the circuit for five seconds, or for as long as the server says. Then one call goes ahead as
 * a probe, and its end decides for the others. A 429 opens the circuit at once; after it no probe is needed.
 */
export class CircuitBreaker {
  #failures = 0;
  #open: OpenCircuit | undefined;
  #isProbing = false;
  #state: BreakerChange['state'] = 'closed';

  /** @param server the origin that is called, for anyone who watches; undefined: a stranger names it, and nothing is published */
  constructor(
    private readonly now: Now,
    private readonly server: string | undefined,
  ) {}

  /** The error for callers while the circuit is open; undefined while it is not. */
  get openError(): TransportError | undefined {
    const open = this.#open;
    const now = this.now();
    return open !== undefined && isWithin(now, open.since, open.length)
      ? errorFor(open, open.since + open.length - now)
      : undefined;
  }

  /**
   * Admits a call, whose end has to be reported with {@link report}.
   *
   * @throws {TransportError} the circuit is open, or another call is the probe
   */
  admit(): void {
    const error = this.openError;
    if (error !== undefined) {
      throw error;
    }
    if (this.#open === undefined) {
      return;
    }
    if (this.#failures < THRESHOLD) {
      this.#close();
    } else if (this.#isProbing) {
      throw errorFor(this.#open, PROBE_TIME);
    } else {
      this.#isProbing = true;
      this.#become('half-open');
    }
  }

  /**
   * Counts how a call ended.
   *
   * @param error undefined where the server answered
   */
  report(error: OidcError | undefined): void {
    const wasProbing = this.#isProbing;
    this.#isProbing = false;
    if (!(error instanceof TransportError) || !COUNTED.includes(error.code)) {
      this.#failures = 0;
      this.#close();
      return;
    }
    this.#failures += 1;
    const wait = error.retryAfter * 1000;
    if (error.code === 'RATE_LIMITED') {
      this.#trip('RATE_LIMITED', wait, error);
    } else if (wasProbing || this.#failures >= THRESHOLD) {
      this.#trip('UPSTREAM_UNAVAILABLE', Math.max(wait, OPEN_TIME), error);
    }
  }

  #trip(code: OpenCircuit['code'], length: number, cause: TransportError): void {
    this.#open = { code, since: this.now(), length, cause };
    this.#become('open', cause.code);
  }

  #close(): void {
    this.#open = undefined;
    this.#become('closed');
  }

  #become(state: BreakerChange['state'], code?: BreakerChange['code']): void {
    const { server } = this;
    const before = this.#state;
    this.#state = state;
    if (server !== undefined && state !== before && breakerChanges.hasSubscribers) {
      breakerChanges.publish({ server, state, before, code });
    }
  }
}

function errorFor({ code, cause }: OpenCircuit, milliseconds: number): TransportError {
  return new TransportError(code, MESSAGES[code], { retryAfter: milliseconds / 1000, cause });
}
