import { Inject, Injectable, Logger, type CanActivate, type ExecutionContext, type Type } from '@nestjs/common';

import { AccessTokenError } from '../errors/errors.js';
import { OidcError } from '../errors/oidc.error.js';
import { authenticate, admitAnonymous } from '../nest/authenticated.js';
import { authorizationOf, callOf, isHttpRequest, kindOf, requestOf, responseOf } from '../nest/call.js';
import { accessRule, type AccessRule } from '../nest/decorators.js';
import { namedGuard } from '../nest/named-guard.js';
import { Platform } from '../nest/platform.js';
import { resourceServerToken } from '../nest/tokens.js';
import { attemptedSchemes, parseCredentials, presentedToken, type PresentedToken } from './credentials.js';
import { isPromise, type Awaitable } from './awaitable.js';
import { resourceMetadataUrl } from './protected-resource.js';
import { exceptionFor } from './exception.js';
import { isMisconfiguration, refusalOf, type Refusal } from './refusal.js';
import { requireConfiguration, type ResourceServer } from './resource-server.js';
import type { VerifiedAccessToken } from './verified-access-token.js';

const INTERACTION_ID = 'x-fapi-interaction-id';
const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

/** What the steps of one call hand on; nothing of it is waited for unless a step has to. */
interface Call {
  readonly request: object;
  readonly context: ExecutionContext;
  readonly presented: PresentedToken;
}

/**
 * Lets a call pass whose access token is good here: active at the server by introspection, or signed by it, of a trusted
 * issuer, for this API, within its time, sent by whom it is bound to, and with what `@Scopes` and `@StepUp` require.
 *
 * Anything else ends with `OidcException`: 401, 400 or 403 with a challenge (RFC 6750), 503 when the server is the problem.
 * Calls over GraphQL, WebSockets and microservices get the same decision in the exception of their kind.
 *
 * ```ts
 * @Controller('orders')
 * @UseGuards(OidcGuard)
 * export class OrdersController {
 *   @Get() @Scopes('orders:read')
 *   list(@AccessToken() token: VerifiedAccessToken) { return this.orders.of(token.sub ?? token.client_id); }
 * }
 * ```
 *
 * A subclass may change each step: `getRequest`, `extractToken`, `verify`, `authorize`, `handleRefusal`. It injects by
 * property, and refuses with an `AccessTokenError`:
 *
 * ```ts
 * @Injectable()
 * export class MemberGuard extends OidcGuard {
 *   @Inject(Users) private readonly users!: Users;
 *
 *   protected override async authorize(token: VerifiedAccessToken, context: ExecutionContext) {
 *     await super.authorize(token, context);
 *     if (!this.users.knows(token.sub)) throw new AccessTokenError('TOKEN_INACTIVE', 'The user is gone.');
 *   }
 * }
 * ```
 */
@Injectable()
export class OidcGuard implements CanActivate {
  private readonly logger = new Logger(OidcGuard.name);
  protected readonly resourceServer: ResourceServer;
  private readonly resourceMetadata: string | undefined;

  constructor(
    @Inject(resourceServerToken()) resourceServer: ResourceServer | undefined,
    @Inject(Platform) protected readonly platform: Platform,
  ) {
    requireConfiguration(resourceServer);
    this.resourceServer = resourceServer;
    const { resource } = resourceServer.settings;
    this.resourceMetadata = resource && resourceMetadataUrl(resource);
  }

  /** The guard of a named client: `@UseGuards(OidcGuard.for('partners'))`. */
  static for<Guard extends OidcGuard>(this: Type<Guard>, name: string): Type<Guard> {
    return namedGuard(this, resourceServerToken(name));
  }

