import type { OidcClient } from '../client/oidc-client.js';
import { StoreError } from '../errors/errors.js';
import { loginRefusal } from '../login/login-refusal.js';
import type { Login } from '../login/login.js';
import { PRIVATE_ANSWER, SeeOther, type ResponseHeader } from '../nest/answer.js';
import { refuse, type Refusal } from '../nest/refusal.js';
import * as requests from '../nest/requests.js';
import type { Responses } from '../nest/responses.js';
import { checkSessionHeaders, tellingPage, watchingPage } from '../session/check-session/check-session-page.js';
import { providerFrame, sessionCheck, type SessionCheck } from '../session/check-session/check-session.js';
import type { ClientSessions } from '../session/client-sessions.js';
import { idTokenHint } from '../session/id-token-hint.js';
import type { OidcSession } from '../session/oidc-session.js';
import { loginRequired, sessionUnavailable } from '../session/session-refusal.js';

/** What the route is made of. */
export interface CheckSessionParts {
  readonly login: Login;
  readonly client: OidcClient;
  readonly session: OidcSession;
  readonly sessions: ClientSessions;
  readonly responses: Responses;
  /** The prefix of public paths that a proxy cuts off. */
  readonly prefix: string;
}

/**
 * Has the browser ask again at once (HTML, `Refresh`), now sent by a page of ours. Where the provider's page sent it here, as with
 * `form_post`, it holds the session's cookie back.
 */
const ASK_AGAIN: ResponseHeader = ['Refresh', '0'];

/** A page, and its headers. */
export interface CheckSessionDocument {
  readonly headers: readonly ResponseHeader[];
  readonly text: string;
}

/**
 * The page that an application embeds in a hidden frame, so that a logout at the provider shows (OpenID Connect Session
 * Management 1.0, section 3).
 */
export class CheckSessionRoute {
  constructor(private readonly parts: CheckSessionParts) {}

  /**
   * @returns undefined: the provider publishes no frame
   * @throws {SeeOther} a silent login begins
   * @throws {OidcException} 401: nobody is signed in; 502, 503: the provider or the store fails
   */
  async answer(request: object, response: object): Promise<CheckSessionDocument | undefined> {
    try {
      const { client, responses } = this.parts;
      const { check_session_iframe } = await client.serverMetadata();
      const frame = providerFrame(check_session_iframe);
      if (frame === undefined) {
        return undefined;
      }
      const { session, setCookies } = await this.parts.sessions.keeper().find(request);
      responses.deliver(response, [['Set-Cookie', setCookies]]);
      if (session === undefined && requests.header(request, 'sec-fetch-site') === 'cross-site') {
        throw this.#refused(loginRequired([ASK_AGAIN]), response);
      }
      const check = sessionCheck(session, requests.query(request), client.metadata.client_id);
      const text = await this.#textOf(check, frame, request, response);
      return { headers: checkSessionHeaders(frame), text };
    } catch (error) {
      const refusal = error instanceof StoreError ? sessionUnavailable(error) : loginRefusal(error);
      throw refusal === undefined ? error : this.#refused(refusal, response);
    }
  }

  async #textOf(check: SessionCheck, frame: URL, request: object, response: object): Promise<string> {
    switch (check.kind) {
      case 'none':
        throw this.#refused(loginRequired(), response);
      case 'watch':
        return watchingPage(frame, check);
      case 'tell':
        return tellingPage(check.state);
      case 'renew':
        return this.#renew(check, request, response);
      case 'end':
        await this.parts.session.end(request, response);
        return tellingPage('changed');
    }
  }

  /** @throws {SeeOther} the browser goes to the provider, which shows no page */
  async #renew(
    { session, query }: Extract<SessionCheck, { readonly kind: 'renew' }>,
    request: object,
    response: object,
  ): Promise<string> {
    const { client, login, responses, prefix } = this.parts;
    if (client.metadata.default_max_age === 0) {
      // Each login has to ask the person.
      await this.parts.session.end(request, response);
      return tellingPage('changed');
    }
    const { location, setCookies } = await login.startSilently(request, {
      returnTo: `${prefix}${requests.path(request)}?${query}`,
      remember: session.isPersistent,
      idToken: idTokenHint(session),
    });
    responses.deliver(response, [...PRIVATE_ANSWER, ['Set-Cookie', setCookies], ['Location', location]]);
    throw new SeeOther();
  }

  #refused(refusal: Refusal, response: object): Error {
    return refuse(refusal, response, this.parts.responses);
  }
}
