import type { ModuleMetadata, Provider } from '@nestjs/common';

import type { OidcClient } from '../client/oidc-client.js';
import { clientToken, optionsToken, resourceServerToken } from '../nest/tokens.js';
import type { ResourceServerOptions } from './resource-server.options.js';
import { ResourceServer } from './resource-server.js';
import { ScopesCheck } from './scopes-check.js';

/** What a module has to provide for the API of the client called `name`, beside the client itself and its options. */
export function resourceServerProviders(name?: string): Provider[] {
  return [
    {
      provide: resourceServerToken(name),
      inject: [clientToken(name), optionsToken(name)],
      useFactory: (client: OidcClient, options: { resourceServer?: ResourceServerOptions | undefined }) =>
        new ResourceServer(client, options.resourceServer),
    },
    ScopesCheck,
  ];
}

/** The token of {@link resourceServerProviders} that guards inject elsewhere. */
export function resourceServerExports(name?: string): NonNullable<ModuleMetadata['exports']> {
  return [resourceServerToken(name)];
}
