import { Inject, Module, type OnApplicationBootstrap } from '@nestjs/common';
import { ApplicationConfig, ModulesContainer } from '@nestjs/core';

import { ConfigError } from '../errors/errors.js';
import { contradictionOf } from '../nest/access-rule.js';
import { Routes } from '../nest/routes.js';
import {
  applicableGuards,
  FOR_MESSAGES,
  globalGuardsOf,
  guardsBefore,
  takesMessages,
  type ApplicableGuards,
} from './applicable-guards.js';
import { handlersOf, nameOf, type Handler } from './handlers.js';
import { Microservices } from './microservices.js';
import { ResourceServer } from './resource-server.js';
import { readTestOverrides } from './test-overrides.js';
import { TokenGuards } from './token-guards.js';

const ANOTHER_COPY =
  'the one that stands there is of another copy of nestjs-oidc; install it once (npm ls nestjs-oidc)';

/**
 * Boot check of the application's guards. Every handler whose decorators require an access token must have a guard that
 * can verify it. It runs once for the application, for all clients.
 */
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
    new Microservices(application, routes, (globalGuards) => this.#checkMessages(globalGuards)).watch(modules);
  }

  /** @throws {ConfigError} a handler's requirement is checked by no guard, or its client can't check it */
  async onApplicationBootstrap(): Promise<void> {
    const handlers = [...handlersOf(this.#modules)];
    handlers.forEach(refuseContradiction);
    readTestOverrides(this.#modules, handlers);
    await this.#checkGuards(handlers);
    const servers = this.#resourceServers();
    if (handlers.some(asksTheServer) && !servers.some(({ server }) => server.canIntrospect)) {
      servers.forEach(({ server }) => server.needs('introspection_endpoint'));
    }
    const idle = new Set(handlers.filter(wantsWhatIsKept).map(nameOf));
    if (idle.size > 0 && !servers.some(({ settings }) => settings.cache !== undefined)) {
      servers.at(0)?.operator.report({ kind: 'freshness-without-cache', handlers: [...idle] });
    }
  }

  async #checkGuards(handlers: readonly Handler[]): Promise<void> {
    const globalGuards = globalGuardsOf(this.#application);
    const tokenGuards = new TokenGuards(this.#modules);
    for (const handler of handlers.filter(requiresToken)) {
      for (const applicable of await applicableGuards(handler, this.#modules)) {
        requireGuard(handler, applicable, globalGuards, tokenGuards);
      }
    }
  }

  /** Checks handlers of messages. Separate: a microservice may start at another time and have other global guards. */
  #checkMessages(globalGuards: readonly unknown[]): void {
    const tokenGuards = new TokenGuards(this.#modules);
    [...handlersOf(this.#modules)]
      .filter((handler) => requiresToken(handler) && takesMessages(handler))
      .forEach((handler) => requireGuard(handler, FOR_MESSAGES, globalGuards, tokenGuards));
  }

  /** The resource servers of all clients: a handler's guard may be any client's. */
  #resourceServers(): readonly ResourceServer[] {
    return [...this.#modules.values()]
      .flatMap((module) => [...module.providers.values()])
      .map(({ instance }): unknown => instance)
      .filter((instance) => instance instanceof ResourceServer);
  }
}

/** Refuses `@Public()` beside a decorator that requires something, which would silently do nothing. */
function refuseContradiction(target: Handler): void {
  const demand = contradictionOf(target.handler) ?? contradictionOf(target.controller);
  if (demand !== undefined) {
    throw new ConfigError('INVALID_CONFIG', `${demand} on ${nameOf(target)}`, 'stands beside @Public()');
  }
}

function requiresToken({ rule }: Handler): boolean {
  return rule.demands.length > 0;
}

function requireGuard(
  target: Handler,
  applicable: ApplicableGuards,
  globalGuards: readonly unknown[],
  tokenGuards: TokenGuards,
): void {
  const guards = guardsBefore(target, applicable, globalGuards);
  if (guards.some((guard) => tokenGuards.includes(guard))) {
    return;
  }
  const [demand] = target.rule.demands;
  const hint = guards.some((guard) => tokenGuards.isOfAnotherCopy(guard)) ? ANOTHER_COPY : applicable.cure;
  const problem = ['is not protected by an OidcGuard', hint].filter(Boolean).join(': ');
  throw new ConfigError('INVALID_CONFIG', `${demand} on ${nameOf(target)}`, problem);
}

function asksTheServer({ rule: { isPublic, validation } }: Handler): boolean {
  return !isPublic && validation !== undefined && validation !== 'jwt';
}

/** Whether a handler relies on cached introspections. */
function wantsWhatIsKept({ rule: { isPublic, freshness } }: Handler): boolean {
  const { maxAge = 0, staleIfError = 0 } = freshness;
  return !isPublic && (maxAge > 0 || staleIfError > 0);
}
