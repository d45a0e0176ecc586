import type { Clock } from '../clock/clock.js';
import type { HttpRequest } from '../http/request.js';
import type { HttpResponse } from '../http/response.js';
import type { Transport } from '../http/transport.js';
import type { DpopKey } from '../jose/dpop-key.js';
import { isNonceChallenge, type DpopNonces } from './dpop-nonces.js';
import { errorOf } from './oauth-response.js';

/** What a proof is made for, beside the request itself. */
export interface ProvenRequest {
  readonly key: DpopKey;
  readonly url: string;
  /** The access token that the request carries: then it goes to a protected resource (RFC 9449, section 7). */
  readonly accessToken?: string;
}

/** Sends requests to the authorization server with DPoP proofs (RFC 9449, sections 5, 7 and 8). */
export class DpopRequests {
  constructor(
    private readonly transport: Transport,
    private readonly clock: Clock,
    private readonly nonces: DpopNonces,
  ) {}

  /**
   * Sends a request with a proof. Where the server asks for a nonce it is sent once more, with the nonce.
   *
   * @param make makes the request. It is called for each sending: an assertion in it may be good for one only
   */
  send(
    { key, url, accessToken }: ProvenRequest,
    make: () => HttpRequest | Promise<HttpRequest>,
  ): Promise<HttpResponse> {
    const kind = accessToken === undefined ? 'authorization server' : 'resource server';
    const send = async (nonce: string | undefined): Promise<HttpResponse> => {
      const request = await make();
      const { method } = request;
      const headersOfOneSend = async (): Promise<Readonly<Record<string, string>>> => ({
        dpop: await key.proof({ method, url, accessToken, nonce }, this.clock),
      });
      return this.transport.request({ ...request, headersOfOneSend });
    };
    return this.nonces.send({ kind, url }, send, wantsNonce);
  }
}

/** Whether a response asks for a nonce: in its body (RFC 9449, section 8), or in its challenge (section 9). */
function wantsNonce(response: HttpResponse): boolean {
  return errorOf(response) === 'use_dpop_nonce' || isNonceChallenge(response);
}
