import { Module, type DynamicModule, type FactoryProvider, type Provider } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import type { Dispatcher } from 'undici';
import * as v from 'valibot';

import type { Server } from '../authorization-server/server.js';
import { OidcClient } from '../client/oidc-client.js';
import type { Now } from '../clock/clock.js';
import type { AcquiredProvider } from '../development/running-servers.js';
import { ConfigError } from '../errors/errors.js';
import type { OperatorPort } from '../events/operator-events.js';
import { PublishedOperator } from '../events/published-operator.js';
import { Connections } from '../http/connections.js';
import { loginExports, loginProviders } from '../login/login.providers.js';
import { clockSkewSchema, clockToleranceSchema } from '../metadata/client-metadata.schema.js';
import { ofClient } from '../nest/named-guard.js';
import { Responses } from '../nest/responses.js';
import { Routes } from '../nest/routes.js';
import {
  anyGuardToken,
  clientSessionsToken,
  clientToken,
  evictionsToken,
  getOidcOptionsToken,
  givenOptionsToken,
  OIDC_CLOCK,
  OIDC_CLOCK_SKEW,
  OIDC_CLOCK_TOLERANCE,
  OIDC_DISPATCHER,
  operatorToken,
  optionsToken,
  resourceServerToken,
  serversToken,
  serverToken,
} from '../nest/tokens.js';
import { GuardCheck } from '../resource-server/guard-check.js';
import type { ResourceServer } from '../resource-server/resource-server.js';
import { resourceServerExports, resourceServerProviders } from '../resource-server/resource-server.providers.js';
import type { ClientSessions } from '../session/client-sessions.js';
import { sessionExports, sessionProviders } from '../session/session.providers.js';
import { Evictions } from '../tokens/evictions.js';
import { member } from '../values/member.js';
import { validate } from '../values/validate.js';
import { acquireDevelopmentProvider } from './development.js';
import type { BothRooms } from './oidc-any.guard.js';
import { OidcDefaults, OidcDefaultsModule } from './oidc.defaults.js';
import { mountedProxies } from './mounted-proxies.js';
import { mountedRoutes } from './mounted-routes.js';
import { OidcLifecycle } from './oidc.lifecycle.js';
import {
  parseOptions,
  requireReturned,
  type OidcModuleAsyncOptions,
  type OidcModuleExtras,
  type OidcModuleOptions,
  type OidcOptionsFactory,
  type ParsedOptions,
} from './oidc.options.js';
import { OperatorLog } from './operator-log.js';
import { Servers } from './servers.js';

const DEVELOPMENT = Symbol('nestjs-oidc: provider for development');
const nowSchema = v.function('must be a function that returns milliseconds, such as Date.now');

const CONNECTIONS = Symbol('nestjs-oidc: connections');
const LIFECYCLE = Symbol('nestjs-oidc: lifecycle');

/**
 * Makes the application a relying party and a resource server of one authorization server.
 *
 * ```ts
 * @Module({
 *   imports: [
 *     OidcModule.forRootAsync({
 *       inject: [ConfigService],
 *       useFactory: (config: ConfigService) => ({
 *         issuer: 'https://op.example.com',
 *         client: { client_id: 'orders', client_secret: config.getOrThrow('OIDC_CLIENT_SECRET') },
 *         resourceServer: { audience: 'https://api.example.com' },
 *       }),
 *     }),
 *     OidcModule.forRoot({ name: 'partners', ...options }),
 *   ],
 * })
 * export class AppModule {}
 * ```
 *
 * It is global: register it once. A module may import the bare `OidcModule` to show that it depends on it.
 */
@Module({})
export class OidcModule {
  /** @throws {ConfigError} at boot, when an option is wrong */
  static forRoot(options: OidcModuleOptions & OidcModuleExtras): DynamicModule {
    const { name, isGlobal, imports, providers, ...own } = options;
    return define(options, [{ provide: givenOptionsToken(name), useValue: () => own }]);
  }

  /** @throws {ConfigError} at boot, when an option is wrong. An error of the factory stops the boot as it is */
  static forRootAsync(options: OidcModuleAsyncOptions): DynamicModule {
    return define(options, givenOptions(options));
  }
}

function define(extras: OidcModuleExtras, given: readonly Provider[]): DynamicModule {
  const { name, isGlobal = true, imports = [], providers = [] } = extras;
  requireOwnOptions(providers, name);
  const isDefault = name === undefined;
  const routes = mountedRoutes(name);
  const proxies = mountedProxies(name);
  return {
    module: OidcModule,
    global: isGlobal,
    controllers: [routes.controller, proxies.controller],
    imports: [...imports, OidcDefaultsModule, GuardCheck],
    providers: [
      ...given,
      // A test may put others in their place.
      { provide: getOidcOptionsToken(name), inject: [givenOptionsToken(name)], useFactory: (given: Given) => given() },
      Responses,
      Routes,
      optionsProvider(name),
      operatorProvider(name),
      {
        provide: DEVELOPMENT,
        inject: [optionsToken(name), operatorToken(name)],
        useFactory: acquireDevelopmentProvider,
      },
      connectionsProvider(name),
      serversProvider(name),
      serverProvider(name),
      { provide: evictionsToken(name), useFactory: () => new Evictions() },
      clientProvider(name),
      ...(isDefault ? [{ provide: OidcClient, useExisting: clientToken() }] : []),
      lifecycleProvider(name),
      ...resourceServerProviders(name),
      ...sessionProviders(name),
      ...loginProviders(name),
      ...routes.providers,
      proxies.provider,
      anyGuardProvider(name),
      ...providers,
    ],
    exports: [
      Responses,
      clientToken(name),
      ...(isDefault ? [OidcClient] : []),
      ...resourceServerExports(name),
      ...sessionExports(name),
      ...loginExports(name),
      anyGuardToken(name),
    ],
  };
}

