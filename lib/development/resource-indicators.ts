import type { Configuration, KoaContextWithOIDC } from 'oidc-provider';

import { isAbsoluteUri } from '../values/url.js';
import type { DevelopmentApi, DevelopmentClient } from './development-client.js';
import type { OidcProvider } from './oidc-provider.js';
import { accessTokenAlgorithm } from './provider-algorithms.js';

type ResourceIndicators = NonNullable<NonNullable<Configuration['features']>['resourceIndicators']>;

/** Resource indicators (RFC 8707): each access token is for the API of its client, unless another one is asked for. */
export function resourceIndicators(
  { errors }: OidcProvider,
  clients: readonly DevelopmentClient[],
): ResourceIndicators {
  return {
    enabled: true,
    defaultResource: async (_context, { clientId }, oneOf = apiOf(clients, clientId)?.audiences.map(indicatorOf)) =>
      oneOf?.[0],
    useGrantedResource: async () => true,
    getResourceServerInfo: async (context, resource) => {
      const found = findApi(clients, (audience) => indicatorOf(audience) === resource);
      if (found === undefined) {
        throw new errors.InvalidTarget();
      }
      return resourceServer(found.api, found.audience, askedScopes(context));
    },
  };
}

/** The API of a client; that of the first one, where the client is no client of this process. */
export function apiOf(clients: readonly DevelopmentClient[], clientId: string | undefined): DevelopmentApi | undefined {
  const own = clients.find(({ client }) => client.metadata.client_id === clientId);
  return (own ?? clients.find(({ api }) => api !== undefined))?.api;
}

/** The resource indicator of an audience: itself where it is an absolute URI without a fragment (RFC 8707, section 2). */
export function indicatorOf(audience: string): string {
  return isAbsoluteUri(audience) ? audience : `urn:audience:${encodeURIComponent(audience)}`;
}

/** The API of an audience. */
export function findApi(
  clients: Iterable<DevelopmentClient>,
  isIt: (audience: string) => boolean,
): { readonly api: DevelopmentApi; readonly audience: string } | undefined {
  for (const { api } of clients) {
    const audience = api?.audiences.find(isIt);
    if (api !== undefined && audience !== undefined) {
      return { api, audience };
    }
  }
  return undefined;
}

/** An API for the provider. It knows no scopes of its own: what is asked for is granted. */
export function resourceServer({ format, algorithm }: DevelopmentApi, audience: string, scope: string) {
  const jwt = { sign: { alg: accessTokenAlgorithm(algorithm) } };
  return { audience, scope, accessTokenFormat: format, ...(format === 'jwt' && { jwt }) };
}

/** The scopes of a request, or of what is redeemed by it. */
function askedScopes({ oidc: { params, entities } }: KoaContextWithOIDC): string {
  const { AuthorizationCode, RefreshToken, DeviceCode } = entities;
  const asked = [params?.['scope'], AuthorizationCode?.scope, RefreshToken?.scope, DeviceCode?.scope];
  const scopes = asked.flatMap((scope) => (typeof scope === 'string' ? scope.split(' ') : []));
  return [...new Set(scopes)].filter(Boolean).join(' ');
}