  canActivate(context: ExecutionContext): true | Promise<true> {
    const kind = kindOf(context);
    if (ruleOf(context).isPublic) {
      // A socket outlives the call: what an earlier message found is not this one's.
      const admit = kind === 'ws' ? authenticate : admitAnonymous;
      admit(callOf(context), { user: undefined, token: undefined });
      return true;
    }
    try {
      const admitted = this.#examine(context);
      return isPromise(admitted) ? admitted.catch((error: unknown) => this.#refuse(error, context)) : admitted;
    } catch (error) {
      return this.#refuse(error, context);
    }
  }

  /** What carries the credentials, and has `user` set on it. */
  protected getRequest(context: ExecutionContext): object {
    return requestOf(context);
  }

  /** @throws {AccessTokenError} `CREDENTIALS_MISSING` or `CREDENTIALS_MALFORMED` */
  protected extractToken(request: object, context: ExecutionContext): PresentedToken {
    const { schemes } = this.resourceServer.senderConstraint;
    return isHttpRequest(context)
      ? presentedToken(this.platform, request, schemes)
      : parseCredentials(authorizationOf(context), schemes);
  }

  /** @throws {OidcError} the token is not good here (`AccessTokenError`), or it can't be told (any other) */
  protected verify(token: PresentedToken, request: object, context: ExecutionContext): Awaitable<VerifiedAccessToken> {
    const presentation = { token, request: isHttpRequest(context) ? request : undefined };
    return this.resourceServer.verify(presentation, ruleOf(context));
  }

  /** What the route requires of a token that is good. @throws {AccessTokenError} */
  protected authorize(token: VerifiedAccessToken, context: ExecutionContext): Awaitable<void> {
    const { scopes, stepUp } = ruleOf(context);
    token.requireScopes(scopes);
    if (stepUp !== undefined) {
      token.requireAuthentication(stepUp, this.resourceServer.client.clock);
    }
  }

  /** What is thrown instead of letting the call pass. On HTTP, the headers are set here. */
  protected handleRefusal(error: OidcError, context: ExecutionContext): Awaitable<Error> {
    const refusal = this.refusalOf(error, context);
    const response = responseOf(context);
    if (response !== undefined) {
      this.echo(requestOf(context), response);
      this.platform.deliver(response, refusal.headers);
      this.platform.expose(
        response,
        refusal.headers.map(([name]) => name),
      );
    }
    return exceptionFor(kindOf(context), refusal, error);
  }

  /** FAPI 1.0 Baseline, section 6.2.1: by it client and API find the same call in their logs. */
  private echo(request: object, response: object): void {
    const id = this.platform.header(request, INTERACTION_ID);
    if (id !== undefined && UUID.test(id)) {
      this.platform.setHeader(response, INTERACTION_ID, id);
    }
  }

  private refusalOf(error: OidcError, context: ExecutionContext): Refusal {
    const { realm, senderConstraint: senders } = this.resourceServer;
    return refusalOf(error, {
      realm,
      rule: ruleOf(context),
      offered: senders.offered,
      attempted: attemptedSchemes(this.authorizations(context), senders.schemes),
      algorithms: senders.algorithms,
      resourceMetadata: this.resourceMetadata,
      nonce: error.code === 'DPOP_NONCE_REQUIRED' ? senders.nonce() : undefined,
    });
  }

  private authorizations(context: ExecutionContext): readonly (string | undefined)[] {
    if (!isHttpRequest(context)) {
      return [authorizationOf(context)];
    }
    const request = this.getRequest(context);
    const lines = this.platform.headerLines(request, 'authorization');
    return [this.platform.header(request, 'authorization'), ...lines];
  }

  #examine(context: ExecutionContext): Awaitable<true> {
    const request = this.getRequest(context);
    const call = { request, context, presented: this.extractToken(request, context) };
    const token = this.verify(call.presented, request, context);
    return isPromise(token) ? token.then((later) => this.#require(later, call)) : this.#require(token, call);
  }

  #require(token: VerifiedAccessToken, call: Call): Awaitable<true> {
    const authorized = this.authorize(token, call.context);
    return isPromise(authorized) ? authorized.then(() => this.#identify(token, call)) : this.#identify(token, call);
  }

  #identify(token: VerifiedAccessToken, call: Call): Awaitable<true> {
    const { validate } = this.resourceServer;
    const user: unknown = validate === undefined ? token : validate(token);
    return isPromise(user) ? user.then((later) => this.#admit(token, later, call)) : this.#admit(token, user, call);
  }

  #admit(token: VerifiedAccessToken, user: unknown, { request, context, presented }: Call): true {
    authenticate(callOf(context), { token, user }, request);
    const response = responseOf(context);
    if (response !== undefined) {
      this.echo(request, response);
      // RFC 9111, section 3.5: what one caller may see is not for a shared cache. What the application says wins.
      this.platform.setDefault(response, 'Cache-Control', 'private');
      const nonce = presented.scheme === 'DPoP' ? this.resourceServer.senderConstraint.nonce() : undefined;
      if (nonce !== undefined) {
        this.platform.setHeader(response, 'DPoP-Nonce', nonce);
        this.platform.expose(response, ['DPoP-Nonce']);
      }
    }
    return true;
  }

  #refuse(error: unknown, context: ExecutionContext): Promise<never> {
    if (!(error instanceof OidcError)) {
      throw error;
    }
    if (!(error instanceof AccessTokenError)) {
      this.logger[isMisconfiguration(error) ? 'error' : 'warn'](`${error.code}: ${error.message}`);
    }
    const exception = this.handleRefusal(error, context);
    if (isPromise(exception)) {
      return exception.then((thrown) => {
        throw thrown;
      });
    }
    throw exception;
  }
}

function ruleOf(context: ExecutionContext): AccessRule {
  return accessRule(context.getHandler(), context.getClass());
}
