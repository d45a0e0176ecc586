import { Inject, Injectable, type CanActivate, type ExecutionContext, type Type } from '@nestjs/common';

import { AccessTokenError } from '../errors/errors.js';
import { OidcError } from '../errors/oidc.error.js';
import { auditFailure } from '../events/audit.js';
import { audits, decisions, type GuardDecision } from '../events/channels.js';
import { accessRule, hasRequiredRole, type AccessRule } from '../nest/access-rule.js';
import { admitNobody } from '../nest/anonymous.js';
import { authenticate } from '../nest/authenticated.js';
import { Authenticates } from '../nest/authenticating-guard.js';
import { authorizationOf, callOf, isHttpRequest, kindOf, requestOf, responseOf } from '../nest/call.js';
import { publishDecision } from '../nest/decision.js';
import { namedGuard } from '../nest/named-guard.js';
import { refuseCall } from '../nest/refusal.js';
import * as requests from '../nest/requests.js';
import { Responses } from '../nest/responses.js';
import { resourceServerToken } from '../nest/tokens.js';
import { chain, isPromise, recover, type Awaitable } from '../values/awaitable.js';
import {
  attemptedSchemes,
  authorizationsOf,
  carriesToken,
  isMissing,
  parseCredentials,
  presentedToken,
  requireToken,
  type PresentedToken,
} from './credentials.js';
import { resourceMetadataUrl } from './protected-resource.js';
import { requireConfiguration, type ResourceServer } from './resource-server.js';
import { tokenRefusal, type ChallengeFacts } from './token-refusal.js';
import type { VerifiedAccessToken } from '../tokens/verified-access-token.js';

const INTERACTION_ID = 'x-fapi-interaction-id';
const NOBODY = { user: undefined, token: undefined } as const;
const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

/**
 * Guard of an API: requires a valid access token. The token is active by introspection or has a valid signature. It is
 * from a trusted issuer, names this API as audience and is not expired. The client that it is bound to sent it. It has
 * the scopes and the login strength that `@Scopes` and `@StepUp` require.
 *
 * Any other call is refused with `OidcException`: 401, 400 or 403 with a challenge (RFC 6750), or 503 when the server can't
 * be asked. GraphQL, WebSockets and microservices get the exception of their own kind.
 *
 * ```ts
 * @Controller('orders')
 * @UseGuards(OidcGuard)
 * export class OrdersController {
 *   @Get() @Scopes('orders:read')
 *   list(@AccessToken() token: VerifiedAccessToken) { return { user: token.sub, client: token.client_id }; }
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
 *     if (!this.users.bySubject(token.sub ?? '')) throw new AccessTokenError('TOKEN_INACTIVE', 'The user is gone.');
 *   }
 * }
 * ```
 */
@Injectable()
@Authenticates('access token')
export class OidcGuard implements CanActivate {
  /** Reads requests of both adapters, for example `this.platform.cookies(request)`. */
  protected readonly platform = requests;
  readonly #server: ResourceServer;
  readonly #responses: Responses;
  readonly #resourceMetadata: string | undefined;
  readonly #refused = new WeakMap<ExecutionContext, VerifiedAccessToken>();

  constructor(
    @Inject(resourceServerToken()) resourceServer: ResourceServer | undefined,
    @Inject(Responses) responses: Responses,
  ) {
    requireConfiguration(resourceServer);
    this.#server = resourceServer;
    this.#responses = responses;
    const { resource } = resourceServer.settings;
    this.#resourceMetadata = resource && resourceMetadataUrl(resource);
  }

  /** The guard of a named client: `@UseGuards(OidcGuard.for('partners'))`. */
  static for<Guard extends OidcGuard>(this: Type<Guard>, name: string): Type<Guard> {
    return namedGuard(this, resourceServerToken, name);
  }

