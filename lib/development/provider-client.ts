import type Provider from 'oidc-provider';
import type { AdapterPayload } from 'oidc-provider';

import { isAsymmetric } from '../jose/algorithms.js';
import { isLoopback } from '../values/url.js';
import { MACHINE, type DevelopmentClient } from './development-client.js';

/** The registration of the machine that gets tokens for itself. */
export const MACHINE_CLIENT: AdapterPayload = {
  ...MACHINE,
  grant_types: ['client_credentials'],
  redirect_uris: [],
  response_types: [],
};

/**
 * A client as the provider registers it: the members that the application is configured with. Members that are not registered
 * allow all that the application may use.
 */
export async function providerClient({ client }: DevelopmentClient): Promise<AdapterPayload> {
  const { metadata, renewableSecret } = client;
  const secret = (await renewableSecret?.current(Date.now())) ?? metadata.client_secret;
  const { redirect_uris = [], response_types = redirect_uris.length > 0 ? ['code'] : [] } = metadata;
  const isImplicit = response_types.some((type) => /\b(token|id_token)\b/.test(type));
  const members: Record<string, unknown> = {
    ...metadata,
    client_secret: secret?.reveal(),
    redirect_uris,
    response_types,
    grant_types: metadata.grant_types ?? [
      ...(response_types.some((type) => type.split(' ').includes('code')) ? ['authorization_code'] : []),
      ...(isImplicit ? ['implicit'] : []),
      'refresh_token',
      'urn:ietf:params:oauth:grant-type:device_code',
      ...(metadata.token_endpoint_auth_method === 'none' ? [] : ['client_credentials']),
    ],
    // The provider allows http redirect URIs to the implicit flow only then. They match exactly all the same: see below.
    ...(isImplicit && redirect_uris.every(isOnThisMachine) && { application_type: 'native' }),
    // A scope of an API is none of the provider's own, and it knows those only.
    scope: undefined,
    // It takes one of the two.
    ...(metadata.jwks !== undefined && { jwks_uri: undefined }),
    // It takes https only, and never calls it.
    initiate_login_uri: undefined,
    // Alice is `alice` at each client.
    subject_type: undefined,
    sector_identifier_uri: undefined,
  };
  // JSON has no members that are undefined, and the provider gets a copy.
  const payload: AdapterPayload = JSON.parse(JSON.stringify(members));
  return payload;
}

/**
 * Takes redirect URIs only as they are registered. The provider takes any port of this machine for each client that is
 * `native`; that is right only where the application registers it so (RFC 8252, section 7.3).
 */
export function matchRedirectUris({ Client: { prototype } }: Provider, clients: readonly DevelopmentClient[]): void {
  const natives = clients
    .map(({ client: { metadata } }) => metadata)
    .filter((metadata) => metadata['application_type'] === 'native')
    .map(({ client_id }) => client_id);
  const checks = [
    ['redirectUriAllowed', 'redirectUris'],
    ['postLogoutRedirectUriAllowed', 'postLogoutRedirectUris'],
  ] as const;
  for (const [check, registered] of checks) {
    const withAnyPort = prototype[check];
    prototype[check] = function (uri) {
      return natives.includes(this.clientId) ? withAnyPort.call(this, uri) : this[registered]?.includes(uri) === true;
    };
  }
}

/** The algorithms that the provider has to have keys for. */
export function algorithmsOf({ client: { metadata }, api }: DevelopmentClient): readonly string[] {
  const signed = Object.entries(metadata).flatMap(([member, alg]) =>
    member.endsWith('_signed_response_alg') && typeof alg === 'string' && isAsymmetric(alg) ? [alg] : [],
  );
  const encrypted = String(metadata['request_object_encryption_alg'] ?? '');
  return [
    ...signed,
    ...(/^(RSA|ECDH)-/.test(encrypted) ? [encrypted] : []),
    ...(api?.format === 'jwt' ? [api.algorithm] : []),
  ];
}

function isOnThisMachine(uri: string): boolean {
  const { protocol, hostname } = new URL(uri);
  return protocol === 'http:' && isLoopback(hostname);
}
