import { LRUCache } from 'lru-cache';

import type { TransportError } from '../errors/errors.js';
import { STRANGERS_ENDPOINTS } from '../events/channels.js';
import { originOf } from '../values/url.js';
import { calledUrl, type Backchannel } from './backchannel.js';
import type { Connections } from './connections.js';
import type { HttpRequest } from './request.js';
import { HttpResponse } from './response.js';
import type { StreamedRequest, StreamedResponse } from './streamed-calls.js';
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
  /** Hosts that strangers name. What becomes of them says nothing of our server, even at the same origin. */
  readonly #strangers = new LRUCache<string, Upstream>({ max: MOST_ORIGINS });

  /** @param backchannel undefined: the server is called where it publishes that it is */
  constructor(
    private readonly connections: Connections,
    private readonly backchannel?: Backchannel,
  ) {}

  /** Milliseconds that a call may take. */
  get timeout(): number {
    return this.connections.settings.timeout;
  }

  /** The errors that callers get at once, because the circuits to servers are open. */
  get openErrors(): readonly TransportError[] {
    return [...this.#upstreams.values()].flatMap(({ openError }) => openError ?? []);
  }

  /**
   * Sends a request.
   *
   * @returns a complete answer within the limits, with any status but a redirect, 429 and 5xx
   * @throws {TransportError} the server is unreachable, too slow, busy or failing, or its circuit is open
   * @throws {ResponseError} the answer is a redirect, no HTTP, or beyond our limits
   */
  async request(published: HttpRequest): Promise<HttpResponse> {
    const request = this.#called(published);
    const { url, method, background } = request;
    const upstream = this.#upstreamOf(request);
    const timeout = background === true ? BACKGROUND_TIMEOUT : this.timeout;
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

  /**
   * Sends a request to an API, with any answer handed on as it comes. No breaker watches it.
   *
   * @throws {TransportError} the API is unreachable, or does not answer in time. @throws {ResponseError} it speaks no HTTP
   */
  stream(request: StreamedRequest): Promise<StreamedResponse> {
    return this.connections.streamed.send(request);
  }

  /**
   * The request as it is sent. Only its address is another: what it says of the server, such as the audience of an
   * assertion and the `htu` of a DPoP proof, is the public one, by which the server knows itself.
   */
  #called(published: HttpRequest): HttpRequest {
    const { backchannel } = this;
    return backchannel === undefined ? published : { ...published, url: calledUrl(published.url, backchannel) };
  }

  #upstreamOf({ url, endpoint }: HttpRequest): Upstream {
    const origin = originOf(url);
    const isStranger = STRANGERS_ENDPOINTS.includes(endpoint);
    const upstreams = isStranger ? this.#strangers : this.#upstreams;
    const known = upstreams.get(origin);
    if (known !== undefined) {
      return known;
    }
    const { now, settings } = this.connections;
    const upstream = new Upstream(now, settings.maxConcurrent, isStranger ? undefined : origin);
    upstreams.set(origin, upstream);
    return upstream;
  }
}
