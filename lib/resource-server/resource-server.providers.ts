import type { ModuleMetadata, Provider } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';

import type { Server } from '../authorization-server/server.js';
import type { OperatorPort } from '../events/operator-events.js';
import { Responses } from '../nest/responses.js';
import { Routes } from '../nest/routes.js';
import {
  evictionsToken,
  operatorToken,
  optionsToken,
  resourceServerToken,
  serversToken,
  serverToken,
} from '../nest/tokens.js';
import type { OidcStore } from '../storage/oidc-store.js';
import type { Evictions } from '../tokens/evictions.js';
import { ProtectedResource } from './protected-resource.js';
import { ResourceServer, type ServersOfIssuers } from './resource-server.js';
import type { ResourceServerSettings } from './resource-server.options.js';
import { StoreCheck } from './store-check.js';

/** The options that the API's providers read. */
interface ResourceServerPart {
  readonly resourceServer?: ResourceServerSettings | undefined;
  readonly store?: OidcStore | undefined;
}

/** Providers for the API of the client called `name`. They need the client itself and its options. */
export function resourceServerProviders(name?: string): Provider[] {
  return [
    {
      provide: resourceServerToken(name),
      inject: [serverToken(name), serversToken(name), evictionsToken(name), operatorToken(name), optionsToken(name)],
      useFactory: (
        server: Server,
        servers: ServersOfIssuers,
        evictions: Evictions,
        operator: OperatorPort,
        { resourceServer, store }: ResourceServerPart,
      ) => resourceServer && new ResourceServer(resourceServer, { server, servers, evictions, store, operator }),
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
      inject: [optionsToken(name), operatorToken(name)],
      useFactory: ({ resourceServer, store }: ResourceServerPart, operator: OperatorPort) =>
        new StoreCheck(resourceServer?.dpop && store, operator),
    },
  ];
}

/** The token of {@link resourceServerProviders} that guards inject elsewhere. */
export function resourceServerExports(name?: string): NonNullable<ModuleMetadata['exports']> {
  return [resourceServerToken(name)];
}
