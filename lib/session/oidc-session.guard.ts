import { Inject, Injectable, type CanActivate, type ExecutionContext, type Type } from '@nestjs/common';

import { StoreError } from '../errors/errors.js';
import { OidcError } from '../errors/oidc.error.js';
import { auditFailure, type Actor } from '../events/audit.js';
import type { GuardDecision } from '../events/channels.js';
import { accessRule, hasRequiredRole, type AccessRule } from '../nest/access-rule.js';
import { PRIVATE_ANSWER, SeeOther, type ResponseHeader } from '../nest/answer.js';
import { admitNobody } from '../nest/anonymous.js';
import { authenticate } from '../nest/authenticated.js';
import { Authenticates } from '../nest/authenticating-guard.js';
import { callOf, httpRequestOf, isOverSocket, kindOf, requestOf, responseOf } from '../nest/call.js';
import { publishDecision } from '../nest/decision.js';
import { namedGuard } from '../nest/named-guard.js';
import { refuseCall, type Refusal } from '../nest/refusal.js';
import { Responses } from '../nest/responses.js';
import { clientSessionsToken } from '../nest/tokens.js';
import { chain, recover, type Awaitable } from '../values/awaitable.js';
import { ClientSessions } from './client-sessions.js';
import type { AcceptedContent } from './session-content.js';
import { isCrossSiteChange, isCrossSiteSocket } from './cross-site.js';
import { crossSite, loginRequired, roleMissing, sessionUnavailable } from './session-refusal.js';

/** Keeps the answer out of caches, because it is for one user. A handler may set its own header. */
const OWN_ANSWER: ResponseHeader = ['Cache-Control', 'private, no-store'];

/**
 * Session guard: requires the session of a login. `request.user` and `@CurrentUser()` are the value that the strategy's
 * `validate` returned. Without a session the answer is 401. Where `routes` mounts a login, a browser that navigates is sent
 * there and back instead; with `session.silentLogin` once also under `@OptionalAuth()`, and without a page of the provider.
 *
 * A user without a role that `@Roles` requires is refused with 403.
 *
 * A cross-site request that changes state is refused with 403, whatever its cookies (`Sec-Fetch-Site`). While the store of
 * sessions can't be reached the answer is 503, and the browser keeps its cookie. Under `@Public()` and `@OptionalAuth()` the
 * user is set if there is a session, and no request is refused for the lack of one.
 *
 * In GraphQL and behind a WebSocket gateway the session is that of the HTTP request, or of the one that opened the socket. A
 * socket that a page of another site opened counts for nothing. Refusals are exceptions of the call's kind.
 */
@Injectable()
@Authenticates('session')
export class OidcSessionGuard implements CanActivate {
  constructor(
    @Inject(clientSessionsToken()) private readonly sessions: ClientSessions,
    @Inject(Responses) private readonly responses: Responses,
  ) {
    // Missing options stop the boot here.
    sessions.keeperToRead();
  }

  /** The guard for the sessions of a named client: `@UseGuards(OidcSessionGuard.for('partners'))`. */
  static for<Guard extends OidcSessionGuard>(this: Type<Guard>, name: string): Type<Guard> {
    return namedGuard(this, clientSessionsToken(name));
  }

