import { hash } from 'node:crypto';

import type { OidcClient } from '../../client/oidc-client.js';
import { AuthorizationResponseError, ConfigError, StoreError, VerificationError } from '../../errors/errors.js';
import { OidcError } from '../../errors/oidc.error.js';
import { audit, auditFailure, type Actor } from '../../events/audit.js';
import type { OperatorPort } from '../../events/operator-events.js';
import type { ResponseHeader } from '../../nest/answer.js';
import { parseParameters, type Parameters } from '../../nest/parameters.js';
import { refuse, type Refusal } from '../../nest/refusal.js';
import * as requests from '../../nest/requests.js';
import type { Responses } from '../../nest/responses.js';
import type { OidcStore } from '../../storage/oidc-store.js';
import type { LogoutToken } from '../../tokens/logout-token.js';
import type { ClientSessions } from '../client-sessions.js';
import { logoutUnavailable } from '../session-refusal.js';

/** Sections 2.5 and 2.8 of Back-Channel Logout 1.0: no cache keeps the answer. */
const NOT_STORED: ResponseHeader = ['Cache-Control', 'no-store'];

/** What logouts that start at the provider are made of. */
export interface ProviderLogoutParts {
  readonly client: OidcClient;
  /** Knows the names that the provider has: one for each tenant, where it issues for many. */
  readonly server: { isNamed(iss: string): boolean };
  readonly sessions: ClientSessions;
  /** Remembers used logout tokens. */
  readonly store: OidcStore;
  readonly responses: Responses;
  readonly operator: OperatorPort;
  /** Whether a back-channel logout revokes refresh tokens. */
  readonly revoke: boolean;
}

/**
 * Logout that starts at the provider: back-channel (the provider calls us) and front-channel (a frame in the browser).
 *
 * The mounted routes use it. Without them a controller does:
 *
 * ```ts
 * @Post('backchannel-logout') @Public()
 * async backChannel(@Req() request: object, @Res({ passthrough: true }) response: { status(code: number): unknown }) {
 *   response.status(200);
 *   await this.logout.backChannel(request, response);
 * }
 *
 * @Get('frontchannel-logout') @Public()
 * async frontChannel(@Req() request: object, @Res({ passthrough: true }) response: object) {
 *   await this.logout.frontChannel(request, response);
 * }
 * ```
 */
export class OidcLogout {
  readonly #parts: ProviderLogoutParts;

  constructor(parts: ProviderLogoutParts) {
    this.#parts = parts;
  }

  /**
   * Back-channel logout (OpenID Connect Back-Channel Logout 1.0, sections 2.5 to 2.8): ends the sessions that a logout token
   * names, at all replicas, and evicts what is cached about their access tokens. The answer is 200 or 400.
   *
   * @throws {OidcException} 400: the logout token is not good, was used before, or not all sessions have ended
   */
  async backChannel(request: unknown, response: unknown): Promise<void> {
    const { client, responses } = this.#parts;
    responses.deliver(response, [NOT_STORED]);
    let token: LogoutToken | undefined;
    try {
      const form = await requests.form(request);
      const verified = await client.verifyLogoutToken(requireToken(form));
      token = verified;
      await this.#once(verified, () => this.#end(verified));
      audit('back-channel-logout', client, verified);
    } catch (error) {
      auditFailure('back-channel-logout', client, error, token);
      if (!(error instanceof OidcError) || error instanceof ConfigError) {
        throw error;
      }
      this.#parts.operator.report({ kind: 'logout-refused', error });
      throw refuse(refusalOf(error), response, responses);
    }
  }

  /**
   * Front-channel logout (OpenID Connect Front-Channel Logout 1.0, section 3): ends the session of `sid`, or the browser's own
   * where the provider names none. Browsers hold back our cookie in the provider's frame, so that a session in a store ends by
   * its `sid`.
   *
   * A request that names another issuer, or no `sid` where `frontchannel_logout_session_required` is registered, ends nothing.
   * Nor does one without names that is no frame's, because a link on any page can lead here with the browser's cookie.
   *
   * @throws {OidcException} 503: the store can't be reached
   */
  async frontChannel(request: unknown, response: unknown): Promise<void> {
    const { client, server, responses } = this.#parts;
    responses.deliver(response, [
      NOT_STORED,
      ['Content-Security-Policy', `default-src 'none'; frame-ancestors ${new URL(client.issuer).origin}`],
    ]);
    const { iss, sid } = namesIn(request);
    const isOurs = iss !== undefined && server.isNamed(iss) && sid !== undefined;
    const namesNone = iss === undefined && sid === undefined && !isPage(request);
    if (!isOurs && (!namesNone || client.metadata.frontchannel_logout_session_required === true)) {
      return;
    }
    try {
      await this.#endInBrowser(request, response, sid);
    } catch (error) {
      throw error instanceof StoreError ? refuse(logoutUnavailable(error), response, responses) : error;
    }
  }

