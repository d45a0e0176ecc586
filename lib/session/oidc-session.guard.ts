import { Inject, Injectable, type CanActivate, type ExecutionContext, type Type } from '@nestjs/common';

import { SessionError } from '../errors/errors.js';
import { accessRule } from '../nest/access-rule.js';
import { PRIVATE_ANSWER, type Answer, type ResponseHeader } from '../nest/answer.js';
import { admitAnonymous, authenticate, recordRefusal } from '../nest/authenticated.js';
import { Authenticates } from '../nest/authenticating-guard.js';
import { namedGuard } from '../nest/named-guard.js';
import { OidcException } from '../nest/oidc.exception.js';
import * as requests from '../nest/requests.js';
import { Responses } from '../nest/responses.js';
import { sessionCookiesToken } from '../nest/tokens.js';
import { SessionCookies } from './session-cookies.js';

/** RFC 9110, section 9.2.1. */
const SAFE_METHODS: readonly string[] = ['GET', 'HEAD', 'OPTIONS', 'TRACE'];

/** RFC 9110, section 15.5.2: a 401 names a scheme. Any that browsers know would make them ask for a password. */
const CHALLENGE: ResponseHeader = ['WWW-Authenticate', 'Cookie realm="session"'];

/** What a session's owner sees is nobody else's; a handler that knows better sets its own. */
const OWN_ANSWER: ResponseHeader = ['Cache-Control', 'private, no-store'];

/**
 * Requires the session that a login started: `request.user` and `@CurrentUser()` are what the strategy's `validate`
 * returned. Without one the answer is 401, never a redirect: where to sign in is the application's to say.
 *
 * A request that changes something and comes from another site is refused with 403, whatever its cookies
 * (`Sec-Fetch-Site`). Under `@Public()` the user is set when there is one, and nobody is refused.
 */
@Injectable()
@Authenticates('session')
export class OidcSessionGuard implements CanActivate {
  constructor(
    @Inject(sessionCookiesToken()) private readonly sessions: SessionCookies,
    @Inject(Responses) private readonly responses: Responses,
  ) {
    // What is missing in the configuration stops the boot.
    sessions.require();
  }

  /** The guard for the sessions of a named client: `@UseGuards(OidcSessionGuard.for('partners'))`. */
  static for<Guard extends OidcSessionGuard>(this: Type<Guard>, name: string): Type<Guard> {
    return namedGuard(this, sessionCookiesToken(name));
  }

  canActivate(context: ExecutionContext): boolean {
    if (context.getType() !== 'http') {
      throw new Error(`OidcSessionGuard does not know contexts of type ${context.getType()}`);
    }
    const http = context.switchToHttp();
    const request: object = http.getRequest();
    const response: object = http.getResponse();
    const { isPublic } = accessRule(context.getHandler(), context.getClass());
    if (this.isForged(request)) {
      return isPublic ? this.admit(request) : this.refuse(request, response, FORGED);
    }
    const { session, setCookies } = this.sessions.find(request);
    this.responses.deliver(response, [['Set-Cookie', [...setCookies, ...this.sessions.beside(request)]]]);
    if (session !== undefined) {
      authenticate(request, { user: session.user });
      this.responses.deliver(response, [OWN_ANSWER]);
      return true;
    }
    return isPublic ? this.admit(request) : this.refuse(request, response, MISSING);
  }

  private isForged(request: object): boolean {
    return (
      requests.header(request, 'sec-fetch-site') === 'cross-site' && !SAFE_METHODS.includes(requests.method(request))
    );
  }

  private admit(request: object): true {
    admitAnonymous(request, { user: undefined });
    return true;
  }

  private refuse(request: object, response: object, refusal: Refusal): never {
    recordRefusal(request, this.responses.remember(response, refusal.headers));
    this.responses.deliver(response, refusal.headers);
    throw new OidcException(refusal.status, refusal, { cause: refusal.cause() });
  }
}

interface Refusal extends Answer {
  readonly headers: readonly ResponseHeader[];
  readonly cause: () => SessionError;
}

const MISSING: Refusal = {
  status: 401,
  headers: [CHALLENGE, ...PRIVATE_ANSWER],
  error: 'login_required',
  error_description: 'Sign in first.',
  cause: () => new SessionError('SESSION_MISSING', 'The request has no session'),
};

const FORGED: Refusal = {
  status: 403,
  headers: PRIVATE_ANSWER,
  error: 'access_denied',
  error_description: 'Another site may not do this in your name.',
  cause: () => new SessionError('CROSS_SITE_REQUEST', 'A cross-site request would change something'),
};
