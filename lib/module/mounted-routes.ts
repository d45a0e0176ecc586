import {
  Controller,
  Get,
  HttpCode,
  Injectable,
  Post,
  UseGuards,
  VERSION_NEUTRAL,
  type CanActivate,
  type ExecutionContext,
  type Provider,
  type Type,
} from '@nestjs/common';

import type { OidcClient } from '../client/oidc-client.js';
import { StoreError } from '../errors/errors.js';
import type { LoginSettings } from '../login/login.options.js';
import { OidcLoginGuard } from '../login/oidc-login.guard.js';
import type { OidcStrategy } from '../login/oidc.strategy.js';
import { cutPrefixOf } from '../login/relocation.js';
import { SeeOther } from '../nest/answer.js';
import { authenticated } from '../nest/authenticated.js';
import { LogsIn } from '../nest/authenticating-guard.js';
import { callOf } from '../nest/call.js';
import { MappedRoutes } from '../nest/mapped-routes.js';
import { namedGuard } from '../nest/named-guard.js';
import { CurrentUser } from '../nest/parameter-decorators.js';
import { refuse, type Refusal } from '../nest/refusal.js';
import { Responses } from '../nest/responses.js';
import {
  clientSessionsToken,
  clientToken,
  logoutToken,
  optionsToken,
  routesToken,
  sessionToken,
  strategyToken,
} from '../nest/tokens.js';
import type { ClientSessions } from '../session/client-sessions.js';
import type { LoginUrl } from '../session/login-redirect.js';
import { isCrossSiteChange } from '../session/cross-site.js';
import type { OidcLogout } from '../session/logout/provider-logout.js';
import { RpInitiatedLogout } from '../session/logout/rp-initiated-logout.js';
import type { OidcSession } from '../session/oidc-session.js';
import { OidcSessionGuard } from '../session/oidc-session.guard.js';
import { crossSite, loginRequired, sessionUnavailable } from '../session/session-refusal.js';
import { LOGOUT_PAGE, LOGOUT_PAGE_HEADERS } from './logout-page.js';
import { MountedRoutesCheck } from './mounted-routes-check.js';
import type { ParsedOptions } from './oidc.options.js';
import type { RouteName, RoutesSettings } from './routes.options.js';

/** Answers the mounted routes of one client. */
class MountedRoutes {
  readonly #loginGuard: OidcLoginGuard;
  readonly #sessionGuard: OidcSessionGuard;
  readonly #logout: RpInitiatedLogout;

  /** @throws {ConfigError} no login or no session is possible with this configuration */
  constructor(
    private readonly responses: Responses,
    strategy: OidcStrategy,
    client: OidcClient,
    session: OidcSession,
    private readonly sessions: ClientSessions,
    private readonly providerLogout: OidcLogout,
    fallback: string,
  ) {
    this.#loginGuard = new OidcLoginGuard(strategy);
    this.#sessionGuard = new OidcSessionGuard(sessions, responses);
    this.#logout = new RpInitiatedLogout(session, client, responses, fallback);
  }

  login(context: ExecutionContext): Promise<boolean> {
    return this.#loginGuard.canActivate(context);
  }

  /** Shows a page that asks first: a link on another site may have led here. */
  confirmLogout(context: ExecutionContext): boolean {
    this.responses.deliver(context.switchToHttp().getResponse(), LOGOUT_PAGE_HEADERS);
    return true;
  }

  async logout(context: ExecutionContext): Promise<never> {
    const http = context.switchToHttp();
    const [request, response]: [object, object] = [http.getRequest(), http.getResponse()];
    if (isCrossSiteChange(request)) {
      this.#refuse(context, crossSite());
    }
    return this.#redirect(response, await this.#logout.begin(request, response));
  }

  postLogout(context: ExecutionContext): never {
    const http = context.switchToHttp();
    const [request, response]: [object, object] = [http.getRequest(), http.getResponse()];
    return this.#redirect(response, this.#logout.complete(request, response));
  }

  /** The session guard refuses nobody here, because these routes are open. So this does. */
  async me(context: ExecutionContext): Promise<boolean> {
    await this.#sessionGuard.canActivate(context);
    if (authenticated(callOf(context))?.user !== undefined) {
      return true;
    }
    return this.#refuse(context, await this.#whyNobody(context.switchToHttp().getRequest()));
  }

  async backChannelLogout(context: ExecutionContext): Promise<boolean> {
    const http = context.switchToHttp();
    await this.providerLogout.backChannel(http.getRequest(), http.getResponse());
    return true;
  }

  async frontChannelLogout(context: ExecutionContext): Promise<boolean> {
    const http = context.switchToHttp();
    await this.providerLogout.frontChannel(http.getRequest(), http.getResponse());
    return true;
  }

  /** On an open route the session guard passes over a store that can't be reached. That does not say who is signed in. */
  async #whyNobody(request: unknown): Promise<Refusal> {
    try {
      await this.sessions.read(request);
      return loginRequired();
    } catch (error) {
      if (error instanceof StoreError) {
        return sessionUnavailable(error);
      }
      throw error;
    }
  }

  #redirect(response: object, location: string): never {
    this.responses.setHeader(response, 'Location', location);
    throw new SeeOther();
  }

  #refuse(context: ExecutionContext, refusal: Refusal): never {
    throw refuse(refusal, { kind: 'http', response: context.switchToHttp().getResponse() }, this.responses);
  }
}

