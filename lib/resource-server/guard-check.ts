import { Inject, Logger, Module, type OnApplicationBootstrap } from '@nestjs/common';
import { GUARDS_METADATA } from '@nestjs/common/constants.js';
import { ApplicationConfig, ModulesContainer } from '@nestjs/core';

import { ConfigError } from '../errors/errors.js';
import { accessRule, contradictionOf } from '../nest/access-rule.js';
import { Routes } from '../nest/routes.js';
import { handlersOf, kindsOf, nameOf, type Handler, type Target } from './handlers.js';
import { globalGuardsOf, Microservices } from './microservices.js';
import { OidcGuard } from './oidc.guard.js';
import { overridesOf, readOverrides } from './overrides.js';
import { MESSAGES, reachOf, type Reach } from './reach.js';
import { ResourceServer } from './resource-server.js';
import { TokenGuards } from './token-guards.js';

const ANOTHER_COPY =
  'the one that stands there is of another copy of nestjs-oidc; install it once (npm ls nestjs-oidc)';

/** Holds what decorators ask of access tokens against the guards: once for the application, whatever clients it has. */
@Module({ providers: [Routes] })
export class GuardCheck implements OnApplicationBootstrap {
  readonly #modules: ModulesContainer;
  readonly #application: ApplicationConfig;

  constructor(
    @Inject(ModulesContainer) modules: ModulesContainer,
    @Inject(ApplicationConfig) application: ApplicationConfig,
    @Inject(Routes) routes: Routes,
  ) {
    this.#modules = modules;
    this.#application = application;
    new Microservices(modules, application, routes, (globalGuards) => this.#checkMessages(globalGuards));
  }

  /** @throws {ConfigError} a handler asks for what nobody would check, or what the client can't do */
  async onApplicationBootstrap(): Promise<void> {
    const handlers = [...handlersOf(this.#modules)];
    handlers.forEach(refuseContradiction);
    readOverrides(
      handlers.map(({ metatype }) => metatype),
      overridesOf(this.#modules),
    );
    await this.#checkGuards(handlers);
    const servers = this.#resourceServers();
    if (handlers.some(asksTheServer) && !servers.some(({ server }) => server.canIntrospect)) {
      servers.forEach(({ server }) => server.needs('introspection_endpoint'));
    }
    const idle = new Set(handlers.filter(wantsWhatIsKept).map(nameOf));
    if (idle.size > 0 && !servers.some(({ settings }) => settings.cache !== undefined)) {
      const where = [...idle].join(', ');
      const problem = 'resourceServer.cache is not set';
      new Logger(OidcGuard.name).warn(`maxAge and staleIfError of @Introspection do nothing on ${where}: ${problem}`);
    }
  }

  async #checkGuards(handlers: readonly Handler[]): Promise<void> {
    const globalGuards = globalGuardsOf(this.#application);
    const tokenGuards = new TokenGuards(this.#modules);
    for (const handler of handlers.filter(asksForSomething)) {
      // Who is called by messages only can't be called before a microservice listens.
      for (const kind of kindsOf(handler).filter((kind) => kind !== 'message')) {
        requireGuard(handler, await reachOf(kind, this.#modules), globalGuards, tokenGuards);
      }
    }
  }

  #checkMessages(globalGuards: readonly unknown[]): void {
    const tokenGuards = new TokenGuards(this.#modules);
    [...handlersOf(this.#modules)]
      .filter((handler) => asksForSomething(handler) && kindsOf(handler).includes('message'))
      .forEach((handler) => requireGuard(handler, MESSAGES, globalGuards, tokenGuards));
  }

  /** Which guard stands before a handler can be any client's. */
  #resourceServers(): readonly ResourceServer[] {
    return [...this.#modules.values()]
      .flatMap((module) => [...module.providers.values()])
      .map(({ instance }): unknown => instance)
      .filter((instance) => instance instanceof ResourceServer);
  }
}

/** It would be open, and whoever wrote the other decorator would not know. */
function refuseContradiction(target: Handler): void {
  const { handler, metatype } = target;
  const demand = contradictionOf(handler) ?? contradictionOf(metatype);
  if (demand !== undefined) {
    throw new ConfigError('INVALID_CONFIG', `${demand} on ${nameOf(target)}`, 'stands beside @Public()');
  }
}

function asksForSomething({ handler, metatype }: Handler): boolean {
  return accessRule(handler, metatype).demands.length > 0;
}

function requireGuard(target: Handler, reach: Reach, globalGuards: readonly unknown[], tokenGuards: TokenGuards): void {
  const { handler, metatype } = target;
  const own = [handler, metatype].flatMap(guardsOn);
  const asked = [...(reach.own ? own : []), ...(reach.global ? globalGuards : [])];
  if (asked.some((guard) => tokenGuards.includes(guard))) {
    return;
  }
  const [demand] = accessRule(handler, metatype).demands;
  const hint = asked.some((guard) => tokenGuards.isOfAnotherCopy(guard)) ? ANOTHER_COPY : reach.cure;
  const problem = ['is not protected by an OidcGuard', hint].filter(Boolean).join(': ');
  throw new ConfigError('INVALID_CONFIG', `${demand} on ${nameOf(target)}`, problem);
}

function asksTheServer({ handler, metatype }: Handler): boolean {
  const { isPublic, validation } = accessRule(handler, metatype);
  return !isPublic && validation !== undefined && validation !== 'jwt';
}

/** Without a cache nothing is older than 0 seconds, and nothing is there when the server is down. */
function wantsWhatIsKept({ handler, metatype }: Handler): boolean {
  const { isPublic, freshness } = accessRule(handler, metatype);
  const { maxAge = 0, staleIfError = 0 } = freshness;
  return !isPublic && (maxAge > 0 || staleIfError > 0);
}

function guardsOn(target: Target): readonly unknown[] {
  const guards: unknown = Reflect.getMetadata(GUARDS_METADATA, target);
  return Array.isArray(guards) ? guards : [];
}
