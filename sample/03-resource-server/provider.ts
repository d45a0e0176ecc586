import { generateKeyPairSync, randomBytes } from 'node:crypto';
import type { Server } from 'node:http';
import Provider from 'oidc-provider';
import { issuer, machines, ports, registration, resource } from './settings.js';

const grants = { grant_types: ['client_credentials'], redirect_uris: [], response_types: [] };

/**
 * The embedded authorization server, for machines only. It keeps everything in memory.
 *
 * @param onIntrospection is told of each question about a token
 */
export function createProvider(onIntrospection: () => void): Provider {
  const provider = new Provider(issuer, {
    clients: [
      { ...registration, ...grants },
      { ...machines.opaque, ...grants },
      { ...machines.jwt, ...grants },
    ],
    // There is one key, for everything that is signed.
    clientDefaults: { id_token_signed_response_alg: 'ES256', introspection_signed_response_alg: 'ES256' },
    jwks: { keys: [signingKey()] },
    cookies: { keys: [randomBytes(32).toString('base64url')] },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      dPoP: { enabled: true },
      revocation: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      jwtIntrospection: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => resource,
        useGrantedResource: () => true,
        getResourceServerInfo: (_ctx, _resource, { clientId }) => ({
          scope: 'payments:read payments:write',
          audience: resource,
          ...(clientId === machines.jwt.client_id
            ? { accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } } }
            : { accessTokenFormat: 'opaque' }),
        }),
      },
    },
    ttl: { ClientCredentials: 3600 },
  });
  provider.use(async (context, next) => {
    await next();
    if (context.oidc?.route === 'introspection') {
      onIntrospection();
    }
  });
  return provider;
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
