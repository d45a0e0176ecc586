import {
  Controller,
  Get,
  HttpCode,
  Injectable,
  Post,
  Res,
  UseGuards,
  VERSION_NEUTRAL,
  type CanActivate,
  type ExecutionContext,
  type Provider,
  type Type,
} from '@nestjs/common';

import type { OidcClient } from '../client/oidc-client.js';
import type { LoginSettings } from '../login/login.options.js';
import type { OidcStrategy } from '../login/oidc.strategy.js';
import { cutPrefixOf } from '../login/relocation.js';
import { LogsIn } from '../nest/authenticating-guard.js';
import { MappedRoutes } from '../nest/mapped-routes.js';
import { namedGuard } from '../nest/named-guard.js';
import { CurrentUser } from '../nest/parameter-decorators.js';
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
import { Undocumented } from '../nest/undocumented.js';
import type { ClientSessions } from '../session/client-sessions.js';
import type { LoginUrl } from '../session/login-redirect.js';
import type { OidcLogout } from '../session/logout/provider-logout.js';
import type { OidcSession } from '../session/oidc-session.js';
import { LOGOUT_PAGE } from './logout-page.js';
import { MountedRoutesCheck } from './mounted-routes-check.js';
import type { ParsedOptions } from './oidc.options.js';
import { documents, RouteAnswers } from './route-answers.js';
import type { RouteName, RoutesSettings } from './routes.options.js';

/** A mounted route: where it stands, and what answers it. */
interface Route {
  readonly path: RouteName;
  readonly method: (path: string) => MethodDecorator;
  /** The client metadata member without which nobody calls it. */
  readonly registered?:
    | 'backchannel_logout_uri'
    | 'frontchannel_logout_uri'
    | 'backchannel_client_notification_endpoint'
    | 'initiate_login_uri'
    | 'jwks';
  answer(routes: RouteAnswers, context: ExecutionContext): boolean | Promise<boolean>;
}

/** The login guard tells apart what its routes are for. */
const login: Route['answer'] = (routes, context) => routes.login(context);

/** By the name of the controller's method. */
const ROUTES: ReadonlyMap<string, Route> = new Map<string, Route>([
  ['login', { path: 'login', method: Get, answer: login }],
  ['callback', { path: 'callback', method: Get, answer: login }],
  ['formPost', { path: 'callback', method: Post, answer: login }],
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
  ['checkSession', { path: 'checkSession', method: Get, answer: (routes, context) => routes.checkSession(context) }],
  [
    'backChannelNotification',
    {
      path: 'backchannelNotification',
      registered: 'backchannel_client_notification_endpoint',
      method: Post,
      answer: (routes, context) => routes.backChannelNotification(context),
    },
  ],
  ['keySet', { path: 'jwks', registered: 'jwks', method: Get, answer: (routes, context) => routes.keySet(context) }],
  ['initiate', { path: 'initiate', registered: 'initiate_login_uri', method: Get, answer: login }],
  ['initiateByForm', { path: 'initiate', registered: 'initiate_login_uri', method: Post, answer: login }],
]);

/** Guard of the mounted routes. Most answers are redirects, which a guard gives before pipes and interceptors run. */
@Injectable()
@LogsIn()
class MountedRoutesGuard implements CanActivate {
  constructor(private readonly routes: RouteAnswers) {}

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    return ROUTES.get(context.getHandler().name)?.answer(this.routes, context) ?? false;
  }
}

/** A controller whose methods are no routes yet. */
function makeController(guard: Type<CanActivate>): Type {
  @Controller({ version: VERSION_NEUTRAL })
  @Undocumented()
  @UseGuards(guard)
  class OidcRoutes {
    login(): void {}
    callback(): void {}
    formPost(): void {}
    logout(): void {}
    postLogout(): void {}
    frontChannelLogout(): void {}
    initiate(): void {}
    initiateByForm(): void {}

    @HttpCode(200)
    backChannelLogout(): void {}

    @HttpCode(204)
    backChannelNotification(): void {}

    confirmLogout(): string {
      return LOGOUT_PAGE;
    }

    me(@CurrentUser() user: unknown): unknown {
      return user;
    }

    /** With `@Res()` Nest leaves the answer to us: no interceptor wraps it. */
    keySet(@Res() response: object): void {
      documents.get(response)?.();
    }

    checkSession(@Res() response: object): void {
      documents.get(response)?.();
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

/** The prefix of public paths that a proxy cuts off. */
function cutPrefix(
  { metadata: { redirect_uris: [redirect_uri] = [] } }: OidcClient,
  { callbackPath }: LoginSettings,
): string {
  return redirect_uri === undefined ? '' : (cutPrefixOf(new URL(redirect_uri).pathname, callbackPath) ?? '');
}

/** The URL of a login at the mounted route, with its return URL. A prefix that a proxy cuts off is put back. */
function loginUrl(controller: Type, mapped: MappedRoutes, prefix: string): LoginUrl {
  let path: string | undefined;
  return (returnTo, prompt) => {
    // Nest maps them when the application starts.
    path ??= mapped.pathOf(controller, 'login');
    const more = prompt === undefined ? '' : `&prompt=${prompt}`;
    return path && `${prefix}${path}?returnTo=${encodeURIComponent(prefix + returnTo)}${more}`;
  };
}

/** What a module needs to mount routes for the client called `name`. Without `routes` in its options it mounts none. */
export function mountedRoutes(name?: string): { readonly controller: Type; readonly providers: readonly Provider[] } {
  const controller = makeController(namedGuard(MountedRoutesGuard, routesToken, name));
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
      const prefix = cutPrefix(client, login);
      sessions.loginRedirect.beginsAt(loginUrl(controller, mapped, prefix));
      const fallback = login.defaultReturnTo;
      return new RouteAnswers({ responses, strategy, client, session, sessions, logout, fallback, prefix });
    },
  };
  const check: Provider = {
    provide: MountedRoutesCheck,
    inject: [MappedRoutes, clientToken(name), optionsToken(name)],
    useFactory: (mapped: MappedRoutes, { metadata }: OidcClient, { session }: ParsedOptions) =>
      new MountedRoutesCheck(controller, mapped, metadata, session?.silentLogin === true),
  };
  return { controller, providers: [provider, check] };
}
