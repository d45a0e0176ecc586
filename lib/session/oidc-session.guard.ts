import { Inject, Injectable, type CanActivate, type ExecutionContext, type Type } from '@nestjs/common';

import { accessRule } from '../nest/access-rule.js';
import type { ResponseHeader } from '../nest/answer.js';
import { admitAnonymous, authenticate } from '../nest/authenticated.js';
import { Authenticates } from '../nest/authenticating-guard.js';
import { namedGuard } from '../nest/named-guard.js';
import { refuse, type Refusal } from '../nest/refusal.js';
import * as requests from '../nest/requests.js';
import { Responses } from '../nest/responses.js';
import { clientSessionsToken } from '../nest/tokens.js';
import { chain, type Awaitable } from '../values/awaitable.js';
import { ClientSessions } from './client-sessions.js';
import { crossSite, loginRequired } from './session-refusal.js';
import type { SessionKeeper } from './session.port.js';

/** RFC 9110, section 9.2.1. */
const SAFE_METHODS: readonly string[] = ['GET', 'HEAD', 'OPTIONS', 'TRACE'];

/** What a session's owner sees is nobody else's; a handler that knows better sets its own. */
const OWN_ANSWER: ResponseHeader = ['Cache-Control', 'private, no-store'];

/**
 * Session guard: requires the session that a login started. `request.user` and `@CurrentUser()` are what the strategy's
 * `validate` returned. Without one the answer is 401, never a redirect: where to sign in is the application's to say.
 *
 * A request that changes something and comes from another site is refused with 403, whatever its cookies
 * (`Sec-Fetch-Site`). Under `@Public()` the user is set when there is one, and nobody is refused.
 */
@Injectable()
@Authenticates('session')
export class OidcSessionGuard implements CanActivate {
  private readonly keeper: SessionKeeper;

  constructor(
    @Inject(clientSessionsToken()) private readonly sessions: ClientSessions,
    @Inject(Responses) private readonly responses: Responses,
  ) {
    // What is missing in the configuration stops the boot.
    this.keeper = sessions.keeperToRead();
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
    if (this.#isForged(request)) {
      return isPublic ? this.#admit(request) : this.#refuse(request, response, crossSite());
    }
    return chain(this.keeper.find(request), ({ session, setCookies }) => {
      this.responses.deliver(response, [['Set-Cookie', [...setCookies, ...this.sessions.beside(request)]]]);
      if (session !== undefined) {
        authenticate(request, { user: session.user });
        this.responses.deliver(response, [OWN_ANSWER]);
        return true;
      }
      return isPublic ? this.#admit(request) : this.#refuse(request, response, loginRequired());
    });
  }

  #isForged(request: object): boolean {
    return (
      requests.header(request, 'sec-fetch-site') === 'cross-site' && !SAFE_METHODS.includes(requests.method(request))
    );
  }

  #admit(request: object): true {
    admitAnonymous(request, { user: undefined });
    return true;
  }

  #refuse(request: object, response: object, refusal: Refusal): never {
    throw refuse(refusal, { kind: 'http', response, call: request }, this.responses);
  }
}
