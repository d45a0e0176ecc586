import { Readable } from 'node:stream';

import { isNonceChallenge } from '../authorization-server/dpop-nonces.js';
import type { Server } from '../authorization-server/server.js';
import type { Clock } from '../clock/clock.js';
import { ConfigError, SessionError, TransportError } from '../errors/errors.js';
import { discard } from '../http/body.js';
import type { StreamedRequest, StreamedResponse } from '../http/streamed-calls.js';
import type { TokenResponse } from './token-response.js';
import { requireTokenText } from './token-text.js';

/** A call to an API with an access token. */
export interface ApiRequest {
  readonly method: string;
  readonly url: string;
  /** What the API last sent as `DPoP-Nonce`. */
  readonly nonce?: string | undefined;
}

/** An access token for an API, the key that it is bound to, and its end. */
export type ResourceTokens = Pick<TokenResponse, 'access_token'> &
  Partial<Pick<TokenResponse, 'dpop_key' | 'expires_at' | 'token_type'>>;

/**
 * The headers that carry an access token (RFC 6750, section 2.1), and the proof of its key (RFC 9449, section 7.1).
 *
 * @throws {SessionError} `ACCESS_TOKEN_EXPIRED`
 * @throws {ConfigError} they are of a token exchange that gave no access token (RFC 8693, section 2.2.1)
 */
export async function authorizationHeaders(
  clock: Clock,
  { access_token, token_type, dpop_key, expires_at }: ResourceTokens,
  { method, url, nonce }: ApiRequest,
): Promise<Readonly<Record<string, string>>> {
  requireTokenText(access_token);
  if (token_type?.toLowerCase() === 'n_a') {
    throw new ConfigError('INVALID_CONFIG', 'tokens', 'hold no access token: the exchange gave another kind (N_A)');
  }
  if (expires_at !== undefined && expires_at * 1000 <= clock.now()) {
    throw new SessionError('ACCESS_TOKEN_EXPIRED', 'The access token is expired; refresh the tokens first.');
  }
  if (dpop_key === undefined) {
    return { authorization: `Bearer ${access_token}` };
  }
  const dpop = await dpop_key.proof({ method, url, nonce, accessToken: access_token }, clock);
  return { authorization: `DPoP ${access_token}`, dpop };
}

/**
 * Protected resource request (RFC 6749, section 7): a request to an API with an access token. Where the API asks for a DPoP
 * nonce it is sent once more, with the nonce (RFC 9449, section 9).
 *
 * @throws {TransportError} as for any call; or the API asks for a nonce and the body was a stream, which can be sent once only
 */
export function requestResource(
  server: Server,
  request: StreamedRequest,
  tokens: ResourceTokens,
): Promise<StreamedResponse> {
  const { method, url, headers, body } = request;
  const send = async (nonce: string | undefined): Promise<StreamedResponse> => {
    const own = await authorizationHeaders(server.clock, tokens, { method, url: url.href, nonce });
    return server.transport.stream({ ...request, headers: [...headers, ...Object.entries(own)] });
  };
  const asks = (answer: StreamedResponse): boolean => {
    if (tokens.dpop_key === undefined || !isNonceChallenge(answer)) {
      return false;
    }
    discard(answer.body);
    if (body instanceof Readable) {
      const message = 'The API asked for a DPoP nonce after the body was sent, which can not be sent again.';
      throw new TransportError('UPSTREAM_UNAVAILABLE', message, { retryAfter: 1 });
    }
    return true;
  };
  return server.nonces.send({ kind: 'resource server', url: url.href }, send, asks);
}