  canActivate(context: ExecutionContext): true | Promise<true> {
    // Refuses an unknown kind of call, open or not.
    kindOf(context);
    if (ruleOf(context).isPublic) {
      admitNobody(context, NOBODY);
      return true;
    }
    try {
      const admitted = this.#examine(context);
      return isPromise(admitted) ? admitted.catch((error: unknown) => this.#refuse(error, context)) : admitted;
    } catch (error) {
      return this.#refuse(error, context);
    }
  }

  /** The request with the credentials. Its `user` is set when the call passes. */
  protected getRequest(context: ExecutionContext): object {
    return requestOf(context);
  }

  /** Reads the access token. @throws {AccessTokenError} `CREDENTIALS_MISSING` or `CREDENTIALS_MALFORMED` */
  protected extractToken(request: object, context: ExecutionContext): PresentedToken {
    const { schemes } = this.#server.senderConstraint;
    return isHttpRequest(context)
      ? presentedToken(request, schemes)
      : parseCredentials(authorizationOf(context), schemes);
  }

  /** Verifies the access token. @throws {OidcError} refused (`AccessTokenError`), or impossible to verify (any other) */
  protected verify(token: PresentedToken, request: object, context: ExecutionContext): Awaitable<VerifiedAccessToken> {
    const presentation = { token, request: isHttpRequest(context) ? request : undefined };
    return this.#server.verify(presentation, ruleOf(context));
  }

  /** Checks the scopes, the roles and the login that the route requires. @throws {AccessTokenError} */
  protected authorize(token: VerifiedAccessToken, context: ExecutionContext): Awaitable<void> {
    const rule = ruleOf(context);
    const { scopes, roles, stepUp } = rule;
    token.requireScopes(scopes);
    if (roles.length > 0 && !hasRequiredRole(rule, token.roles)) {
      const facts = { roles: token.roles, wanted: roles };
      throw new AccessTokenError('ROLE_MISSING', 'The token has no role that is required.', { facts });
    }
    if (stepUp !== undefined) {
      token.requireAuthentication(stepUp, this.#server.clock);
    }
  }

  /**
   * The exception for a refused call. On HTTP it also sets the headers. They are removed if another guard admits the
   * call after all.
   */
  protected handleRefusal(error: OidcError, context: ExecutionContext): Awaitable<Error> {
    const request = this.getRequest(context);
    const response = responseOf(context);
    const refusal = tokenRefusal(error, this.#factsFor(error, request, context));
    const exception = refuseCall(refusal, context, this.#responses);
    if (response !== undefined) {
      this.#echo(request, response);
      this.#responses.expose(
        response,
        refusal.headers.map(([name]) => name),
      );
    }
    return exception;
  }

  /** Runs the steps in order. A step that returns at once is not awaited: a promise costs more than the step. */
  #examine(context: ExecutionContext): Awaitable<true> {
    const request = this.getRequest(context);
    const presented = this.#presented(request, context);
    if (presented === undefined) {
      return this.#admitNobody(context);
    }
    return chain(this.verify(presented, request, context), (token) =>
      chain(this.#authorized(token, context), () =>
        chain(this.#userOf(token), (user) => {
          authenticate(callOf(context), { token, user }, request);
          return this.#admit(presented, request, context);
        }),
      ),
    );
  }

  /** Remembers whose token is refused, where an audit asks for it. */
  #authorized(token: VerifiedAccessToken, context: ExecutionContext): Awaitable<void> {
    if (!audits.hasSubscribers) {
      return this.authorize(token, context);
    }
    return recover(
      () => this.authorize(token, context),
      (error) => {
        this.#refused.set(context, token);
        throw error;
      },
    );
  }

  /** The access token; undefined where a caller without one passes. */
  #presented(request: object, context: ExecutionContext): PresentedToken | undefined {
    try {
      return requireToken(this.extractToken(request, context));
    } catch (error) {
      if (ruleOf(context).isOptional && isMissing(error) && !carriesToken(request, context)) {
        return undefined;
      }
      throw error;
    }
  }

  #admitNobody(context: ExecutionContext): true {
    const response = responseOf(context);
    if (response !== undefined) {
      // Others get another answer at the same address.
      this.#responses.setDefault(response, 'Cache-Control', 'private');
    }
    admitNobody(context, NOBODY);
    this.#publish(context, 'anonymous');
    return true;
  }

  /** The user: the token, or what `resourceServer.validate` makes of it. */
  #userOf(token: VerifiedAccessToken): unknown {
    const { validate } = this.#server;
    return validate === undefined ? token : validate(token);
  }

  #admit({ scheme }: PresentedToken, request: object, context: ExecutionContext): true {
    const response = responseOf(context);
    if (response !== undefined) {
      this.#echo(request, response);
      // Shared caches must not store it (RFC 9111, section 3.5). The application's own header wins.
      this.#responses.setDefault(response, 'Cache-Control', 'private');
      const nonce = scheme === 'DPoP' ? this.#server.senderConstraint.nonce() : undefined;
      if (nonce !== undefined) {
        this.#responses.setHeader(response, 'DPoP-Nonce', nonce);
        this.#responses.expose(response, ['DPoP-Nonce']);
      }
    }
    if (decisions.hasSubscribers) {
      this.#publish(context, 'admitted');
    }
    return true;
  }

  #refuse(error: unknown, context: ExecutionContext): Promise<never> {
    const { server, operator } = this.#server;
    const isRefused = error instanceof AccessTokenError;
    auditFailure(
      'refusal',
      { issuer: server.issuer, metadata: server.client.metadata },
      error,
      this.#refused.get(context),
    );
    this.#publish(context, isRefused ? 'refused' : 'failed', error instanceof OidcError ? error.code : undefined);
    if (!(error instanceof OidcError)) {
      throw error;
    }
    operator.report({ kind: 'call-refused', error, guard: this.constructor.name, call: kindOf(context) });
    return chain(this.handleRefusal(error, context), (exception) => {
      throw exception;
    });
  }

  #publish(context: ExecutionContext, outcome: GuardDecision['outcome'], code?: GuardDecision['code']): void {
    const { client_id } = this.#server.server.client.metadata;
    publishDecision(this, context, { client_id, outcome, code });
  }

  /** Echoes the interaction ID, so that client and API can match their logs (FAPI 1.0 Baseline, section 6.2.1). */
  #echo(request: object, response: object): void {
    const id = requests.header(request, INTERACTION_ID);
    if (id !== undefined && UUID.test(id)) {
      this.#responses.setHeader(response, INTERACTION_ID, id);
    }
  }

  #factsFor(error: OidcError, request: object, context: ExecutionContext): ChallengeFacts {
    const { realm, senderConstraint: senders } = this.#server;
    return {
      realm,
      rule: ruleOf(context),
      offered: senders.offered,
      attempted: attemptedSchemes(authorizationsOf(request, context), senders.schemes),
      algorithms: senders.algorithms,
      resourceMetadata: this.#resourceMetadata,
      nonce: error.code === 'DPOP_NONCE_REQUIRED' ? senders.nonce() : undefined,
    };
  }
}

function ruleOf(context: ExecutionContext): AccessRule {
  return accessRule(context.getHandler(), context.getClass());
}
