import { Inject, Injectable, type CanActivate, type ExecutionContext, type Type } from '@nestjs/common';

import { accessRule } from '../nest/access-rule.js';
import type { ResponseHeader } from '../nest/answer.js';
import { admitAnonymous, authenticate } from '../nest/authenticated.js';
import { Authenticates } from '../nest/authenticating-guard.js';
import { namedGuard } from '../nest/named-guard.js';
import { refuse, type Refusal } from '../nest/refusal.js';
import { Responses } from '../nest/responses.js';
import { clientSessionsToken } from '../nest/tokens.js';
import { chain, type Awaitable } from '../values/awaitable.js';
import { ClientSessions } from './client-sessions.js';
import { isCrossSiteChange } from './cross-site.js';
import { crossSite, loginRequired } from './session-refusal.js';

/** Keeps the answer out of caches, because it is for one user. A handler may set its own header. */
const OWN_ANSWER: ResponseHeader = ['Cache-Control', 'private, no-store'];

/**
 * Session guard: requires the session of a login. `request.user` and `@CurrentUser()` are the value that the strategy's
 * `validate` returned. Without a session the answer is 401, never a redirect: the application decides where users sign in.
 *
 * A cross-site request that changes state is refused with 403, whatever its cookies (`Sec-Fetch-Site`). Under `@Public()`
 * no request is refused; the user is set if there is a session.
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
    const { isPublic } = accessRule(context.getHandler(), context.getClass());
    if (isCrossSiteChange(request)) {
      return isPublic ? this.#admit(request) : this.#refuse(request, response, crossSite());
    }
    return chain(this.sessions.find(request, response), ({ session, setCookies }) => {
      this.responses.deliver(response, [['Set-Cookie', [...setCookies, ...this.sessions.beside(request)]]]);
      if (session !== undefined) {
        authenticate(request, { user: session.user });
        this.responses.deliver(response, [OWN_ANSWER]);
        return true;
      }
      return isPublic ? this.#admit(request) : this.#refuse(request, response, loginRequired());
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