/** @throws {ConfigError} a provider would replace the options, though they are given already */
function requireOwnOptions(providers: readonly Provider[], name: string | undefined): void {
  if (providers.some((provider) => member(provider, 'provide') === getOidcOptionsToken(name))) {
    const problem = 'must not provide OIDC_OPTIONS, which is for overrideProvider in tests';
    throw new ConfigError('INVALID_CONFIG', 'providers', problem);
  }
}

/** Makes the options as they are given. It is not called where a test puts others in their place. */
type Given = () => OidcModuleOptions | Promise<OidcModuleOptions>;

/** Providers of the options as they are given. */
function givenOptions({ name, useFactory, useClass, useExisting, inject = [] }: OidcModuleAsyncOptions): Provider[] {
  const provide = givenOptionsToken(name);
  if (useFactory !== undefined) {
    const given =
      (...injected: readonly unknown[]): Given =>
      async () =>
        requireReturned(await useFactory(...injected), 'useFactory');
    return [{ provide, inject, useFactory: given }];
  }
  const factory = useExisting ?? useClass;
  if (factory === undefined) {
    throw new ConfigError('INVALID_CONFIG', 'forRootAsync', 'needs useFactory, useClass or useExisting');
  }
  const by = useExisting === undefined ? 'useClass' : 'useExisting';
  const given =
    (options: OidcOptionsFactory): Given =>
    async () =>
      requireReturned(await options.createOidcOptions(), by);
  return [...(by === 'useClass' ? [factory] : []), { provide, inject: [factory], useFactory: given }];
}

function operatorProvider(name: string | undefined): FactoryProvider {
  return {
    provide: operatorToken(name),
    inject: [OidcDefaults, optional(OIDC_CLOCK)],
    useFactory: (defaults: OidcDefaults, now: Now = defaults.now) => new PublishedOperator(new OperatorLog(now)),
  };
}

/** The provider for development is injected so that it listens before anything is called. */
function connectionsProvider(name: string | undefined): FactoryProvider {
  return {
    provide: CONNECTIONS,
    inject: [optionsToken(name), OidcDefaults, optional(OIDC_CLOCK), optional(OIDC_DISPATCHER), DEVELOPMENT],
    useFactory: (
      options: ParsedOptions,
      defaults: OidcDefaults,
      now: Now = defaults.now,
      dispatcher: Dispatcher | undefined = defaults.dispatcher,
    ) => new Connections(options.http, now, { dispatcher }),
  };
}

/** Each part of the clock is from this module's `providers` or `imports`, else from a global module, else the default. */
function serversProvider(name: string | undefined): FactoryProvider {
  return {
    provide: serversToken(name),
    inject: [
      optionsToken(name),
      CONNECTIONS,
      operatorToken(name),
      OidcDefaults,
      optional(OIDC_CLOCK),
      optional(OIDC_CLOCK_SKEW),
      optional(OIDC_CLOCK_TOLERANCE),
    ],
    useFactory: (
      options: ParsedOptions,
      connections: Connections,
      operator: OperatorPort,
      defaults: OidcDefaults,
      now: Now = defaults.now,
      givenSkew: number = defaults.skew,
      givenTolerance: number = defaults.tolerance,
    ) => {
      const skew = validate(clockSkewSchema, givenSkew, 'OIDC_CLOCK_SKEW');
      validate(nowSchema, now, 'OIDC_CLOCK');
      const tolerance = validate(clockToleranceSchema, givenTolerance, 'OIDC_CLOCK_TOLERANCE');
      return new Servers(options, { connections, now, skew, tolerance, operator });
    },
  };
}

function optionsProvider(name: string | undefined): FactoryProvider<ParsedOptions> {
  return {
    provide: optionsToken(name),
    inject: [getOidcOptionsToken(name)],
    useFactory: (options: OidcModuleOptions) => {
      try {
        return parseOptions(options);
      } catch (error) {
        throw ofClient(error, name);
      }
    },
  };
}

function serverProvider(name: string | undefined): FactoryProvider {
  return { provide: serverToken(name), inject: [serversToken(name)], useFactory: (servers: Servers) => servers.own() };
}

function clientProvider(name: string | undefined): FactoryProvider {
  return {
    provide: clientToken(name),
    inject: [serverToken(name), evictionsToken(name), operatorToken(name), optionsToken(name)],
    useFactory: (server: Server, evictions: Evictions, operator: OperatorPort, { store }: ParsedOptions) =>
      new OidcClient(name, server, evictions, { operator, store }),
  };
}

function anyGuardProvider(name: string | undefined): FactoryProvider<BothRooms> {
  return {
    provide: anyGuardToken(name),
    inject: [resourceServerToken(name), clientSessionsToken(name)],
    useFactory: (resourceServer: ResourceServer | undefined, sessions: ClientSessions) => ({
      resourceServer,
      sessions,
    }),
  };
}

function lifecycleProvider(name: string | undefined): FactoryProvider {
  return {
    provide: LIFECYCLE,
    inject: [ModuleRef, optionsToken(name), CONNECTIONS, operatorToken(name), DEVELOPMENT],
    useFactory: (
      moduleRef: ModuleRef,
      options: ParsedOptions,
      connections: Connections,
      operator: OperatorPort,
      development: AcquiredProvider | undefined,
    ) => new OidcLifecycle(moduleRef, name, options, { connections, development }, operator),
  };
}

function optional(token: symbol): { token: symbol; optional: true } {
  return { token, optional: true };
}
