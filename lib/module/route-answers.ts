import { NotFoundException, type ExecutionContext } from '@nestjs/common';

import type { OidcClient } from '../client/oidc-client.js';
import { StoreError } from '../errors/errors.js';
import { auditFailure } from '../events/audit.js';
import { OidcLoginGuard } from '../login/oidc-login.guard.js';
import { OidcStrategy } from '../login/oidc.strategy.js';
import { SeeOther, type ResponseHeader } from '../nest/answer.js';
import { authenticated } from '../nest/authenticated.js';
import { callOf } from '../nest/call.js';
import { refuse, type Refusal } from '../nest/refusal.js';
import * as requests from '../nest/requests.js';
import type { Responses } from '../nest/responses.js';
import type { ClientSessions } from '../session/client-sessions.js';
import { isCrossSiteChange } from '../session/cross-site.js';
import type { OidcLogout } from '../session/logout/provider-logout.js';
import { RpInitiatedLogout } from '../session/logout/rp-initiated-logout.js';
import { OidcSessionGuard } from '../session/oidc-session.guard.js';
import type { OidcSession } from '../session/oidc-session.js';
import { crossSite, loginRequired, sessionUnavailable } from '../session/session-refusal.js';
import { CheckSessionRoute } from './check-session-route.js';
import { takeNotification } from './backchannel-notification.js';
import { KEY_SET_HEADERS, keySetOf } from './key-set-document.js';
import { LOGOUT_PAGE_HEADERS } from './logout-page.js';

/** Sends the document that a response is for, once the guard has let its request pass. */
export const documents = new WeakMap<object, () => void>();

/** What the answers are made of. */
export interface RouteParts {
  readonly strategy: OidcStrategy;
  readonly client: OidcClient;
  readonly session: OidcSession;
  readonly sessions: ClientSessions;
  readonly logout: OidcLogout;
  readonly responses: Responses;
  /** The path where a logout ends. */
  readonly fallback: string;
  /** The prefix of public paths that a proxy cuts off. */
  readonly prefix: string;
}

/** Answers the mounted routes of one client. */
export class RouteAnswers {
  readonly #loginGuard: OidcLoginGuard;
  readonly #sessionGuard: OidcSessionGuard;
  readonly #logout: RpInitiatedLogout;
  readonly #keySet: string;
  readonly #checkSession: CheckSessionRoute;
  readonly #client: OidcClient;
  private readonly responses: Responses;
  private readonly sessions: ClientSessions;
  private readonly providerLogout: OidcLogout;

  /** @throws {ConfigError} no login or no session is possible with this configuration */
  constructor({ strategy, client, session, fallback, ...parts }: RouteParts) {
    const { responses, sessions, logout, prefix } = parts;
    this.responses = responses;
    this.sessions = sessions;
    this.providerLogout = logout;
    this.#loginGuard = new OidcLoginGuard(strategy);
    this.#sessionGuard = new OidcSessionGuard(sessions, responses);
    this.#logout = new RpInitiatedLogout(session, client, responses, fallback);
    this.#keySet = keySetOf(client.metadata);
    const login = OidcStrategy.loginOf(strategy);
    this.#checkSession = new CheckSessionRoute({ login, client, session, sessions, responses, prefix });
    this.#client = client;
  }

  login(context: ExecutionContext): Promise<boolean> {
    return this.#loginGuard.canActivate(context);
  }

  /** Shows a page that asks first: a link on another site may have led here. */
  confirmLogout(context: ExecutionContext): boolean {
    this.responses.deliver(context.switchToHttp().getResponse(), LOGOUT_PAGE_HEADERS);
    return true;
  }

  async logout(context: ExecutionContext): Promise<never> {
    const http = context.switchToHttp();
    const [request, response]: [object, object] = [http.getRequest(), http.getResponse()];
    if (isCrossSiteChange(request)) {
      this.#refuse(context, crossSite());
    }
    return this.#redirect(response, await this.#logout.begin(request, response));
  }

  postLogout(context: ExecutionContext): never {
    const http = context.switchToHttp();
    const [request, response]: [object, object] = [http.getRequest(), http.getResponse()];
    return this.#redirect(response, this.#logout.complete(request, response));
  }

  /** The session guard refuses nobody here, because these routes are open. So this does. */
  async me(context: ExecutionContext): Promise<boolean> {
    await this.#sessionGuard.canActivate(context);
    if (authenticated(callOf(context))?.user !== undefined) {
      return true;
    }
    return this.#refuse(context, await this.#whyNobody(context.switchToHttp().getRequest()));
  }

  async backChannelLogout(context: ExecutionContext): Promise<boolean> {
    const http = context.switchToHttp();
    await this.providerLogout.backChannel(http.getRequest(), http.getResponse());
    return true;
  }

  async frontChannelLogout(context: ExecutionContext): Promise<boolean> {
    const http = context.switchToHttp();
    await this.providerLogout.frontChannel(http.getRequest(), http.getResponse());
    return true;
  }

  /** The page that watches the session at the provider. */
  async checkSession(context: ExecutionContext): Promise<boolean> {
    const http = context.switchToHttp();
    const [request, response]: [object, object] = [http.getRequest(), http.getResponse()];
    const document = await this.#checkSession.answer(request, response);
    if (document === undefined) {
      throw new NotFoundException(`Cannot ${requests.method(request)} ${requests.path(request)}`);
    }
    return this.#send(context, document.headers, document.text);
  }

  async backChannelNotification(context: ExecutionContext): Promise<boolean> {
    const http = context.switchToHttp();
    await takeNotification(this.#client, http.getRequest(), http.getResponse(), this.responses);
    return true;
  }

  /** The public keys of the client (RFC 7517, section 5). */
  keySet(context: ExecutionContext): boolean {
    return this.#send(context, KEY_SET_HEADERS, this.#keySet);
  }

  #send(context: ExecutionContext, headers: readonly ResponseHeader[], text: string): true {
    const response: object = context.switchToHttp().getResponse();
    documents.set(response, () => {
      this.responses.deliver(response, headers);
      this.responses.send(response, text);
    });
    return true;
  }

  /** On an open route the session guard passes over a store that can't be reached. That does not say who is signed in. */
  async #whyNobody(request: unknown): Promise<Refusal> {
    try {
      await this.sessions.read(request);
      return loginRequired();
    } catch (error) {
      if (error instanceof StoreError) {
        return sessionUnavailable(error);
      }
      throw error;
    }
  }

  #redirect(response: object, location: string): never {
    this.responses.setHeader(response, 'Location', location);
    throw new SeeOther();
  }

  #refuse(context: ExecutionContext, refusal: Refusal): never {
    auditFailure('refusal', this.#client, refusal.cause);
    throw refuse(refusal, context.switchToHttp().getResponse(), this.responses);
  }
}
