import { Readable } from 'node:stream';

import type { Dispatcher } from 'undici';

import { OidcError } from '../errors/oidc.error.js';
import { isUndiciWatched, TRACE_HEADERS } from '../events/trace-context.js';
import { statusOf, type CustomFetch } from './exchange.js';
import { failureOf, timedOut } from './failure.js';
import type { HttpSettings } from './http.options.js';
import { ObservedCall } from './observed-call.js';
import { ownPool, type ConnectionsOptions } from './pool.js';
import { proxiesOf } from './proxies.js';
import type { ResponseHeaders } from './response.js';

/** A request whose body may be a stream. */
export interface StreamedRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string | Uint8Array | Readable | null;
  /** Milliseconds until the answer begins. */
  readonly timeout: number;
  /** Milliseconds between two parts of the answer's body. Default: without end. */
  readonly idleTimeout?: number;
  /** Ends the call. */
  readonly signal: AbortSignal;
}

/** An answer with any status, whose body is still to be read. */
export interface StreamedResponse {
  readonly status: number;
  readonly headers: ResponseHeaders;
  readonly body: Readable;
}

type Send = (request: StreamedRequest) => Promise<StreamedResponse>;

/** HTTP client for answers of any kind and size: pools connections, and hands bodies on as they come. It follows no redirect. */
export class StreamedCalls {
  readonly #send: Send;
  readonly #own: readonly Dispatcher[];

  constructor(settings: HttpSettings, { dispatcher, fetch, environment = process.env }: ConnectionsOptions = {}) {
    const theirs = fetch ? sendThrough(fetch) : dispatcher && sendOver(() => dispatcher);
    if (theirs !== undefined) {
      this.#send = theirs;
      this.#own = [];
    } else {
      const pool = ownPool(settings, { proxies: proxiesOf(environment) });
      this.#send = sendOver(pool.dispatcherFor);
      this.#own = pool.dispatchers;
    }
  }

  /** @throws {TransportError} the server is unreachable, or does not answer in time. @throws {ResponseError} it speaks no HTTP */
  async send(request: StreamedRequest): Promise<StreamedResponse> {
    const { method, url, headers, signal } = request;
    const carrier: Record<string, string> = {};
    const observed = ObservedCall.start({ method, endpoint: 'protected_resource', url: url.href, carrier });
    try {
      const answer = await this.#send({ ...request, headers: traced(headers, carrier) });
      observed?.end(answer, 0);
      return answer;
    } catch (error) {
      const failed = error instanceof OidcError ? error : failureOf(error, false).error;
      failed.addFacts({ url: url.origin });
      observed?.end({ error: signal.aborted ? undefined : failed }, 0);
      throw failed;
    }
  }

  /** Ends all calls and closes our own pools. A dispatcher that was handed in is its owner's to close. */
  async close(): Promise<void> {
    await Promise.all(this.#own.map((pool) => pool.destroy()));
  }
}

/**
 * The headers of a request, with the trace context that was written for it in place of any other: an API takes two
 * `traceparent` for none. Whoever watches undici adds one later.
 */
function traced(
  headers: StreamedRequest['headers'],
  carrier: Readonly<Record<string, string>>,
): StreamedRequest['headers'] {
  const written = Object.entries(carrier);
  if (written.length === 0 && !isUndiciWatched()) {
    return headers;
  }
  const replaced = [...TRACE_HEADERS, ...written.map(([name]) => name.toLowerCase())];
  return [...headers.filter(([name]) => !replaced.includes(name)), ...written];
}

function sendOver(dispatcherFor: (hostname: string) => Dispatcher): Send {
  return async ({ method, url, headers, body, timeout, idleTimeout, signal }) => {
    const answer = await dispatcherFor(url.hostname).request({
      origin: url.origin,
      path: url.pathname + url.search,
      method,
      headers: headers.flat(),
      body,
      signal,
      headersTimeout: timeout,
      ...(idleTimeout !== undefined && { bodyTimeout: idleTimeout }),
    });
    return { status: answer.statusCode, headers: answer.headers, body: answer.body };
  };
}

/** A `fetch` of the application has no time-out of its own, and none for the parts of a body. */
function sendThrough(fetch: CustomFetch): Send {
  return async ({ method, url, headers, body, timeout, signal }) => {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), timeout);
    try {
      const answer = await fetch(url.href, {
        method,
        headers: joined(headers),
        ...bodyFor(body),
        redirect: 'manual',
        signal: AbortSignal.any([signal, late.signal]),
      });
      return {
        status: statusOf(answer),
        headers: Object.fromEntries(answer.headers),
        body: Readable.from(answer.body ?? []),
      };
    } catch (error) {
      throw late.signal.aborted ? timedOut() : error;
    } finally {
      clearTimeout(timer);
    }
  };
}

/** A body as every `fetch` takes it. */
function bodyFor(body: StreamedRequest['body']): Pick<Parameters<CustomFetch>[1], 'body' | 'duplex'> {
  if (body instanceof Readable) {
    return { body: Readable.toWeb(body), duplex: 'half' };
  }
  return body === null ? {} : { body: typeof body === 'string' ? body : new Uint8Array(body).buffer };
}

/** One line for each header (RFC 9110, section 5.3). */
function joined(headers: StreamedRequest['headers']): Record<string, string> {
  const lines = new Map<string, string>();
  for (const [name, value] of headers) {
    const before = lines.get(name);
    lines.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return Object.fromEntries(lines);
}
