import type { Dispatcher } from 'undici';

import type { Now } from '../clock/clock.js';
import { ResponseError, TransportError } from '../errors/errors.js';
import { OidcError, type ErrorFacts } from '../errors/oidc.error.js';
import { textMember } from '../values/member.js';
import { locationOf } from '../values/url.js';
import { Deadline } from './deadline.js';
import { exchangeOver, exchangeThrough, tooLarge, type Exchange, type Incoming } from './exchange.js';
import { CONNECT_TIMEOUTS, failureOf, timedOut, type Failure } from './failure.js';
import type { HttpSettings } from './http.options.js';
import { ObservedCall } from './observed-call.js';
import { ownPool, type ConnectionsOptions } from './pool.js';
import { proxiesOf } from './proxies.js';
import type { HttpRequest } from './request.js';
import { HttpResponse } from './response.js';
import { retryAfter } from './retry-after.js';
import { StreamedCalls } from './streamed-calls.js';

/** Milliseconds that calls in flight have to end when the application shuts down. */
const CLOSING_TIME = 1000;

/**
 * Milliseconds for which a connection counts as young. No server closes one so early by itself, and logins that follow each
 * other need no new handshake.
 */
const YOUNG = 1000;

/** Statuses of a server, or a gateway before it, that serves nobody now (RFC 9110, sections 15.6.3 to 15.6.5). */
const OUTAGES: readonly number[] = [502, 503, 504];

/** HTTP client for all servers: pools connections, bounds each call in time and size, and follows no redirect. */
export class Connections {
  /** Uses connections that are kept alive between calls. */
  readonly #exchange: Exchange;
  /** Uses young connections; the same as the other where the application has a transport of its own. */
  readonly #exchangeOnce: Exchange;
  /** Our own pools; none where the application has a transport of its own. */
  #pools: readonly Dispatcher[];
  readonly #calls = new Set<Deadline>();
  readonly #options: ConnectionsOptions;
  #streamed: StreamedCalls | undefined;

  constructor(
    readonly settings: HttpSettings,
    readonly now: Now,
    options: ConnectionsOptions = {},
  ) {
    const { dispatcher, fetch, environment = process.env } = options;
    this.#options = options;
    const theirs = fetch ? exchangeThrough(fetch) : dispatcher && exchangeOver(dispatcher);
    if (theirs !== undefined) {
      this.#pools = [];
      this.#exchange = theirs;
      this.#exchangeOnce = theirs;
    } else {
      const proxies = proxiesOf(environment);
      const kept = ownPool(settings, { proxies });
      const young = ownPool(settings, { idle: YOUNG, proxies });
      this.#pools = [...kept.dispatchers, ...young.dispatchers];
      this.#exchange = kept.exchange;
      this.#exchangeOnce = young.exchange;
    }
  }

  /** Calls to APIs, made when first asked for. They have pools of their own: such an answer may go on for hours. */
  get streamed(): StreamedCalls {
    this.#streamed ??= new StreamedCalls(this.settings, this.#options);
    return this.#streamed;
  }

