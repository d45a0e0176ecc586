import { LRUCache } from 'lru-cache';

import { originOf } from '../values/url.js';
import type { Connections } from './connections.js';
import type { HttpRequest } from './request.js';
import { HttpResponse } from './response.js';
import { Upstream } from './upstream.js';

/** Milliseconds. */
const BACKGROUND_TIMEOUT = 10_000;

/** More than one server has; the one called longest ago is forgotten. */
const MOST_ORIGINS = 100;

/**
 * All HTTP between one client and its server, over connections that others use too. How the server is doing is known
 * here and nowhere else: another issuer that is down, or asks to be left alone, may live on the same host.
 */
export class Transport {
  /** By origin. */
  readonly #upstreams = new LRUCache<string, Upstream>({ max: MOST_ORIGINS });

  constructor(private readonly connections: Connections) {}

  /**
   * @returns any answer but a redirect, 429 and 5xx, complete and within the limits
   * @throws {TransportError} the server is not there, too slow, or says that it can't serve now
   * @throws {ResponseError} what it sent is outside of HTTP, of our limits, or a redirect
   */
  async request(request: HttpRequest): Promise<HttpResponse> {
    const { url, method, background } = request;
    const upstream = this.#upstreamOf(originOf(url));
    const timeout = background === true ? BACKGROUND_TIMEOUT : this.connections.settings.timeout;
    // Not for metadata and keys: they are few calls, and everybody waits for them.
    const limit = method === 'POST' ? await upstream.acquire(url, timeout / 10) : undefined;
    try {
      upstream.admit();
      const result = await this.connections.send(request, timeout);
      const isAnswered = result instanceof HttpResponse;
      upstream.report(isAnswered ? undefined : result.error);
      if (isAnswered) {
        return result;
      }
      throw result.error;
    } finally {
      limit?.release();
    }
  }

  #upstreamOf(origin: string): Upstream {
    const known = this.#upstreams.get(origin);
    if (known !== undefined) {
      return known;
    }
    const upstream = new Upstream(this.connections.now, this.connections.settings.maxConcurrent);
    this.#upstreams.set(origin, upstream);
    return upstream;
  }
}
