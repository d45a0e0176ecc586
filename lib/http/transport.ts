import { Agent, type Dispatcher } from 'undici';

import type { Now } from '../clock/clock.js';
import { ResponseError, TransportError } from '../errors/errors.js';
import { OidcError } from '../errors/oidc.error.js';
import { Deadline } from './deadline.js';
import {
  exchangeOver,
  exchangeThrough,
  originOf,
  tooLarge,
  type CustomFetch,
  type Exchange,
  type Incoming,
} from './exchange.js';
import { failureOf, timedOut, type Failure } from './failure.js';
import type { HttpSettings } from './http.options.js';
import { HttpResponse } from './response.js';
import { retryAfter } from './retry-after.js';

export type { CustomFetch } from './exchange.js';

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /**
   * What may be tried a second time within the same deadline. `idempotent`: after a failure of the network or a 5xx;
   * `unanswered`: only when nothing of an answer came; `never`.
   */
  readonly retry: 'idempotent' | 'unanswered' | 'never';
  /** Nobody waits for it: it may take longer. */
  readonly background?: boolean;
}

/** Milliseconds. */
const BACKGROUND_TIMEOUT = 10_000;
const CLOSING_TIME = 1000;

export interface TransportOptions {
  /** Default: a pool of our own. */
  readonly dispatcher?: Dispatcher | undefined;
  readonly fetch?: CustomFetch | undefined;
}

/** All HTTP between us and the server: pooled, bounded in time and size, and never redirected. */
export class Transport {
  readonly #exchange: Exchange;
  /** Undefined where the calls go through something of the application's. */
  readonly #pool: Agent | undefined;
  readonly #calls = new Set<Deadline>();
  /** When a server asked to be left alone and for how long (milliseconds), by its origin. */
  readonly #closed = new Map<string, { readonly from: number; readonly length: number }>();

  constructor(
    private readonly settings: HttpSettings,
    private readonly now: Now,
    { dispatcher, fetch }: TransportOptions = {},
  ) {
    if (fetch !== undefined) {
      this.#exchange = exchangeThrough(fetch);
    } else if (dispatcher !== undefined) {
      this.#exchange = exchangeOver(dispatcher);
    } else {
      this.#pool = ownPool(settings);
      this.#exchange = exchangeOver(this.#pool);
    }
  }

  /**
   * @returns any answer but a redirect, 429 and 5xx, complete and within the limits
   * @throws {TransportError} the server is not there, too slow, or says that it can't serve now
   * @throws {ResponseError} what it sent is outside of HTTP, of our limits, or a redirect
   */
  async request(request: HttpRequest): Promise<HttpResponse> {
    const origin = originOf(request.url);
    this.#requireOpen(origin);
    const deadline = new Deadline(request.background === true ? BACKGROUND_TIMEOUT : this.settings.timeout);
    this.#calls.add(deadline);
    try {
      const first = await this.#attempt(request, origin, deadline);
      if (first instanceof HttpResponse) {
        return first;
      }
      if (!mayRetry(request, first)) {
        throw first.error;
      }
      await deadline.pause(50 + Math.random() * 100);
      const second = deadline.expired ? first : await this.#attempt(request, origin, deadline);
      if (second instanceof HttpResponse) {
        return second;
      }
      throw second.error;
    } finally {
      deadline.clear();
      this.#calls.delete(deadline);
    }
  }

  /** Closes our own pool; calls in flight get a second to end. A dispatcher that was handed in is its owner's to close. */
  async close(): Promise<void> {
    if (this.#pool === undefined || this.#pool.closed) {
      return;
    }
    const grace = setTimeout(() => this.#calls.forEach((call) => call.abort()), CLOSING_TIME);
    await this.#pool.close();
    clearTimeout(grace);
  }

  #requireOpen(origin: string): void {
    const closed = this.#closed.get(origin);
    if (closed === undefined) {
      return;
    }
    const elapsed = this.now() - closed.from;
    if (elapsed >= 0 && elapsed < closed.length) {
      throw limited((closed.length - elapsed) / 1000);
    }
    this.#closed.delete(origin);
  }

  async #attempt(request: HttpRequest, origin: string, deadline: Deadline): Promise<HttpResponse | Failure> {
    let incoming: Incoming | undefined;
    try {
      incoming = await this.#exchange(
        { ...request, headers: { 'accept-encoding': 'identity', ...request.headers } },
        deadline,
      );
      const refused = this.#refusalOf(incoming, origin);
      if (refused !== undefined) {
        incoming.discard();
        return refused;
      }
      const bytes = await incoming.read(this.settings.maxResponseSize);
      return new HttpResponse(incoming.status, incoming.headers, bytes, this.settings.maxJsonDepth);
    } catch (error) {
      if (error instanceof OidcError) {
        return { error, kind: 'final' };
      }
      return deadline.expired ? { error: timedOut(), kind: 'final' } : failureOf(error, incoming !== undefined);
    }
  }

  /** What the head of an answer rules out already. */
  #refusalOf({ status, headers }: Incoming, origin: string): Failure | undefined {
    if (status >= 500) {
      const wait = retryAfter(one(headers['retry-after']), this.now());
      return {
        error: new TransportError('UPSTREAM_UNAVAILABLE', 'The server failed.', { retryAfter: wait }),
        kind: 'broken',
      };
    }
    if (status === 429) {
      const wait = retryAfter(one(headers['retry-after']), this.now());
      this.#closed.set(origin, { from: this.now(), length: wait * 1000 });
      return { error: limited(wait), kind: 'final' };
    }
    if (status >= 300 && status < 400) {
      return {
        error: new ResponseError('UNEXPECTED_REDIRECT', 'The server redirects; that is not followed.'),
        kind: 'final',
      };
    }
    if (!['', 'identity'].includes(one(headers['content-encoding'])?.toLowerCase() ?? '')) {
      const error = new ResponseError(
        'UNEXPECTED_CONTENT_ENCODING',
        'The server encoded its answer though not asked to.',
      );
      return { error, kind: 'final' };
    }
    return Number(one(headers['content-length'])) > this.settings.maxResponseSize
      ? { error: tooLarge(), kind: 'final' }
      : undefined;
  }
}

/** TLS 1.2 and up (RFC 9325); the deadline is ours, so that undici's own time-outs don't run. */
function ownPool({ connectTimeout }: HttpSettings): Agent {
  return new Agent({ connect: { timeout: connectTimeout, minVersion: 'TLSv1.2' }, headersTimeout: 0, bodyTimeout: 0 });
}

function mayRetry({ retry }: HttpRequest, { kind }: Failure): boolean {
  return retry === 'idempotent' ? kind !== 'final' : retry === 'unanswered' && kind === 'unanswered';
}

function limited(seconds: number): TransportError {
  return new TransportError('RATE_LIMITED', 'The server asked to be left alone for a while.', { retryAfter: seconds });
}

function one(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.[0];
}
