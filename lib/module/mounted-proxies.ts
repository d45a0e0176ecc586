import {
  All,
  Controller,
  Injectable,
  Req,
  Res,
  UseGuards,
  VERSION_NEUTRAL,
  type CanActivate,
  type ExecutionContext,
  type Provider,
  type Type,
} from '@nestjs/common';

import type { Server } from '../authorization-server/server.js';
import { ConfigError } from '../errors/errors.js';
import { OidcError } from '../errors/oidc.error.js';
import { auditFailure } from '../events/audit.js';
import { publishDecision } from '../nest/decision.js';
import { OidcException } from '../nest/oidc.exception.js';
import { LogsIn } from '../nest/authenticating-guard.js';
import { namedGuard } from '../nest/named-guard.js';
import { Responses } from '../nest/responses.js';
import { Routes } from '../nest/routes.js';
import { clientSessionsToken, optionsToken, proxiesToken, serverToken, sessionToken } from '../nest/tokens.js';
import { Undocumented } from '../nest/undocumented.js';
import { BffProxy, type ProxyParts } from '../session/bff/bff-proxy.js';
import type { ProxySettings } from '../session/bff/proxy.options.js';
import type { ClientSessions } from '../session/client-sessions.js';
import type { OidcSession } from '../session/oidc-session.js';
import { keepingOf } from '../session/session.options.js';
import type { ParsedOptions } from './oidc.options.js';

/** The proxies of one client. */
class MountedProxies {
  /** By the name of the controller's method. */
  readonly #proxies: ReadonlyMap<string, BffProxy>;
  readonly #client: ClientSessions['client'];

  constructor(
    private readonly settings: readonly ProxySettings[],
    private readonly routes: Routes,
    parts: ProxyParts,
  ) {
    this.#client = parts.sessions.client;
    this.#proxies = new Map(settings.map((one, index) => [methodName(index), new BffProxy(one, parts)]));
  }

  get(method: string): BffProxy | undefined {
    return this.#proxies.get(method);
  }

  /** The client whose sessions are forwarded. */
  get client(): ClientSessions['client'] {
    return this.#client;
  }

  /** Late, so that a parser of the application's own comes first. */
  onApplicationBootstrap(): void {
    this.routes.acceptBodies(this.settings.map(({ path }) => path));
  }
}

/** Requests that the guard has admitted, for the handler. */
const admitted = new WeakMap<object, () => Promise<void>>();

/** Guard of the mounted proxies: a request without a session, or of another site, goes no further. */
@Injectable()
@LogsIn()
class MountedProxiesGuard implements CanActivate {
  constructor(private readonly proxies: MountedProxies) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const http = context.switchToHttp();
    const [request, response]: [object, object] = [http.getRequest(), http.getResponse()];
    const proxy = this.proxies.get(context.getHandler().name);
    if (proxy === undefined) {
      return false;
    }
    try {
      admitted.set(request, await proxy.admit(request, response));
    } catch (error) {
      this.#publish(context, error);
      throw error;
    }
    publishDecision(this, context, { client_id: this.proxies.client.metadata.client_id, outcome: 'admitted' });
    return true;
  }

  /** Whatever keeps a request from being forwarded refuses it. */
  #publish(context: ExecutionContext, error: unknown): void {
    const { client } = this.proxies;
    const isRefused = error instanceof OidcException && error.getStatus() < 500;
    const cause = error instanceof OidcException ? error.cause : error;
    const code = cause instanceof OidcError ? cause.code : undefined;
    auditFailure('refusal', client, cause);
    const outcome = isRefused ? 'refused' : 'failed';
    publishDecision(this, context, { client_id: client.metadata.client_id, outcome, code });
  }
}

/** A controller without routes. */
function makeController(guard: Type<CanActivate>): Type {
  @Controller({ version: VERSION_NEUTRAL })
  @Undocumented()
  @UseGuards(guard)
  class OidcProxies {}
  return OidcProxies;
}

/** The controller's method for the proxy at this place of the list. */
function methodName(index: number): string {
  return `proxy${index}`;
}

/** Adds a route to a controller. Nest reads them after all providers are made. */
function mount(controller: Type, name: string, paths: string[]): void {
  const { prototype } = controller;
  const value = (request: object) => admitted.get(request)?.();
  Object.defineProperty(value, 'name', { value: name });
  const descriptor = { value, configurable: true };
  Object.defineProperty(prototype, name, descriptor);
  Req()(prototype, name, 0);
  // With it, Nest leaves the answer to the handler.
  Res()(prototype, name, 1);
  All(paths)(prototype, name, descriptor);
}

/** What a module needs to mount the proxies of the client called `name`. Without `routes.proxy` it mounts none. */
export function mountedProxies(name?: string): { readonly controller: Type; readonly provider: Provider } {
  const controller = makeController(namedGuard(MountedProxiesGuard, proxiesToken, name));
  const provider: Provider = {
    provide: proxiesToken(name),
    inject: [optionsToken(name), serverToken(name), sessionToken(name), clientSessionsToken(name), Responses, Routes],
    useFactory: (
      options: ParsedOptions,
      server: Server,
      session: OidcSession,
      sessions: ClientSessions,
      responses: Responses,
      routes: Routes,
    ) => {
      const settings = byLength(options.routes?.proxy ?? []);
      if (settings.length === 0) {
        return undefined;
      }
      requireTokens(options);
      settings.forEach(({ path }, index) => mount(controller, methodName(index), [path, `${path}/${routes.wildcard}`]));
      return new MountedProxies(settings, routes, { server, session, sessions, responses });
    },
  };
  return { controller, provider };
}

/** @throws {ConfigError} sessions keep no tokens */
function requireTokens({ session, store }: ParsedOptions): void {
  if (!keepingOf(session ?? {}, store !== undefined).tokens) {
    throw new ConfigError('INVALID_CONFIG', 'routes.proxy', 'needs session.tokens: true, or a store for the sessions');
  }
}

/** The longer path first: Express takes the first route that matches, Fastify the longest. */
function byLength(proxies: readonly ProxySettings[]): readonly ProxySettings[] {
  return proxies.toSorted((one, other) => other.path.length - one.path.length);
}
