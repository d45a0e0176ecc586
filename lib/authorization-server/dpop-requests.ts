import { LRUCache } from 'lru-cache';

import type { Clock } from '../clock/clock.js';
import type { HttpRequest } from '../http/request.js';
import type { HttpResponse } from '../http/response.js';
import type { Transport } from '../http/transport.js';
import type { DpopKey } from '../jose/dpop-key.js';
import { isNqchars } from '../values/oauth-characters.js';
import { originOf } from '../values/url.js';
import { errorOf } from './oauth-response.js';

/** Maximum length of a stored nonce, in characters. */
const LONGEST_NONCE = 512;

const MOST_SERVERS = 100;

/** Sends requests with DPoP proofs, and keeps the nonces that servers ask for (RFC 9449, section 8). */
export class DpopRequests {
  readonly #nonces = new LRUCache<string, string>({ max: MOST_SERVERS });

  constructor(
    private readonly transport: Transport,
    private readonly clock: Clock,
  ) {}

  /**
   * Sends a request with a proof. Where the server asks for a nonce it is sent once more, with the nonce.
   *
   * @param make makes the request. It is called for each sending: an assertion in it may be good for one only
   * @param accessToken the access token that the request carries
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

/** Whether a response asks for a nonce: in its body (RFC 9449, section 8), or in its challenge (section 9). */
function wantsNonce(response: HttpResponse): boolean {
  return (
    response.header('dpop-nonce') !== undefined &&
    (errorOf(response) === 'use_dpop_nonce' ||
      (response.status === 401 && /\berror="?use_dpop_nonce\b/.test(response.header('www-authenticate') ?? '')))
  );
}
