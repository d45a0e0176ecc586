import type { Configuration, KoaContextWithOIDC } from 'oidc-provider';

import { claimsByProfile, rolesByProfile, typByProfile } from '../tokens/profiled-claims.js';
import { findAccount } from './accounts.js';
import { findApi, indicatorOf, type DevelopmentApi, type DevelopmentClient } from './development-client.js';
import type { OidcProvider } from './oidc-provider.js';
import { accessTokenAlgorithm } from './provider-algorithms.js';

/** What tokens are for, and what stands in them. */
export class IssuedTokens {
  constructor(
    private readonly oidcProvider: OidcProvider,
    private readonly clients: readonly DevelopmentClient[],
  ) {}

  /** The API of a client; that of the first one, where the client is no client of this process. */
  apiOf(clientId: string | undefined): DevelopmentApi | undefined {
    const own = this.clients.find(({ client }) => client.metadata.client_id === clientId);
    return (own ?? this.clients.find(({ api }) => api !== undefined))?.api;
  }

  readonly findAccount: NonNullable<Configuration['findAccount']> = (context, sub) => {
    const account = findAccount(sub);
    if (account === undefined) {
      return undefined;
    }
    const { name, email, roles } = account;
    const api = this.apiOf(context.oidc.client?.clientId);
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

  /** Resource indicators (RFC 8707): each access token is for the API of its client, unless another one is asked for. */
  readonly resourceIndicators: NonNullable<NonNullable<Configuration['features']>['resourceIndicators']> = {
    enabled: true,
    defaultResource: async (_context, { clientId }, oneOf = this.apiOf(clientId)?.audiences.map(indicatorOf)) =>
      oneOf?.[0],
    useGrantedResource: async () => true,
    getResourceServerInfo: async (context, resource) => {
      const found = findApi(this.clients, (audience) => indicatorOf(audience) === resource);
      if (found === undefined) {
        throw new this.oidcProvider.errors.InvalidTarget();
      }
      return resourceServer(found.api, found.audience, askedScopes(context));
    },
  };

  #apiFor(aud: unknown): ReturnType<typeof findApi> {
    return findApi(this.clients, (audience) => audience === aud);
  }
}

/** An API for the provider. It knows no scopes of its own: what is asked for is granted. */
export function resourceServer({ format, algorithm }: DevelopmentApi, audience: string, scope: string) {
  const jwt = { sign: { alg: accessTokenAlgorithm(algorithm) } };
  return { audience, scope, accessTokenFormat: format, ...(format === 'jwt' && { jwt }) };
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

/** The scopes of a request, or of what is redeemed by it. */
function askedScopes({ oidc: { params, entities } }: KoaContextWithOIDC): string {
  const { AuthorizationCode, RefreshToken, DeviceCode } = entities;
  const asked = [params?.['scope'], AuthorizationCode?.scope, RefreshToken?.scope, DeviceCode?.scope];
  const scopes = asked.flatMap((scope) => (typeof scope === 'string' ? scope.split(' ') : []));
  return [...new Set(scopes)].filter(Boolean).join(' ');
}

/** Who signs in grants a client what it asks for. */
export async function grantAll({ oidc }: KoaContextWithOIDC) {
  const { client, session, params, provider } = oidc;
  if (client === undefined || session?.accountId === undefined) {
    return undefined;
  }
  const known = session.grantIdFor(client.clientId);
  const grant =
    (known && (await provider.Grant.find(known))) ||
    new provider.Grant({ accountId: session.accountId, clientId: client.clientId });
  const scope = String(params?.['scope'] ?? '');
  grant.addOIDCScope(scope);
  grant.addOIDCClaims(oidc.requestParamClaims);
  for (const resource of Object.keys(oidc.resourceServers ?? {})) {
    grant.addResourceScope(resource, scope);
  }
  await grant.save();
  return grant;
}
