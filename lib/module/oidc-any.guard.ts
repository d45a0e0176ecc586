import { Inject, Injectable, type CanActivate, type ExecutionContext, type Type } from '@nestjs/common';

import { admitNobody } from '../nest/anonymous.js';
import { Authenticates } from '../nest/authenticating-guard.js';
import { httpRequestOf, isOverSocket, requestOf } from '../nest/call.js';
import { namedGuard } from '../nest/named-guard.js';
import * as requests from '../nest/requests.js';
import { Responses } from '../nest/responses.js';
import { anyGuardToken } from '../nest/tokens.js';
import { carriesToken } from '../resource-server/credentials.js';
import { OidcGuard } from '../resource-server/oidc.guard.js';
import type { ResourceServer } from '../resource-server/resource-server.js';
import type { ClientSessions } from '../session/client-sessions.js';
import { OidcSessionGuard } from '../session/oidc-session.guard.js';
import type { Awaitable } from '../values/awaitable.js';

/** What the guard of a client is made of. */
export interface BothRooms {
  readonly resourceServer: ResourceServer | undefined;
  readonly sessions: ClientSessions;
}

/**
 * Guard of routes for both: an access token or a session. A call that carries a token is judged by it alone, as by
 * `OidcGuard`: a bad token is refused, whatever session comes with it. Without a token the session decides, as by
 * `OidcSessionGuard`.
 *
 * Who brings neither gets the answer of one of them: a browser that of the session, any other caller the challenge for a
 * token. Under a session `@AccessToken()` is `undefined`. `@Scopes` are asked of tokens, because a session has none;
 * `@Roles` are asked of both.
 *
 * ```ts
 * @Controller('orders')
 * @UseGuards(OidcAnyGuard)
 * export class OrdersController {
 *   @Get() @Roles('clerk')
 *   list(@AccessToken() token: VerifiedAccessToken | undefined) { return token === undefined ? 'a browser' : 'an API client'; }
 * }
 * ```
 */
@Injectable()
@Authenticates('access token', 'session')
export class OidcAnyGuard implements CanActivate {
  readonly #token: OidcGuard;
  readonly #session: OidcSessionGuard;

  /** @throws {ConfigError} `resourceServer.audience` or `session.secret` is missing */
  constructor(
    @Inject(anyGuardToken()) { resourceServer, sessions }: BothRooms,
    @Inject(Responses) responses: Responses,
  ) {
    this.#token = new OidcGuard(resourceServer, responses);
    this.#session = new OidcSessionGuard(sessions, responses);
  }

  /** The guard of a named client: `@UseGuards(OidcAnyGuard.for('partners'))`. */
  static for<Guard extends OidcAnyGuard>(this: Type<Guard>, name: string): Type<Guard> {
    return namedGuard(this, anyGuardToken, name);
  }

  canActivate(context: ExecutionContext): Awaitable<boolean> {
    if (carriesToken(requestOf(context), context) || !isFromBrowser(context)) {
      return this.#token.canActivate(context);
    }
    // What an earlier message of the same socket found is not this one's.
    admitNobody(context, { user: undefined, token: undefined });
    return this.#session.canActivate(context);
  }
}

/**
 * Whether a browser sends a call. Only browsers send cookies, say where a request comes from (Fetch Metadata Request
 * Headers), want HTML, or open a socket with an `Origin` (RFC 6455, section 10.2).
 */
function isFromBrowser(context: ExecutionContext): boolean {
  const request = httpRequestOf(context);
  const has = (name: string): boolean => requests.header(request, name) !== undefined;
  return (
    request !== undefined &&
    (has('cookie') ||
      has('sec-fetch-site') ||
      (requests.header(request, 'accept') ?? '').includes('text/html') ||
      (isOverSocket(context) && has('origin')))
  );
}