  /** Ends the sessions of a `sid`; without one, that of the browser. */
  async #endInBrowser(request: unknown, response: unknown, sid: string | undefined): Promise<void> {
    const { client, sessions, responses } = this.#parts;
    let actor: Actor | undefined;
    try {
      const { session: own } = await sessions.keeper().find(request);
      const isOwn = own !== undefined && (sid === undefined || own.identity?.sid === sid);
      if (isOwn) {
        actor = own.identity;
        responses.deliver(response, [['Set-Cookie', sessions.keeper().clear(request)]]);
        await sessions.end(request);
      }
      const mayHaveMore = sid !== undefined && (await sessions.keeper().knows(sid));
      if (mayHaveMore) {
        actor ??= { sid };
        await sessions.endAll({ sid }, { revoke: false });
      }
      if (isOwn || mayHaveMore) {
        audit('front-channel-logout', client, actor);
      }
    } catch (error) {
      auditFailure('front-channel-logout', client, error, actor);
      throw error;
    }
  }

  /** Uses up the logout token. Where ending fails it is good again, because the provider will try again. */
  async #once({ jti, exp }: LogoutToken, end: () => Promise<void>): Promise<void> {
    const { client, store } = this.#parts;
    const { issuer, clock, metadata } = client;
    const key = `logout:${hash('sha256', JSON.stringify([issuer, metadata.client_id, jti]), 'base64url')}`;
    const lifetime = Math.max(1, exp + clock.tolerance - clock.seconds()) * 1000;
    if (!(await store.claim(key, '', lifetime))) {
      throw new VerificationError('JWT_REPLAYED', 'The logout token was used before.');
    }
    try {
      await end();
    } catch (error) {
      await store.delete(key);
      throw error;
    }
  }

  async #end({ sub, sid }: LogoutToken): Promise<void> {
    const { sessions, revoke, operator } = this.#parts;
    const of = sid === undefined ? { sub: sub ?? '' } : { sid, ...(sub !== undefined && { sub }) };
    try {
      await sessions.endAll(of, { revoke });
    } catch (error) {
      // The sessions have ended; that the provider did not revoke a token changes nothing about it.
      if (!(error instanceof OidcError) || error instanceof StoreError || error instanceof VerificationError) {
        throw error;
      }
      operator.report({ kind: 'logout-refused', error });
    }
  }
}

function requireToken(form: Parameters): string {
  const token = form.get('logout_token');
  if (token === undefined) {
    throw new AuthorizationResponseError('MISSING_RESPONSE', 'The request carries no logout token');
  }
  return token;
}

/** Whether a browser wants to show the answer as a page of its own (Fetch Metadata Request Headers, section 2.1). */
function isPage(request: unknown): boolean {
  return requests.header(request, 'sec-fetch-dest') === 'document';
}

/** `iss` and `sid`; neither where the query can't be read. */
function namesIn(request: unknown): { readonly iss?: string | undefined; readonly sid?: string | undefined } {
  try {
    const parameters = parseParameters(requests.query(request));
    return { iss: parameters.get('iss'), sid: parameters.get('sid') };
  } catch (error) {
    if (error instanceof OidcError) {
      return { iss: '', sid: undefined };
    }
    throw error;
  }
}

/** Section 2.8 of Back-Channel Logout 1.0: whatever went wrong is 400. */
function refusalOf(cause: OidcError): Refusal {
  const isInvalid = cause instanceof VerificationError || cause instanceof AuthorizationResponseError;
  return {
    status: 400,
    error: isInvalid ? 'invalid_request' : 'temporarily_unavailable',
    error_description: isInvalid
      ? 'The logout token is not valid here.'
      : 'The logout is not complete. Please try again.',
    headers: [NOT_STORED],
    cause,
  };
}
