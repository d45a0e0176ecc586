import type { ModuleMetadata, Provider } from '@nestjs/common';

import { OidcClient } from '../client/oidc-client.js';
import { Responses } from '../nest/responses.js';
import { clientToken, optionsToken, sessionCookiesToken, sessionToken } from '../nest/tokens.js';
import { OidcSession } from './oidc-session.js';
import { SessionCookies } from './session-cookies.js';
import type { SessionSettings } from './session.options.js';

/**
 * What a module has to provide for the sessions of the client called `name`, beside the client itself, its options and
 * {@link Responses}.
 */
export function sessionProviders(name?: string): Provider[] {
  return [
    {
      provide: sessionCookiesToken(name),
      inject: [clientToken(name), optionsToken(name)],
      useFactory: (client: OidcClient, options: { session?: SessionSettings | undefined }) =>
        new SessionCookies(client, options.session),
    },
    {
      provide: sessionToken(name),
      inject: [sessionCookiesToken(name), clientToken(name), Responses],
      useFactory: (cookies: SessionCookies, client: OidcClient, responses: Responses) =>
        new OidcSession(cookies, client, responses),
    },
    ...(name === undefined ? [{ provide: OidcSession, useExisting: sessionToken() }] : []),
  ];
}

/** The tokens of {@link sessionProviders} that guards and applications inject elsewhere. */
export function sessionExports(name?: string): NonNullable<ModuleMetadata['exports']> {
  return [sessionCookiesToken(name), sessionToken(name), ...(name === undefined ? [OidcSession] : [])];
}
