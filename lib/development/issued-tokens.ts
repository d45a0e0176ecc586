import type { Configuration, KoaContextWithOIDC } from 'oidc-provider';

import { claimsByProfile, rolesByProfile, typByProfile } from '../tokens/profiled-claims.js';
import { findAccount } from './accounts.js';
import type { DevelopmentClient } from './development-client.js';
import { apiOf, findApi } from './resource-indicators.js';

/** The provider's hooks about access tokens and accounts: the claims that stand in them. */
export class IssuedTokens {
  constructor(private readonly clients: readonly DevelopmentClient[]) {}

  readonly findAccount: NonNullable<Configuration['findAccount']> = (context, sub) => {
    const account = findAccount(sub);
    if (account === undefined) {
      return undefined;
    }
    const { name, email, roles } = account;
    const api = apiOf(this.clients, context.oidc.client?.clientId);
    const claims = {
      sub,
      name,
      preferred_username: sub,
      email,
      email_verified: true,
      roles,
      ...(api && rolesByProfile(api.profile, roles, api.audiences[0] ?? '')),
    };
    return { accountId: sub, claims: () => claims };
  };

  /** Claims about roles, by the profiles of the APIs: ID tokens have them as well. */
  get roleClaims(): readonly string[] {
    return this.clients.flatMap(({ api }) =>
      api === undefined ? [] : Object.keys(rolesByProfile(api.profile, [''], '')),
    );
  }

  /** Beside the standard's claims, in an introspection and in a JWT. */
  readonly extraTokenClaims: NonNullable<Configuration['extraTokenClaims']> = (context, token) => {
    const found = this.#apiFor(token.aud);
    if (found === undefined) {
      return undefined;
    }
    const isUser = token.kind === 'AccessToken';
    const { clientId = '', scope = '' } = token;
    return {
      ...claimsByProfile(found.api.profile, {
        clientId,
        scope,
        audience: found.audience,
        roles: isUser ? (findAccount(token.accountId)?.roles ?? []) : [],
        now: Math.floor(Date.now() / 1000),
        ...(isUser && authenticationOf(context)),
      }),
    };
  };

  /** The header of a JWT access token says what it is. */
  readonly jwt: NonNullable<NonNullable<NonNullable<Configuration['formats']>['customizers']>['jwt']> = (
    _context,
    token,
    jwt,
  ) => {
    const found = this.#apiFor(token.aud);
    jwt.header = { typ: found && typByProfile(found.api.profile) };
  };

  #apiFor(aud: unknown): ReturnType<typeof findApi> {
    return findApi(this.clients, (audience) => audience === aud);
  }
}

/** When and how the end-user of a request signed in; the page for tokens signs them in with each token. */
function authenticationOf(context: KoaContextWithOIDC | undefined): {
  authTime?: number | undefined;
  acr?: string | undefined;
} {
  const { AuthorizationCode, RefreshToken, DeviceCode } = context?.oidc.entities ?? {};
  const { authTime = Math.floor(Date.now() / 1000), acr } = AuthorizationCode ?? RefreshToken ?? DeviceCode ?? {};
  return { authTime, acr };
}
