import { Inject, Injectable, Logger, type CanActivate, type ExecutionContext, type Type } from '@nestjs/common';

import { OidcError } from '../errors/oidc.error.js';
import { authenticate, admitAnonymous } from '../nest/authenticated.js';
import { accessRule, type AccessRule } from '../nest/decorators.js';
import { OidcException } from '../nest/oidc.exception.js';
import { Platform } from '../nest/platform.js';
import { resourceServerToken } from '../nest/tokens.js';
import { bearerToken } from './bearer-token.js';
import { isMisconfiguration, refusalOf } from './refusal.js';
import { ResourceServer } from './resource-server.js';
import type { VerifiedAccessToken } from './verified-access-token.js';

/**
 * Lets a request pass whose access token is good here: active at the server by introspection, of this issuer, for this
 * API, within its time and with the scopes that `@Scopes` names.
 *
 * Anything else ends with `OidcException`: 401, 400 or 403 with a challenge (RFC 6750), 503 when the server is the problem.
 *
 * ```ts
 * @Controller('orders')
 * @UseGuards(OidcGuard)
 * export class OrdersController {
 *   @Get() @Scopes('orders:read')
 *   list(@AccessToken() token: VerifiedAccessToken) { return this.orders.of(token.sub ?? token.client_id); }
 * }
 * ```
 */
@Injectable()
export class OidcGuard implements CanActivate {
  private static readonly named = new Map<string, Type<OidcGuard>>();
  private readonly logger = new Logger(OidcGuard.name);
  private readonly rules = new WeakMap<object, Map<object, AccessRule>>();

  constructor(
    @Inject(resourceServerToken()) protected readonly resourceServer: ResourceServer,
    @Inject(Platform) protected readonly platform: Platform,
  ) {
    resourceServer.requireConfiguration();
  }

  /** The guard of a named client: `@UseGuards(OidcGuard.for('partners'))`. */
  static for(name: string): Type<OidcGuard> {
    const known = this.named.get(name);
    if (known !== undefined) {
      return known;
    }
    @Injectable()
    class NamedOidcGuard extends OidcGuard {
      constructor(
        @Inject(resourceServerToken(name)) resourceServer: ResourceServer,
        @Inject(Platform) platform: Platform,
      ) {
        super(resourceServer, platform);
      }
    }
    this.named.set(name, NamedOidcGuard);
    return NamedOidcGuard;
  }

  canActivate(context: ExecutionContext): true | Promise<true> {
    if (context.getType() !== 'http') {
      throw new Error(`OidcGuard does not protect a context of type ${context.getType()}, so it refuses it.`);
    }
    const http = context.switchToHttp();
    const request: object = http.getRequest();
    const rule = this.ruleOf(context);
    if (rule.isPublic) {
      admitAnonymous(request, { user: undefined, token: undefined });
      return true;
    }
    return this.#admit(request, http.getResponse(), rule);
  }

  async #admit(request: object, response: object, rule: AccessRule): Promise<true> {
    try {
      const token = await this.resourceServer.verify(bearerToken(this.platform, request));
      token.requireScopes(rule.scopes);
      authenticate(request, { token, user: await this.#userOf(token) });
    } catch (error) {
      throw error instanceof OidcError ? this.#refuse(error, response, rule) : error;
    }
    // RFC 9111, section 3.5: what one caller may see is not for a shared cache. A handler's own header wins.
    this.platform.setHeader(response, 'Cache-Control', 'private');
    return true;
  }

  #userOf(token: VerifiedAccessToken): unknown {
    const { validate } = this.resourceServer;
    return validate === undefined ? token : validate(token);
  }

  #refuse(error: OidcError, response: object, rule: AccessRule): OidcException {
    const { status, body, headers } = refusalOf(error, this.resourceServer.realm, rule.scopes);
    this.platform.deliver(response, headers);
    if (status === 503) {
      const level = isMisconfiguration(error) ? 'error' : 'warn';
      this.logger[level](`${error.code}: ${error.message}`);
    }
    return new OidcException(status, body, { cause: error });
  }

  /** Decorators don't change: they are read once for each handler of each class, which may inherit it. */
  private ruleOf(context: ExecutionContext): AccessRule {
    const handler = context.getHandler();
    const controller = context.getClass();
    const rules = this.rules.get(controller) ?? new Map<object, AccessRule>();
    const rule = rules.get(handler) ?? accessRule(handler, controller);
    this.rules.set(controller, rules.set(handler, rule));
    return rule;
  }
}
