import { LRUCache } from 'lru-cache';

import { originOf } from '../values/url.js';
import type { Connections } from './connections.js';
import type { HttpRequest } from './request.js';
import { HttpResponse } from './response.js';
import { Upstream } from './upstream.js';

/** Milliseconds: nobody waits for a background refresh. */
const BACKGROUND_TIMEOUT = 10_000;

/** More than one server has; the one called longest ago is forgotten. */
const MOST_ORIGINS = 100;

/**
 * HTTP calls of one client to its server, behind circuit breakers and concurrency limits.
 *
 * Clients share connections but not breakers: another issuer that is down, or limits its rate, may live on the same host.
 */
export class Transport {
  /** By origin. */
  readonly #upstreams = new LRUCache<string, Upstream>({ max: MOST_ORIGINS });

  constructor(private readonly connections: Connections) {}

  /**
   * Sends a request.
   *
   * @returns a complete answer within the limits, with any status but a redirect, 429 and 5xx
   * @throws {TransportError} the server is unreachable, too slow, busy or failing, or its circuit is open
   * @throws {ResponseError} the answer is a redirect, no HTTP, or beyond our limits
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