/** A mounted route: where it stands, and what answers it. */
interface Route {
  readonly path: RouteName;
  readonly method: (path: string) => MethodDecorator;
  /** The client metadata member without which nobody calls it. */
  readonly registered?: 'backchannel_logout_uri' | 'frontchannel_logout_uri';
  answer(routes: MountedRoutes, context: ExecutionContext): boolean | Promise<boolean>;
}

/** By the name of the controller's method. */
const ROUTES: ReadonlyMap<string, Route> = new Map<string, Route>([
  ['login', { path: 'login', method: Get, answer: (routes, context) => routes.login(context) }],
  ['callback', { path: 'callback', method: Get, answer: (routes, context) => routes.login(context) }],
  ['formPost', { path: 'callback', method: Post, answer: (routes, context) => routes.login(context) }],
  ['confirmLogout', { path: 'logout', method: Get, answer: (routes, context) => routes.confirmLogout(context) }],
  ['logout', { path: 'logout', method: Post, answer: (routes, context) => routes.logout(context) }],
  ['postLogout', { path: 'postLogout', method: Get, answer: (routes, context) => routes.postLogout(context) }],
  ['me', { path: 'me', method: Get, answer: (routes, context) => routes.me(context) }],
  [
    'backChannelLogout',
    {
      path: 'backchannelLogout',
      registered: 'backchannel_logout_uri',
      method: Post,
      answer: (routes, context) => routes.backChannelLogout(context),
    },
  ],
  [
    'frontChannelLogout',
    {
      path: 'frontchannelLogout',
      registered: 'frontchannel_logout_uri',
      method: Get,
      answer: (routes, context) => routes.frontChannelLogout(context),
    },
  ],
]);

/** Guard of the mounted routes. Most answers are redirects, which a guard gives before pipes and interceptors run. */
@Injectable()
@LogsIn()
class MountedRoutesGuard implements CanActivate {
  constructor(private readonly routes: MountedRoutes) {}

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    return ROUTES.get(context.getHandler().name)?.answer(this.routes, context) ?? false;
  }
}

/** A controller whose methods are no routes yet. */
function makeController(guard: Type<CanActivate>): Type {
  @Controller({ version: VERSION_NEUTRAL })
  @UseGuards(guard)
  class OidcRoutes {
    login(): void {}
    callback(): void {}
    formPost(): void {}
    logout(): void {}
    postLogout(): void {}
    frontChannelLogout(): void {}

    @HttpCode(200)
    backChannelLogout(): void {}

    confirmLogout(): string {
      return LOGOUT_PAGE;
    }

    me(@CurrentUser() user: unknown): unknown {
      return user;
    }
  }
  return OidcRoutes;
}

/** Makes routes of a controller's methods. Nest reads them after all providers are made. */
function mount(controller: Type, settings: RoutesSettings, metadata: OidcClient['metadata']): void {
  for (const [name, { path, method, registered }] of ROUTES) {
    const isCalled = registered === undefined || metadata[registered] !== undefined;
    const route = isCalled && settings[path];
    const descriptor = Object.getOwnPropertyDescriptor(controller.prototype, name);
    if (route !== false && descriptor !== undefined) {
      method(route)(controller.prototype, name, descriptor);
    }
  }
}

/** The URL of a login at the mounted route, with its return URL. A prefix that a proxy cuts off is put back. */
function loginUrl(
  controller: Type,
  mapped: MappedRoutes,
  { metadata: { redirect_uris: [redirect_uri] = [] } }: OidcClient,
  { callbackPath }: LoginSettings,
): LoginUrl {
  const prefix = redirect_uri === undefined ? '' : (cutPrefixOf(new URL(redirect_uri).pathname, callbackPath) ?? '');
  let path: string | undefined;
  return (returnTo) => {
    // Nest maps them when the application starts.
    path ??= mapped.pathOf(controller, 'login');
    return path && `${prefix}${path}?returnTo=${encodeURIComponent(prefix + returnTo)}`;
  };
}

/** What a module needs to mount routes for the client called `name`. Without `routes` in its options it mounts none. */
export function mountedRoutes(name?: string): { readonly controller: Type; readonly providers: readonly Provider[] } {
  const controller = makeController(namedGuard(MountedRoutesGuard, routesToken(name)));
  const provider: Provider = {
    provide: routesToken(name),
    inject: [
      optionsToken(name),
      Responses,
      strategyToken(name),
      clientToken(name),
      sessionToken(name),
      clientSessionsToken(name),
      logoutToken(name),
      MappedRoutes,
    ],
    useFactory: (
      { routes, login }: ParsedOptions,
      responses: Responses,
      strategy: OidcStrategy,
      client: OidcClient,
      session: OidcSession,
      sessions: ClientSessions,
      logout: OidcLogout,
      mapped: MappedRoutes,
    ) => {
      if (routes === undefined) {
        return undefined;
      }
      mount(controller, routes, client.metadata);
      sessions.loginRedirect.beginsAt(loginUrl(controller, mapped, client, login));
      return new MountedRoutes(responses, strategy, client, session, sessions, logout, login.defaultReturnTo);
    },
  };
  const check: Provider = {
    provide: MountedRoutesCheck,
    inject: [MappedRoutes, clientToken(name)],
    useFactory: (mapped: MappedRoutes, { metadata }: OidcClient) =>
      new MountedRoutesCheck(controller, mapped, metadata),
  };
  return { controller, providers: [provider, check] };
}
