import { Logger, type ModuleMetadata, type Provider } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';

import type { Server } from '../authorization-server/server.js';
import { Responses } from '../nest/responses.js';
import { Routes } from '../nest/routes.js';
import { evictionsToken, optionsToken, resourceServerToken, serversToken, serverToken } from '../nest/tokens.js';
import type { OidcStore } from '../storage/oidc-store.js';
import type { Evictions } from '../tokens/evictions.js';
import { ProtectedResource } from './protected-resource.js';
import { ResourceServer, type ServersOfIssuers } from './resource-server.js';
import type { ResourceServerSettings } from './resource-server.options.js';
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
      inject: [serverToken(name), serversToken(name), evictionsToken(name), optionsToken(name)],
      useFactory: (
        server: Server,
        servers: ServersOfIssuers,
        evictions: Evictions,
        { resourceServer, store }: ResourceServerPart,
      ) => resourceServer && new ResourceServer(resourceServer, { server, servers, evictions, store, warn }),
    },
    {
      provide: ProtectedResource,
      inject: [resourceServerToken(name), ModulesContainer, Routes, Responses],
      useFactory: (
        server: ResourceServer | undefined,
        modules: ModulesContainer,
        routes: Routes,
        responses: Responses,
      ) => new ProtectedResource(server, modules, routes, responses),
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
