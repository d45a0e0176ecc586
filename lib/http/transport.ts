import { LRUCache } from 'lru-cache';
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
import { Upstream } from './upstream.js';

export type { CustomFetch } from './exchange.js';

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Makes more of them, anew for each sending: what a second try may not repeat. */
  readonly headersOfOneSend?: () => Promise<Readonly<Record<string, string>>>;
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

/** More than one application calls; the one called longest ago is forgotten. */
const MOST_SERVERS = 1000;

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
  /** By origin. */
  readonly #upstreams = new LRUCache<string, Upstream>({ max: MOST_SERVERS });

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
    const upstream = this.#upstreamOf(originOf(request.url));
    const timeout = request.background === true ? BACKGROUND_TIMEOUT : this.settings.timeout;
    // Metadata and keys are few, and everybody waits for them.
    const needsRoom = request.method === 'POST';
    if (needsRoom) {
      await upstream.enter(timeout / 10);
    }
    const deadline = new Deadline(timeout);
    this.#calls.add(deadline);
    try {
      upstream.open();
      const result = await this.#call(request, deadline);
      const isAnswered = result instanceof HttpResponse;
      upstream.report(isAnswered ? undefined : result.error);
      if (isAnswered) {
        return result;
      }
      throw result.error;
    } finally {
      deadline.clear();
      this.#calls.delete(deadline);
      if (needsRoom) {
        upstream.leave();
      }
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

  #upstreamOf(origin: string): Upstream {
    const known = this.#upstreams.get(origin);
    if (known !== undefined) {
      return known;
    }
    const upstream = new Upstream(this.now, this.settings.maxConcurrent);
    this.#upstreams.set(origin, upstream);
    return upstream;
  }

  async #call(request: HttpRequest, deadline: Deadline): Promise<HttpResponse | Failure> {
    const first = await this.#attempt(request, deadline);
    if (first instanceof HttpResponse || !mayRetry(request, first)) {
      return first;
    }
    await deadline.pause(50 + Math.random() * 100);
    return deadline.expired ? first : this.#attempt(request, deadline);
  }

  async #attempt(request: HttpRequest, deadline: Deadline): Promise<HttpResponse | Failure> {
    let incoming: Incoming | undefined;
    try {
      const { headers, headersOfOneSend } = request;
      const once = headersOfOneSend && (await headersOfOneSend());
      incoming = await this.#exchange(
        { ...request, headers: { 'accept-encoding': 'identity', ...headers, ...once } },
        deadline,
      );
      const refused = this.#refusalOf(incoming);
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
  #refusalOf({ status, headers }: Incoming): Failure | undefined {
    if (status >= 500) {
      const wait = retryAfter(one(headers['retry-after']), this.now());
      return {
        error: new TransportError('UPSTREAM_UNAVAILABLE', 'The server failed.', { retryAfter: wait }),
        kind: 'broken',
      };
    }
    if (status === 429) {
      const wait = retryAfter(one(headers['retry-after']), this.now());
      const error = new TransportError('RATE_LIMITED', 'The server asked to be left alone for a while.', {
        retryAfter: wait,
      });
      return { error, kind: 'final' };
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

function one(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.[0];
}
