import { Inject, Injectable, type CanActivate, type ExecutionContext, type Type } from '@nestjs/common';

import { StoreError } from '../errors/errors.js';
import { accessRule, hasRequiredRole, type AccessRule } from '../nest/access-rule.js';
import type { ResponseHeader } from '../nest/answer.js';
import { admitAnonymous, authenticate } from '../nest/authenticated.js';
import { Authenticates } from '../nest/authenticating-guard.js';
import { namedGuard } from '../nest/named-guard.js';
import { refuse, type Refusal } from '../nest/refusal.js';
import { Responses } from '../nest/responses.js';
import { clientSessionsToken } from '../nest/tokens.js';
import { chain, recover, type Awaitable } from '../values/awaitable.js';
import { ClientSessions } from './client-sessions.js';
import { isCrossSiteChange } from './cross-site.js';
import { crossSite, loginRequired, roleMissing, sessionUnavailable } from './session-refusal.js';
import type { SessionContent } from './session-content.js';

/** Keeps the answer out of caches, because it is for one user. A handler may set its own header. */
const OWN_ANSWER: ResponseHeader = ['Cache-Control', 'private, no-store'];

/**
 * Session guard: requires the session of a login. `request.user` and `@CurrentUser()` are the value that the strategy's
 * `validate` returned. Without a session the answer is 401, never a redirect: the application decides where users sign in.
 * A user without a role that `@Roles` requires is refused with 403.
 *
 * A cross-site request that changes state is refused with 403, whatever its cookies (`Sec-Fetch-Site`). While the store of
 * sessions can't be reached the answer is 503, and the browser keeps its cookie. Under `@Public()` and `@OptionalAuth()` the
 * user is set if there is a session, and no request is refused for the lack of one.
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
    if (context.getType() !== 'http') {
      throw new Error(`OidcSessionGuard does not know contexts of type ${context.getType()}`);
    }
    const http = context.switchToHttp();
    const request: object = http.getRequest();
    const response: object = http.getResponse();
    const rule = accessRule(context.getHandler(), context.getClass());
    const isOpen = rule.isPublic || rule.isOptional;
    if (isCrossSiteChange(request)) {
      return isOpen ? this.#admit(request) : this.#refuse(request, response, crossSite());
    }
    return chain(
      recover(() => this.sessions.find(request, response), storeErrorOf),
      (found) => {
        if (found instanceof StoreError) {
          return rule.isPublic ? this.#admit(request) : this.#refuse(request, response, sessionUnavailable(found));
        }
        const { session } = found;
        const setCookies = [...found.setCookies, ...this.sessions.beside(request)];
        this.responses.deliver(response, [['Set-Cookie', setCookies]]);
        if (session === undefined && !isOpen) {
          return this.#refuse(request, response, loginRequired());
        }
        if (session !== undefined || setCookies.length > 0) {
          this.responses.deliver(response, [OWN_ANSWER]);
        }
        return session === undefined ? this.#admit(request) : this.#authorize(session, rule, request, response);
      },
    );
  }

  #authorize({ user }: SessionContent<unknown>, rule: AccessRule, request: object, response: object): Awaitable<true> {
    const roles = rule.roles.length === 0 ? [] : this.sessions.roles(user);
    return chain(roles, (has) => {
      if (!hasRequiredRole(rule, has)) {
        return this.#refuse(request, response, roleMissing());
      }
      authenticate(request, { user });
      return true;
    });
  }

  #admit(request: object): true {
    admitAnonymous(request, { user: undefined });
    return true;
  }

  #refuse(request: object, response: object, refusal: Refusal): never {
    throw refuse(refusal, { kind: 'http', response, call: request }, this.responses);
  }
}

/** A store that can't be reached is a result too; any other error is thrown. */
function storeErrorOf(error: unknown): StoreError {
  if (error instanceof StoreError) {
    return error;
  }
  throw error;
}
