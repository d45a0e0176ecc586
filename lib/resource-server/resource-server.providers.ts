import { Logger, type ModuleMetadata, type Provider } from '@nestjs/common';

import { HttpAdapterHost, ModulesContainer } from '@nestjs/core';

import type { OidcClient } from '../client/oidc-client.js';
import { Platform } from '../nest/platform.js';
import { clientFactoryToken, clientToken, optionsToken, resourceServerToken } from '../nest/tokens.js';
import type { OidcStore } from '../storage/oidc-store.js';
import { ProtectedResource } from './protected-resource.js';
import { ResourceServer } from './resource-server.js';
import type { ResourceServerSettings, TrustedIssuerOptions } from './resource-server.options.js';
import { StoreCheck } from './store-check.js';

/** What this room reads of the options. */
interface ResourceServerPart {
  readonly resourceServer?: ResourceServerSettings | undefined;
  readonly store?: OidcStore | undefined;
}

const logger = new Logger('OidcGuard');

const warn = (problem: string): void => logger.warn(problem);

/** What a module has to provide for the API of the client called `name`, beside the client itself and its options. */
export function resourceServerProviders(name?: string): Provider[] {
  return [
    {
      provide: resourceServerToken(name),
      inject: [clientToken(name), clientFactoryToken(name), optionsToken(name), Platform],
      useFactory: (
        client: OidcClient,
        clientAt: (options: TrustedIssuerOptions) => OidcClient,
        { resourceServer, store }: ResourceServerPart,
        platform: Platform,
      ) => resourceServer && new ResourceServer(resourceServer, { client, clientAt, platform, store, warn }),
    },
    {
      provide: ProtectedResource,
      inject: [resourceServerToken(name), HttpAdapterHost, ModulesContainer, Platform],
      useFactory: (
        server: ResourceServer | undefined,
        host: HttpAdapterHost,
        modules: ModulesContainer,
        platform: Platform,
      ) => new ProtectedResource(server, host, modules, platform),
    },
    {
      provide: StoreCheck,
      inject: [optionsToken(name)],
      useFactory: ({ resourceServer, store }: ResourceServerPart) =>
        new StoreCheck(resourceServer?.dpop && store, warn),
    },
  ];
}

/** The token of {@link resourceServerProviders} that guards inject elsewhere. */
export function resourceServerExports(name?: string): NonNullable<ModuleMetadata['exports']> {
  return [resourceServerToken(name)];
}
