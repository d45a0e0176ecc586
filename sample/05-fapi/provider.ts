import { randomBytes } from 'node:crypto';
import type { Server } from 'node:http';
import Provider from 'oidc-provider';
import { newKey, publicHalf } from './keys.js';
import { issuer, ports, registration } from './settings.js';

const minutes = 60;
const hours = 60 * minutes;

/** A call that came to the provider: which parameters and headers it had, and never their values. */
export interface Call {
  readonly request: string;
  readonly sends: readonly string[];
  /** Where the browser was sent on, and with which parameters. */
  readonly leadsTo: string | undefined;
  readonly status: number;
}

/** The calls of a login; the pages of the provider are none of them. */
const ROUTES = ['pushed_authorization_request', 'authorization', 'resume', 'token', 'userinfo'];

/**
 * The embedded OpenID Provider, with the development pages of `oidc-provider`. It keeps everything in memory, and takes
 * nothing weaker than FAPI 2.0 with message signing.
 *
 * @param onCall is told of each call of a login
 */
export async function createProvider(onCall: (call: Call) => void): Promise<Provider> {
  const provider = new Provider(issuer, {
    clients: [
      {
        ...registration,
        jwks: { keys: registration.jwks.keys.map(publicHalf) },
        token_endpoint_auth_method: 'private_key_jwt',
        token_endpoint_auth_signing_alg: 'ES256',
        request_object_signing_alg: 'ES256',
        require_signed_request_object: true,
        require_pushed_authorization_requests: true,
        dpop_bound_access_tokens: true,
        response_modes: ['jwt'],
      },
    ],
    clientAuthMethods: ['private_key_jwt'],
    enabledJWA: {
      authorizationSigningAlgValues: ['ES256'],
      clientAuthSigningAlgValues: ['ES256'],
      dPoPSigningAlgValues: ['ES256'],
      idTokenSigningAlgValues: ['ES256'],
      requestObjectSigningAlgValues: ['ES256'],
    },
    jwks: { keys: [await newKey()] },
    cookies: { keys: [randomBytes(32).toString('base64url')] },
    claims: { openid: ['sub'] },
    findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
    features: {
      devInteractions: { enabled: true },
      fapi: { enabled: true, profile: '2.0' },
      pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: true },
      requestObjects: { enabled: true, requireSignedRequestObject: true },
      jwtResponseModes: { enabled: true },
      dPoP: { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => true },
      rpInitiatedLogout: { enabled: true },
    },
    ttl: {
      AccessToken: 10 * minutes,
      AuthorizationCode: 1 * minutes,
      Grant: 8 * hours,
      IdToken: 1 * hours,
      Interaction: 10 * minutes,
      PushedAuthorizationRequest: 1 * minutes,
      Session: 8 * hours,
    },
  });
  provider.use(async (context, next) => {
    await next();
    const { method, path, query, status } = context;
    const { route = '', body = {} } = context.oidc ?? {};
    if (ROUTES.includes(route)) {
      const headers = ['authorization', 'dpop'].filter((name) => context.get(name) !== '');
      const sends = [...headers, ...Object.keys({ ...query, ...body }).sort()];
      onCall({
        request: `${method} ${withoutId(path)}`,
        sends,
        leadsTo: named(context.response.get('location')),
        status,
      });
    }
  });
  return provider;
}

/** A URL with the names of its parameters. */
function named(location: string | undefined): string | undefined {
  if (!location) {
    return undefined;
  }
  const { pathname, searchParams } = new URL(location, issuer);
  return `${withoutId(pathname)} ${[...searchParams.keys()].join(' ')}`.trim();
}

/** The pages of a login have its id in their path. */
function withoutId(path: string): string {
  return path.replace(/^(\/(?:auth|interaction)\/)(?!callback).+/, '$1…');
}

/** Resolves once the provider listens. */
export function listen(provider: Provider): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = provider.listen(ports.provider, new URL(issuer).hostname, () => resolve(server));
    server.once('error', reject);
  });
}
