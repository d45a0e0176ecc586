import type { Readable } from 'node:stream';

import type { Dispatcher } from 'undici';

import { failureOf } from './failure.js';
import type { HttpSettings } from './http.options.js';
import { ownPool } from './pool.js';
import { proxiesOf, type Environment } from './proxies.js';
import type { ResponseHeaders } from './response.js';

/** A request whose body may be a stream. */
export interface StreamedRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string | Uint8Array | Readable | null;
  /** Milliseconds until the answer begins. */
  readonly timeout: number;
  /** Ends the call. */
  readonly signal: AbortSignal;
}

/** An answer with any status, whose body is still to be read. */
export interface StreamedResponse {
  readonly status: number;
  readonly headers: ResponseHeaders;
  readonly body: Readable;
}

/** HTTP client for answers of any kind and size: pools connections, and hands bodies on as they come. It follows no redirect. */
export class StreamedCalls {
  readonly #dispatcherFor: (hostname: string) => Dispatcher;
  readonly #own: readonly Dispatcher[];

  /** @param dispatcher default: a pool of our own */
  constructor(settings: HttpSettings, dispatcher?: Dispatcher, environment: Environment = process.env) {
    if (dispatcher === undefined) {
      const pool = ownPool(settings, { keepsConnections: true, proxies: proxiesOf(environment) });
      this.#dispatcherFor = pool.dispatcherFor;
      this.#own = pool.dispatchers;
    } else {
      this.#dispatcherFor = () => dispatcher;
      this.#own = [];
    }
  }

  /** @throws {TransportError} the server is unreachable, or does not answer in time. @throws {ResponseError} it speaks no HTTP */
  async send({ method, url, headers, body, timeout, signal }: StreamedRequest): Promise<StreamedResponse> {
    try {
      const answer = await this.#dispatcherFor(url.hostname).request({
        origin: url.origin,
        path: url.pathname + url.search,
        method,
        headers: headers.flat(),
        body,
        signal,
        headersTimeout: timeout,
      });
      return { status: answer.statusCode, headers: answer.headers, body: answer.body };
    } catch (error) {
      const failed = failureOf(error, false).error;
      failed.addFacts({ url: url.origin });
      throw failed;
    }
  }

  /** Ends all calls and closes our own pools. A dispatcher that was handed in is its owner's to close. */
  async close(): Promise<void> {
    await Promise.all(this.#own.map((pool) => pool.destroy()));
  }
}
