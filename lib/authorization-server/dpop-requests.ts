import { LRUCache } from 'lru-cache';

import type { Clock } from '../clock/clock.js';
import type { HttpRequest } from '../http/request.js';
import type { HttpResponse } from '../http/response.js';
import type { Transport } from '../http/transport.js';
import type { DpopKey } from '../jose/dpop-key.js';
import { isNqchars } from '../values/oauth-characters.js';
import { originOf } from '../values/url.js';
import { errorOf } from './oauth-response.js';

/** Characters; a longer nonce is nobody's. */
const LONGEST_NONCE = 512;

const MOST_SERVERS = 100;

/** Sends requests with proofs of a key, and keeps the nonces that servers want to see in them (RFC 9449, section 8). */
export class DpopRequests {
  readonly #nonces = new LRUCache<string, string>({ max: MOST_SERVERS });

  constructor(
    private readonly transport: Transport,
    private readonly clock: Clock,
  ) {}

  /**
   * @param make makes the request, once more where the server asks for a nonce: what it authenticates with may be good
   *   for one request only
   * @param accessToken that the request carries, if any
   */
  async send(
    key: DpopKey,
    make: () => HttpRequest | Promise<HttpRequest>,
    accessToken?: string,
  ): Promise<HttpResponse> {
    const response = await this.#send(key, await make(), accessToken);
    return wantsNonce(response) ? this.#send(key, await make(), accessToken) : response;
  }

  async #send(key: DpopKey, request: HttpRequest, accessToken: string | undefined): Promise<HttpResponse> {
    const { method, url } = request;
    const origin = originOf(url);
    const prove = async (): Promise<Readonly<Record<string, string>>> => ({
      dpop: await key.proof({ method, url, accessToken, nonce: this.#nonces.get(origin) }, this.clock),
    });
    const response = await this.transport.request({ ...request, headersOfOneSend: prove });
    const nonce = response.header('dpop-nonce');
    if (nonce !== undefined && nonce.length <= LONGEST_NONCE && isNqchars(nonce)) {
      this.#nonces.set(origin, nonce);
    }
    return response;
  }
}

/** RFC 9449, sections 8 and 9: an authorization server says it in its body, a resource server in its challenge. */
function wantsNonce(response: HttpResponse): boolean {
  return (
    response.header('dpop-nonce') !== undefined &&
    (errorOf(response) === 'use_dpop_nonce' ||
      (response.status === 401 && /\berror="?use_dpop_nonce\b/.test(response.header('www-authenticate') ?? '')))
  );
}
