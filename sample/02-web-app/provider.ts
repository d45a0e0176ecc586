import { generateKeyPairSync, randomBytes } from 'node:crypto';
import type { Server } from 'node:http';
import Provider from 'oidc-provider';
import { issuer, ports, registration } from './settings.js';

const minutes = 60;
const hours = 60 * minutes;

/** The embedded OpenID Provider, with the development pages of `oidc-provider`. It keeps everything in memory. */
export function createProvider(): Provider {
  return new Provider(issuer, {
    clients: [registration],
    // There is one key, for everything that is signed.
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    jwks: { keys: [signingKey()] },
    cookies: { keys: [randomBytes(32).toString('base64url')] },

    claims: { openid: ['sub'], profile: ['name'], email: ['email'] },
    conformIdTokenClaims: false,
    findAccount: (_ctx, sub) => ({
      accountId: sub,
      claims: () => ({ sub, name: sub, email: `${encodeURIComponent(sub)}@example.com` }),
    }),

    // Its own dispatcher calls no loopback address, and there it has to bring its logout tokens.
    fetch: (url, { dispatcher: _, ...options } = {}) => fetch(url, options),

    // Each refresh token is good for one use.
    rotateRefreshToken: true,
    features: {
      devInteractions: { enabled: true },
      revocation: { enabled: true },
      rpInitiatedLogout: { enabled: true },
      backchannelLogout: { enabled: true },
    },
    ttl: {
      // So that one sees a refresh.
      AccessToken: 1 * minutes,
      AuthorizationCode: 1 * minutes,
      Grant: 8 * hours,
      IdToken: 1 * hours,
      Interaction: 10 * minutes,
      RefreshToken: 8 * hours,
      Session: 8 * hours,
    },
  });
}

/** Resolves once the provider listens. */
export function listen(provider: Provider): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = provider.listen(ports.provider, new URL(issuer).hostname, () => resolve(server));
    server.once('error', reject);
  });
}

function signingKey() {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { ...privateKey.export({ format: 'jwk' }), kty: 'EC', alg: 'ES256', use: 'sig' } as const;
}