  canActivate(context: ExecutionContext): Awaitable<boolean> {
    const request = httpRequestOf(context);
    const rule = accessRule(context.getHandler(), context.getClass());
    const isOpen = rule.isPublic || rule.isOptional;
    if (request === undefined) {
      return isOpen ? this.#admit(context, rule) : this.#refuse(context, loginRequired());
    }
    const isSocket = isOverSocket(context);
    if (isSocket ? isCrossSiteSocket(request, this.sessions) : isCrossSiteChange(request)) {
      return isOpen ? this.#admit(context, rule) : this.#refuse(context, crossSite());
    }
    const response = isSocket ? undefined : responseOf(context);
    return chain(
      recover(
        () => this.#find(request, response),
        (error) => (error instanceof StoreError ? error : this.#fail(context, error)),
      ),
      (found) => {
        if (found instanceof StoreError) {
          return rule.isPublic ? this.#admit(context, rule) : this.#refuse(context, sessionUnavailable(found));
        }
        const { session, setCookies } = found;
        this.#deliver(response, ['Set-Cookie', setCookies]);
        if (session !== undefined) {
          return this.#authorize(session, rule, context, response);
        }
        if (!rule.isPublic) {
          this.#redirectToLogin(context, request, response, rule);
        }
        if (!isOpen) {
          return this.#refuse(context, loginRequired(this.sessions.loginRedirect.toAskAgain(request)));
        }
        if (setCookies.length > 0) {
          this.#deliver(response, OWN_ANSWER);
        }
        return this.#admit(context, rule);
      },
    );
  }

  #find(request: object, response: object | undefined): ReturnType<ClientSessions['find']> {
    return response === undefined ? this.sessions.look(request) : this.sessions.find(request, response);
  }

  #authorize(
    { user, identity }: AcceptedContent,
    rule: AccessRule,
    context: ExecutionContext,
    response: object | undefined,
  ): Awaitable<boolean> {
    const roles = recover(
      () => (rule.roles.length === 0 ? [] : this.sessions.roles(user)),
      (error) => this.#fail(context, error, identity),
    );
    return chain(roles, (has) => {
      if (!hasRequiredRole(rule, has)) {
        return this.#refuse(context, roleMissing(), identity);
      }
      // First: it takes back the headers of a guard that refused before.
      authenticate(callOf(context), { user }, requestOf(context));
      this.#deliver(response, OWN_ANSWER);
      if (!rule.isPublic) {
        this.#publish(context, 'admitted');
      }
      return true;
    });
  }

  #deliver(response: object | undefined, header: ResponseHeader): void {
    if (response !== undefined) {
      this.responses.deliver(response, [header]);
    }
  }

  /**
   * Sends a browser that navigates to the login, where one is mounted.
   *
   * @throws {SeeOther} it is sent there
   */
  #redirectToLogin(
    context: ExecutionContext,
    request: object,
    response: object | undefined,
    { isOptional }: AccessRule,
  ): void {
    if (response === undefined || kindOf(context) !== 'http') {
      return;
    }
    const { loginRedirect } = this.sessions;
    const login = isOptional ? loginRedirect.toSignInSilently(request) : loginRedirect.toSignIn(request);
    if (login !== undefined) {
      const { location, setCookies } = login;
      this.responses.deliver(response, [...PRIVATE_ANSWER, ['Set-Cookie', setCookies], ['Location', location]]);
      this.#publish(context, 'redirected', 'SESSION_MISSING');
      throw new SeeOther();
    }
  }

  #admit(context: ExecutionContext, { isPublic }: AccessRule): true {
    admitNobody(context, { user: undefined });
    if (!isPublic) {
      this.#publish(context, 'anonymous');
    }
    return true;
  }

  #publish(context: ExecutionContext, outcome: GuardDecision['outcome'], code?: GuardDecision['code']): void {
    publishDecision(this, context, { client_id: this.sessions.client.metadata.client_id, outcome, code });
  }

  /** @throws what a function of the application threw */
  #fail(context: ExecutionContext, error: unknown, actor?: Actor): never {
    auditFailure('refusal', this.sessions.client, error, actor);
    this.#publish(context, 'failed', error instanceof OidcError ? error.code : undefined);
    throw error;
  }

  #refuse(context: ExecutionContext, refusal: Refusal, actor?: Actor): Awaitable<never> {
    const { cause, status } = refusal;
    auditFailure('refusal', this.sessions.client, cause, actor);
    this.#publish(context, status >= 500 ? 'failed' : 'refused', cause?.code);
    return chain(refuseCall(refusal, context, this.responses), (exception) => {
      throw exception;
    });
  }
}
