import { randomBytes } from 'node:crypto';

import type { OidcClient } from '../../client/oidc-client.js';
import { AuthorizationResponseError, StoreError } from '../../errors/errors.js';
import { PRIVATE_ANSWER } from '../../nest/answer.js';
import { singleCookie, type CookieProfile } from '../../nest/cookies.js';
import { singleParameter } from '../../nest/parameters.js';
import { OidcException } from '../../nest/oidc.exception.js';
import { refuse } from '../../nest/refusal.js';
import * as requests from '../../nest/requests.js';
import type { Responses } from '../../nest/responses.js';
import { Sites } from '../../nest/sites.js';
import type { OidcSession } from '../oidc-session.js';
import { logoutMismatch } from '../session-refusal.js';

const COOKIE = 'oidc-logout';

/** Seconds for which a browser that went to the provider may come back. */
const LIFETIME = 600;

/**
 * Logout that starts here (OpenID Connect RP-Initiated Logout 1.0). The session ends here first, whatever the provider does.
 * Then the browser goes to end the provider's, and comes back with the `state` that it took along.
 */
export class RpInitiatedLogout {
  readonly #cookies: Sites<CookieProfile>;

  /** @param fallback the path where a logout ends */
  constructor(
    private readonly session: OidcSession,
    client: OidcClient,
    private readonly responses: Responses,
    private readonly fallback: string,
  ) {
    this.#cookies = Sites.of(client).map(({ cookies }) => cookies);
  }

  /**
   * Ends the session of a request.
   *
   * @returns where the browser goes: to the provider, or to the end where there is no session or no such endpoint
   * @throws {OidcException} 503: see {@link OidcSession.end}
   */
  async begin(request: unknown, response: unknown): Promise<string> {
    if ((await this.session.read(request)) === undefined) {
      return this.fallback;
    }
    const state = randomBytes(16).toString('base64url');
    const url = await this.session.endSessionUrl(request, { state }).catch(unreachable);
    await this.session.end(request, response);
    if (url === undefined) {
      return this.fallback;
    }
    const cookies = this.#cookies.at(request);
    const line = cookies.set(cookies.name(COOKIE), state, { maxAge: LIFETIME });
    this.responses.deliver(response, [['Set-Cookie', [line]]]);
    return url;
  }

  /**
   * Takes the browser back from the provider.
   *
   * @returns where it goes
   * @throws {OidcException} 400: it brought another `state` than it took along. The session has ended all the same
   */
  complete(request: unknown, response: unknown): string {
    const profile = this.#cookies.at(request);
    const name = profile.name(COOKIE);
    const cookies = requests.cookies(request);
    const setCookies = cookies.has(name) ? [profile.clear(name)] : [];
    this.responses.deliver(response, [...PRIVATE_ANSWER, ['Set-Cookie', setCookies]]);
    if (singleParameter(requests.query(request), 'state') !== singleCookie(cookies, name)) {
      const cause = new AuthorizationResponseError('STATE_MISMATCH', 'The response answers no logout of this browser');
      throw refuse(logoutMismatch(cause), response, this.responses);
    }
    return this.fallback;
  }
}

/** A provider that is down can't be told; the person still wants to be signed out here. */
function unreachable(error: unknown): undefined {
  if (!(error instanceof OidcException) || error.cause instanceof StoreError) {
    throw error;
  }
}
