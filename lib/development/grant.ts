import type {
  AuthorizationDetail,
  KoaContextWithOIDC,
  RichAuthorizationRequestsActiveConfiguration,
} from 'oidc-provider';

import type { DevelopmentClient } from './development-client.js';

type Rich = RichAuthorizationRequestsActiveConfiguration;

/** What the provider needs where it introspects too. */
interface RichAuthorizationRequests extends Rich {
  readonly authorizationDetailsForIntrospection: NonNullable<Rich['authorizationDetailsForIntrospection']>;
}

/** Who signs in grants a client what it asks for, and nobody is asked. */
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

/** Authorization details (RFC 9396): those of a type that a client registered are granted as they are asked for. */
export function grantedDetails(clients: readonly DevelopmentClient[]): RichAuthorizationRequests {
  const types = clients.flatMap(({ client }) => client.metadata.authorization_details_types ?? []);
  return {
    enabled: true,
    types: Object.fromEntries(types.map((type) => [type, { validate: async () => undefined }])),
    authorizationDetailsForGrantSource: async (context) => askedDetails(context),
    authorizationDetailsForAccessToken: async (context, _token, source) => source?.rar ?? askedDetails(context),
    authorizationDetailsForIntrospection: async (_context, token) => token.rar,
  };
}

function askedDetails({ oidc: { params } }: KoaContextWithOIDC): readonly AuthorizationDetail[] | undefined {
  const asked = params?.['authorization_details'];
  return typeof asked === 'string' ? JSON.parse(asked) : undefined;
}
