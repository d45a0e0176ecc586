import { generateKeyPairSync } from 'node:crypto';
import type { Server } from 'node:http';
import Provider, { type KoaContextWithOIDC } from 'oidc-provider';
import { findAccount } from './accounts.js';
import { pages, renderError, renderLogout, renderLoggedOut } from './provider-pages.js';
import { audience, cli, issuer, ports, registration, secret } from './settings.js';

const minutes = 60;
const hours = 60 * minutes;

/** The embedded OpenID Provider. It keeps everything in memory and forgets it when it stops. */
export function createProvider(): Provider {
  const provider = new Provider(issuer, {
    clients: [
      {
        ...registration,
        redirect_uris: [...registration.redirect_uris],
        post_logout_redirect_uris: [...registration.post_logout_redirect_uris],
      },
      { ...cli, grant_types: ['client_credentials'], redirect_uris: [], response_types: [] },
    ],
    // There is one key, for everything that is signed.
    clientDefaults: { id_token_signed_response_alg: 'ES256', introspection_signed_response_alg: 'ES256' },
    jwks: { keys: [signingKey()] },
    cookies: { keys: [secret()] },

    // People and what the ID token says of them.
    claims: { openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'] },
    conformIdTokenClaims: false,
    findAccount: (_ctx, sub) => {
      const account = findAccount(sub);
      return account && { accountId: sub, claims: () => ({ ...account, email_verified: true }) };
    },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    loadExistingGrant,
    renderError,

    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      revocation: { enabled: true },
      // RFC 7662, and RFC 9701 for a client that registered `introspection_signed_response_alg`.
      introspection: { enabled: true, allowedPolicy: () => true },
      jwtIntrospection: { enabled: true },
      rpInitiatedLogout: { enabled: true, logoutSource: renderLogout, postLogoutSuccessSource: renderLoggedOut },
      // RFC 8707: every access token is for the API, asked for or not. It is opaque: only introspection can read it.
      resourceIndicators: {
        enabled: true,
        defaultResource: () => audience,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({ scope: 'orders:read orders:write', audience, accessTokenFormat: 'opaque' }),
      },
    },
    ttl: {
      AccessToken: 1 * hours,
      AuthorizationCode: 1 * minutes,
      ClientCredentials: 1 * hours,
      Grant: 8 * hours,
      IdToken: 1 * hours,
      Interaction: 10 * minutes,
      Session: 8 * hours,
    },
  });
  provider.use(pages(provider));
  return provider;
}

/** Resolves once the provider listens. */
export function listen(provider: Provider): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = provider.listen(ports.provider, new URL(issuer).hostname, () => resolve(server));
    server.once('error', reject);
  });
}

/** The application belongs to the provider's own house: whoever signs in grants it what it asks for. */
async function loadExistingGrant({ oidc }: KoaContextWithOIDC) {
  const { client, session, params, provider } = oidc;
  if (!client || !session?.accountId) {
    return undefined;
  }
  const known = session.grantIdFor(client.clientId);
  const grant =
    (known && (await provider.Grant.find(known))) ||
    new provider.Grant({ accountId: session.accountId, clientId: client.clientId });
  grant.addOIDCScope(String(params?.scope));
  grant.addResourceScope(audience, String(params?.scope));
  await grant.save();
  return grant;
}

function signingKey() {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { ...privateKey.export({ format: 'jwk' }), kty: 'EC', alg: 'ES256', use: 'sig' } as const;
}
