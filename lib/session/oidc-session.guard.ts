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
import { ClientSessions, type AcceptedSession } from './client-sessions.js';
import type { AcceptedContent } from './session-content.js';
import { isCrossSiteChange, isForeignSocket } from './cross-site.js';
import { crossSite, loginRequired, roleMissing, sessionUnavailable } from './session-refusal.js';

/** Keeps the answer out of caches, because it is for one user. A handler may set its own header. */
const OWN_ANSWER: ResponseHeader = ['Cache-Control', 'private, no-store'];

/** A call whose session is looked for. */
interface SessionCall {
  readonly context: ExecutionContext;
  readonly rule: AccessRule;
  /** The HTTP request with the session's cookies. */
  readonly request: object;
  /** Undefined: there is none, as behind a socket, so that no cookies can be set. */
  readonly response: object | undefined;
}

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
 * socket that a page of a host not the application's own opened counts for nothing. Refusals are exceptions of the call's kind.
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
    return namedGuard(this, clientSessionsToken, name);
  }

  canActivate(context: ExecutionContext): Awaitable<boolean> {
    const request = httpRequestOf(context);
    const rule = accessRule(context.getHandler(), context.getClass());
    if (request === undefined) {
      return this.#refuseUnlessOpen(context, rule, () => loginRequired());
    }
    const isSocket = isOverSocket(context);
    if (isSocket ? isForeignSocket(request, this.sessions) : isCrossSiteChange(request)) {
      return this.#refuseUnlessOpen(context, rule, crossSite);
    }
    const call: SessionCall = { context, rule, request, response: isSocket ? undefined : responseOf(context) };
    return chain(this.#find(call), (found) => {
      if (found instanceof StoreError) {
        return rule.isPublic ? this.#admit(context, rule) : this.#refuse(context, sessionUnavailable(found));
      }
      this.#deliver(call, ['Set-Cookie', found.setCookies]);
      return found.session === undefined ? this.#withoutSession(call, found) : this.#authorize(call, found.session);
    });
  }

  /** The session of a call, or why the store does not say it. */
  #find({ context, request, response }: SessionCall): Awaitable<AcceptedSession | StoreError> {
    return recover(
      () => (response === undefined ? this.sessions.look(request) : this.sessions.find(request, response)),
      (error) => (error instanceof StoreError ? error : this.#fail(context, error)),
    );
  }

  #authorize(call: SessionCall, { user, identity }: AcceptedContent): Awaitable<boolean> {
    const { context, rule } = call;
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
      this.#deliver(call, OWN_ANSWER);
      if (!rule.isPublic) {
        this.#publish(context, 'admitted');
      }
      return true;
    });
  }

  /** Sends a browser without a session to the login; any other call is refused, unless its route is open. */
  #withoutSession(call: SessionCall, { setCookies }: AcceptedSession): Awaitable<boolean> {
    const { context, rule, request } = call;
    this.#redirectToLogin(call);
    if (isOpen(rule) && setCookies.length > 0) {
      this.#deliver(call, OWN_ANSWER);
    }
    return this.#refuseUnlessOpen(context, rule, () => loginRequired(this.sessions.loginRedirect.toAskAgain(request)));
  }

  /**
   * Sends a browser that navigates to the login, where one is mounted.
   *
   * @throws {SeeOther} it is sent there
   */
  #redirectToLogin({ context, rule, request, response }: SessionCall): void {
    if (rule.isPublic || response === undefined || kindOf(context) !== 'http') {
      return;
    }
    const { loginRedirect } = this.sessions;
    const login = rule.isOptional ? loginRedirect.toSignInSilently(request) : loginRedirect.toSignIn(request);
    if (login !== undefined) {
      const { location, setCookies } = login;
      this.responses.deliver(response, [...PRIVATE_ANSWER, ['Set-Cookie', setCookies], ['Location', location]]);
      this.#publish(context, 'redirected', 'SESSION_MISSING');
      throw new SeeOther();
    }
  }

  #deliver({ response }: SessionCall, header: ResponseHeader): void {
    if (response !== undefined) {
      this.responses.deliver(response, [header]);
    }
  }

  #refuseUnlessOpen(context: ExecutionContext, rule: AccessRule, refusal: () => Refusal): Awaitable<boolean> {
    return isOpen(rule) ? this.#admit(context, rule) : this.#refuse(context, refusal());
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

function isOpen({ isPublic, isOptional }: AccessRule): boolean {
  return isPublic || isOptional;
}