  /**
   * Sends a request, and once again where the request allows that.
   *
   * A server may close a kept connection just when a request is on its way over it (RFC 9112, section 9.5). It does so to
   * connections that are idle for some seconds. What may be sent only once therefore goes over a young connection.
   *
   * @param timeout milliseconds for the whole call, the second try included
   * @returns a complete answer within the limits, or the failure
   */
  async send(request: HttpRequest, timeout: number): Promise<HttpResponse | Failure> {
    const deadline = new Deadline(timeout);
    this.#calls.add(deadline);
    const observed = ObservedCall.start(request);
    let retries = 0;
    try {
      let result = await this.#attempt(request, deadline);
      if (!(result instanceof HttpResponse) && mayRetry(request, result)) {
        await deadline.pause(50 + Math.random() * 100);
        if (!deadline.expired) {
          retries = 1;
          result = await this.#attempt(request, deadline);
        }
      }
      if (!(result instanceof HttpResponse)) {
        result.error.addFacts(this.#factsOf(result, request, deadline));
      }
      observed?.end(result, retries);
      return result;
    } finally {
      deadline.clear();
      this.#calls.delete(deadline);
    }
  }

  /** Closes our own pools; calls in flight get a second to end. A dispatcher that was handed in is its owner's to close. */
  async close(): Promise<void> {
    await this.#streamed?.close();
    const open = this.#pools;
    if (open.length === 0) {
      return;
    }
    this.#pools = [];
    const grace = setTimeout(() => this.#calls.forEach((call) => call.abort()), CLOSING_TIME);
    await Promise.all(open.map((pool) => pool.close()));
    clearTimeout(grace);
  }

  async #attempt(request: HttpRequest, deadline: Deadline): Promise<HttpResponse | Failure> {
    const exchange = request.retry === 'never' ? this.#exchangeOnce : this.#exchange;
    let incoming: Incoming | undefined;
    try {
      const once = request.headersOfOneSend && (await request.headersOfOneSend());
      // The deadline may have passed while they were made: nobody listened to it then.
      if (deadline.expired) {
        return { error: timedOut(), kind: 'final' };
      }
      const headers = { 'accept-encoding': 'identity', ...request.headers, ...once };
      incoming = await exchange(request, headers, deadline);
      const failure = this.#failureOf(incoming);
      if (failure !== undefined) {
        incoming.discard();
        return { ...failure, status: incoming.status };
      }
      const bytes = await incoming.read(this.settings.maxResponseSize);
      return new HttpResponse(incoming.status, incoming.headers, bytes, this.settings.maxJsonDepth, request);
    } catch (error) {
      if (error instanceof OidcError) {
        return { error, kind: 'final' };
      }
      return deadline.expired ? { error: timedOut(), kind: 'final' } : failureOf(error, incoming !== undefined);
    }
  }

  /** Facts for the operator's log: which server, and what went wrong. */
  #factsOf({ error: { code, cause }, status }: Failure, { url }: HttpRequest, deadline: Deadline): ErrorFacts {
    const reason = textMember(cause, 'code') || textMember(cause, 'name') || undefined;
    const timeout =
      reason !== undefined && CONNECT_TIMEOUTS.includes(reason) ? this.settings.connectTimeout : deadline.milliseconds;
    return {
      url: locationOf(url),
      status,
      reason,
      timeout: code === 'UPSTREAM_TIMEOUT' ? `${timeout} ms` : undefined,
    };
  }

  /** The failure that the status or the headers of an answer already mean. */
  #failureOf({ status, headers }: Incoming): Failure | undefined {
    if (status >= 500) {
      const options = { retryAfter: retryAfter(one(headers['retry-after']), this.now()) };
      const error = OUTAGES.includes(status)
        ? new TransportError('UPSTREAM_UNAVAILABLE', 'The server can not serve at the moment.', options)
        : new TransportError('UPSTREAM_ERROR', 'The server failed at this request.', options);
      return { error, kind: 'broken' };
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
        error: new ResponseError('UNEXPECTED_REDIRECT', 'The server redirects; that is not followed.', {
          facts: { location: locationOf(one(headers['location']) ?? '') },
        }),
        kind: 'final',
      };
    }
    const content_encoding = one(headers['content-encoding']);
    if (!['', 'identity'].includes(content_encoding?.toLowerCase() ?? '')) {
      const error = new ResponseError(
        'UNEXPECTED_CONTENT_ENCODING',
        'The server encoded its answer though not asked to.',
        { facts: { content_encoding } },
      );
      return { error, kind: 'final' };
    }
    return Number(one(headers['content-length'])) > this.settings.maxResponseSize
      ? { error: tooLarge(this.settings.maxResponseSize), kind: 'final' }
      : undefined;
  }
}

function mayRetry({ retry }: HttpRequest, { kind }: Failure): boolean {
  return retry === 'idempotent' ? kind !== 'final' : retry === 'unanswered' && kind === 'unanswered';
}

function one(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.[0];
}
