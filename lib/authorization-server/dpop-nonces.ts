import { LRUCache } from 'lru-cache';

import { challengesIn } from '../http/challenges.js';
import type { ResponseHeaders } from '../http/response.js';
import { isNqchars } from '../values/oauth-characters.js';
import { originOf } from '../values/url.js';

/** Maximum length of a stored nonce, in characters. */
const LONGEST_NONCE = 512;

const MOST_SERVERS = 100;

/**
 * Who asks for a nonce. One origin may be both, with nonces that the other does not take: userinfo is a protected resource
 * of the authorization server.
 */
export type NonceGiver = 'authorization server' | 'resource server';

/** The part of an answer that nonces come with. */
export interface NonceAnswer {
  readonly status: number;
  readonly headers: ResponseHeaders;
}

/** The DPoP nonces that servers gave, for each server the last one (RFC 9449, sections 8 and 9). */
export class DpopNonces {
  /** By who gave them, and its origin. */
  readonly #nonces = new LRUCache<string, string>({ max: MOST_SERVERS });

  /**
   * Sends a request with the nonce of its server, and once more where the answer asks for another one. Some servers take each
   * nonce once only, and so ask at every call.
   *
   * @param send sends it with a proof that has this nonce; called for each sending
   * @param asks whether an answer asks for a nonce
   */
  async send<Answer extends NonceAnswer>(
    server: { readonly kind: NonceGiver; readonly url: string },
    send: (nonce: string | undefined) => Promise<Answer>,
    asks: (answer: Answer) => boolean,
  ): Promise<Answer> {
    const key = `${server.kind} ${originOf(server.url)}`;
    const first = await send(this.#nonces.get(key));
    const nonce = this.#keep(key, first);
    if (nonce === undefined || !asks(first)) {
      return first;
    }
    // Not the one that is kept: another call may have replaced it meanwhile.
    const second = await send(nonce);
    this.#keep(key, second);
    return second;
  }

  /** @returns the nonce that came, where it can be sent back */
  #keep(key: string, { headers }: NonceAnswer): string | undefined {
    const nonce = headers['dpop-nonce'];
    if (typeof nonce !== 'string' || nonce.length > LONGEST_NONCE || !isNqchars(nonce)) {
      return undefined;
    }
    this.#nonces.set(key, nonce);
    return nonce;
  }
}

/** Whether an answer asks for a nonce in a challenge (RFC 9449, section 9). */
export function isNonceChallenge({ status, headers }: NonceAnswer): boolean {
  return (
    status === 401 &&
    challengesIn(headers['www-authenticate']).some(({ parameters }) => parameters.get('error') === 'use_dpop_nonce')
  );
}
