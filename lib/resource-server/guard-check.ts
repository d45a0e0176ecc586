import { Inject, Module, type OnApplicationBootstrap } from '@nestjs/common';
import { ApplicationConfig, ModulesContainer } from '@nestjs/core';

import { ConfigError } from '../errors/errors.js';
import { contradictionOf } from '../nest/access-rule.js';
import type { Credential } from '../nest/authenticating-guard.js';
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
import { revocationBounds } from './revocation-bounds.js';
import { readTestOverrides } from './test-overrides.js';
import { OwnGuards } from './own-guards.js';

const ANOTHER_COPY =
  'the one that stands there is of another copy of nestjs-oidc; install it once (npm ls nestjs-oidc)';

/**
 * Boot check of the application's guards. Every handler whose decorators require something of a caller must have a guard
 * that can check it. It runs once for the application, for all clients.
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
    await this.#reportBounds(handlers);
  }

  async #reportBounds(handlers: readonly Handler[]): Promise<void> {
    const globalGuards = globalGuardsOf(this.#application);
    const application = { modules: this.#modules, globalGuards };
    (await revocationBounds(handlers, application)).forEach((bounds, { operator }) =>
      operator.report({ kind: 'revocation-bounds', bounds }),
    );
  }

  async #checkGuards(handlers: readonly Handler[]): Promise<void> {
    const globalGuards = globalGuardsOf(this.#application);
    const ownGuards = new OwnGuards(this.#modules);
    for (const handler of handlers.filter(requiresCaller)) {
      for (const applicable of await applicableGuards(handler, this.#modules)) {
        requireGuard(handler, applicable, globalGuards, ownGuards);
      }
    }
  }

  /** Checks handlers of messages. Separate: a microservice may start at another time and have other global guards. */
  #checkMessages(globalGuards: readonly unknown[]): void {
    const ownGuards = new OwnGuards(this.#modules);
    [...handlersOf(this.#modules)]
      .filter((handler) => requiresCaller(handler) && takesMessages(handler))
      .forEach((handler) => requireGuard(handler, FOR_MESSAGES, globalGuards, ownGuards));
  }

  /** The resource servers of all clients: a handler's guard may be any client's. */
  #resourceServers(): readonly ResourceServer[] {
    return [...this.#modules.values()]
      .flatMap((module) => [...module.providers.values()])
      .map(({ instance }): unknown => instance)
      .filter((instance) => instance instanceof ResourceServer);
  }
}

/** Refuses what opens a route beside what requires something, which would silently do nothing. */
function refuseContradiction(target: Handler): void {
  const contradiction = contradictionOf(target.handler) ?? contradictionOf(target.controller);
  if (contradiction !== undefined) {
    const { one, other } = contradiction;
    throw new ConfigError('INVALID_CONFIG', `${one} on ${nameOf(target)}`, `stands beside ${other}`);
  }
}

function requiresCaller({ rule }: Handler): boolean {
  return rule.demands.length > 0;
}

/** How the guards of a kind of credential are called. */
const GUARDS: Readonly<Record<Credential, string>> = {
  'access token': 'an OidcGuard',
  session: 'an OidcSessionGuard',
};

/** Each demand must be met by a guard before the handler. */
function requireGuard(
  target: Handler,
  applicable: ApplicableGuards,
  globalGuards: readonly unknown[],
  ownGuards: OwnGuards,
): void {
  const guards = guardsBefore(target, applicable, globalGuards);
  const checked = guards.map((guard) => ownGuards.credentialsOf(guard));
  for (const { decorator, of, ofEveryCaller = false } of target.rule.demands) {
    const readable = of.filter((credential) => applicable.credentials?.includes(credential) ?? true);
    const couldCheck = checked.filter((credentials) => credentials.some((one) => readable.includes(one)));
    const meets = (credentials: readonly Credential[]) =>
      !ofEveryCaller || credentials.every((one) => of.includes(one));
    if (!couldCheck.some(meets)) {
      const hint = guards.some((guard) => ownGuards.isOfAnotherCopy(guard)) ? ANOTHER_COPY : applicable.cure;
      const problem = `is not protected by ${readable.map((one) => GUARDS[one]).join(' or ')}`;
      const reason = couldCheck.length > 0 ? 'the guard that stands there admits callers without a token too' : hint;
      const what = `${decorator} on ${nameOf(target)}`;
      throw new ConfigError('INVALID_CONFIG', what, [problem, reason].filter(Boolean).join(': '));
    }
  }
}

function asksTheServer({ rule: { isPublic, validation } }: Handler): boolean {
  return !isPublic && validation !== undefined && validation !== 'jwt';
}

/** Whether a handler relies on cached introspections. */
function wantsWhatIsKept({ rule: { isPublic, freshness } }: Handler): boolean {
  const { maxAge = 0, staleIfError = 0 } = freshness;
  return !isPublic && (maxAge > 0 || staleIfError > 0);
}
