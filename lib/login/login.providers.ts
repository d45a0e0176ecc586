import type { ModuleMetadata, Provider } from '@nestjs/common';

import type { Server } from '../authorization-server/server.js';
import type { OidcClient } from '../client/oidc-client.js';
import type { OperatorPort } from '../events/operator-events.js';
import { MappedRoutes } from '../nest/mapped-routes.js';
import { Responses } from '../nest/responses.js';
import { Routes } from '../nest/routes.js';
import {
  clientSessionsToken,
  clientToken,
  operatorToken,
  optionsToken,
  sealerToken,
  serverToken,
  strategyToken,
} from '../nest/tokens.js';
import type { SessionPort } from '../session/session.port.js';
import type { Sealer } from '../storage/sealer.js';
import { CallbackCheck } from './callback-check.js';
import { Login } from './login.js';
import type { LoginSettings } from './login.options.js';
import { OidcStrategy } from './oidc.strategy.js';

/**
 * Providers for the logins of the client called `name`. They need the client itself, its options, {@link Responses},
 * {@link Routes} and the session's providers. A later provider of `OidcStrategy` replaces the one here.
 */
export function loginProviders(name?: string): Provider[] {
  return [
    {
      provide: Login,
      inject: [
        clientToken(name),
        serverToken(name),
        operatorToken(name),
        optionsToken(name),
        clientSessionsToken(name),
        sealerToken(name),
        Responses,
        Routes,
      ],
      useFactory: (
        client: OidcClient,
        server: Server,
        operator: OperatorPort,
        options: { readonly login: LoginSettings },
        sessions: SessionPort,
        sealer: Sealer,
        responses: Responses,
        routes: Routes,
      ) => new Login({ client, server, operator, settings: options.login, sessions, sealer }, responses, routes),
    },
    MappedRoutes,
    {
      provide: CallbackCheck,
      inject: [clientToken(name), optionsToken(name), MappedRoutes, operatorToken(name), clientSessionsToken(name)],
      useFactory: (
        client: OidcClient,
        options: { readonly login: LoginSettings },
        routes: MappedRoutes,
        operator: OperatorPort,
        sessions: SessionPort,
      ) => new CallbackCheck(client, options.login, routes, operator, sessions),
    },
    OidcStrategy,
    { provide: strategyToken(name), useExisting: OidcStrategy },
  ];
}

/** The tokens of {@link loginProviders} that guards inject elsewhere. */
export function loginExports(name?: string): NonNullable<ModuleMetadata['exports']> {
  return [strategyToken(name)];
}
