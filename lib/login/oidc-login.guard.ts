import { Inject, Injectable, type CanActivate, type ExecutionContext, type Type } from '@nestjs/common';

import { SeeOther } from '../nest/answer.js';
import { LogsIn } from '../nest/authenticating-guard.js';
import { namedGuard } from '../nest/named-guard.js';
import { strategyToken } from '../nest/tokens.js';
import type { Awaitable } from '../values/awaitable.js';
import { answerWith } from './ending.js';
import { OidcStrategy } from './oidc.strategy.js';

/**
 * Login guard: logs a user in. It answers its routes itself, so their handlers never run. A route at the path of a
 * registered redirect URI is the callback; any other route begins a login. At the path of a registered `initiate_login_uri` that
 * is the login which another site asks for (OpenID Connect Core 1.0, section 4), by `GET` or `POST`. Its routes are open for a global `OidcGuard` or
 * `OidcSessionGuard`. The boot stops where no route answers a redirect URI that logins use.
 *
 * ```ts
 * @Controller('auth')
 * @UseGuards(OidcLoginGuard)
 * export class AuthController {
 *   @Get('login') login() {}        // 303 to the provider; ?returnTo=/a/path says where to go afterwards
 *   @Get('callback') callback() {}  // the session, and 303 to that path
 * }
 * ```
 *
 * A subclass adds authorization parameters to one login with {@link parameters}.
 *
 * A failed login ends with `OidcException`: 400 the response belongs to no login of this browser, 403 the login was refused,
 * 502, 503 or 504 the provider failed. An exception filter can make a page of it.
 */
@Injectable()
@LogsIn()
export class OidcLoginGuard implements CanActivate {
  constructor(@Inject(strategyToken()) private readonly strategy: OidcStrategy) {
    OidcStrategy.loginOf(strategy).require();
  }

  /** The guard of a named client: `@UseGuards(OidcLoginGuard.for('partners'))`. */
  static for<Guard extends OidcLoginGuard>(this: Type<Guard>, name: string): Type<Guard> {
    return namedGuard(this, strategyToken, name);
  }

  async canActivate(context: ExecutionContext): Promise<never> {
    if (context.getType() !== 'http') {
      throw new Error(`OidcLoginGuard does not know contexts of type ${context.getType()}`);
    }
    const http = context.switchToHttp();
    const response: object = http.getResponse();
    const { responses } = OidcStrategy.loginOf(this.strategy);
    const parameters = () => this.parameters(context);
    const ending = await this.strategy.attempt(http.getRequest(), { startsSession: true, parameters });
    const success = await answerWith(ending, response, responses);
    responses.setHeader(response, 'Location', success.kind === 'user' ? success.returnTo : success.location);
    throw new SeeOther();
  }

  /**
   * Authorization parameters of a login that begins, such as `login_hint`; undefined ones are left out. They stand above
   * those of the query (`login.allow`) and of `login.parameters`. Parameters of the protocol are refused. Default none.
   *
   * ```ts
   * class TenantLoginGuard extends OidcLoginGuard {
   *   protected override parameters(context: ExecutionContext) {
   *     const { hostname } = context.switchToHttp().getRequest<{ hostname: string }>();
   *     return { organization: hostname.split('.')[0] };
   *   }
   * }
   * ```
   */
  protected parameters(context: ExecutionContext): Awaitable<Readonly<Record<string, string | undefined>>>;
  protected parameters(): Awaitable<Readonly<Record<string, string | undefined>>> {
    return {};
  }
}
