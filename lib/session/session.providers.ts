import type { ModuleMetadata, Provider } from '@nestjs/common';

import { carries } from '../authorization/response-type.js';
import type { Server } from '../authorization-server/server.js';
import { OidcClient } from '../client/oidc-client.js';
import type { OperatorPort } from '../events/operator-events.js';
import { Responses } from '../nest/responses.js';
import {
  clientSessionsToken,
  clientToken,
  logoutToken,
  operatorToken,
  optionsToken,
  sealerToken,
  serverToken,
  sessionToken,
} from '../nest/tokens.js';
import type { OidcStore } from '../storage/oidc-store.js';
import { MemoryStore } from '../storage/memory-store.js';
import { Sealer } from '../storage/sealer.js';
import type { AccessTokenProfile } from '../tokens/access-token-profile.js';
import type { TrustedAudiences } from '../tokens/trusted-audiences.js';
import { ClientSessions } from './client-sessions.js';
import { OidcLogout } from './logout/provider-logout.js';
import { OidcSession } from './oidc-session.js';
import { RefreshFlight } from './refresh/refresh-flight.js';
import { sessionKeeper } from './keepers/session-keeper.js';
import { rolesReader, type SessionRoles } from './session-roles.js';
import { SessionRefresh } from './refresh/session-refresh.js';
import { keepingOf, type SessionSettings } from './session.options.js';

/** The options that the session providers read. */
interface Options {
  readonly login: { readonly trustedAudiences: TrustedAudiences };
  readonly session?: SessionSettings | undefined;
  readonly store?: OidcStore | undefined;
  readonly resourceServer?: ApiPart | undefined;
}

/** Of the API's options: where claims have roles. */
interface ApiPart {
  readonly accessTokens: AccessTokenProfile;
  readonly audience: string | readonly string[] | false;
}

/**
 * Providers for the sessions of the client called `name`. They need the client itself, its options and {@link Responses}.
 */
export function sessionProviders(name?: string): Provider[] {
  return [
    {
      provide: sealerToken(name),
      inject: [optionsToken(name)],
      useFactory: ({ session }: Options) => new Sealer((session?.secret ?? []).map((secret) => secret.reveal())),
    },
    {
      provide: clientSessionsToken(name),
      inject: [clientToken(name), optionsToken(name), sealerToken(name), operatorToken(name)],
      useFactory: (client: OidcClient, options: Options, sealer: Sealer, operator: OperatorPort) => {
        const { session: settings, store } = options;
        // No more of the login's options: its scope may be more than was granted.
        const { trustedAudiences } = options.login;
        const { keep } = keepingOf(settings ?? {}, store !== undefined);
        const flight = new RefreshFlight(client, sealer, store);
        const keeping = { areShared: store !== undefined, keepTokens: keepTokens(client, options) };
        return new ClientSessions(
          () => sessionKeeper({ client, settings, sealer, store, operator }),
          new SessionRefresh(client, flight, operator, keeping, { trustedAudiences }),
          client,
          { ...settings, store: keep === 'store' ? store : undefined },
          rolesFor(client, options),
        );
      },
    },
    {
      provide: sessionToken(name),
      inject: [clientSessionsToken(name), clientToken(name), Responses],
      useFactory: (sessions: ClientSessions, client: OidcClient, responses: Responses) =>
        new OidcSession(sessions, client, responses),
    },
    {
      provide: logoutToken(name),
      inject: [
        clientSessionsToken(name),
        clientToken(name),
        serverToken(name),
        optionsToken(name),
        Responses,
        operatorToken(name),
      ],
      useFactory: (
        sessions: ClientSessions,
        client: OidcClient,
        server: Server,
        { session, store = new MemoryStore({ now: client.clock.now }) }: Options,
        responses: Responses,
        operator: OperatorPort,
      ) =>
        new OidcLogout({
          client,
          server,
          sessions,
          store,
          responses,
          operator,
          revoke: session?.revokeOnLogout ?? false,
        }),
    },
    ...(name === undefined
      ? [
          { provide: OidcSession, useExisting: sessionToken() },
          { provide: OidcLogout, useExisting: logoutToken() },
        ]
      : []),
  ];
}

/** Roles of a login's claims stand where the API's access tokens have them; the client is an audience of its own. */
function rolesFor({ metadata }: OidcClient, { session, resourceServer }: Options): SessionRoles {
  const { accessTokens: profile, audience } = resourceServer ?? {};
  const audiences = [audience ?? [], metadata.client_id].flat().filter((one) => one !== false);
  return rolesReader({ roles: session?.roles, profile, audiences });
}

/** Whether a login leaves an access token in its session. */
function keepTokens({ metadata }: OidcClient, { session, store }: Options): boolean {
  const responseType = metadata.response_types?.[0] ?? 'code';
  const brings = carries(responseType, 'code') || carries(responseType, 'access_token');
  return brings && keepingOf(session ?? {}, store !== undefined).tokens;
}

/** The tokens of {@link sessionProviders} that guards and applications inject elsewhere. */
export function sessionExports(name?: string): NonNullable<ModuleMetadata['exports']> {
  return [
    clientSessionsToken(name),
    sessionToken(name),
    logoutToken(name),
    ...(name === undefined ? [OidcSession, OidcLogout] : []),
  ];
}
