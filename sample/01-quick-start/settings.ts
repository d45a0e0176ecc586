import { randomBytes } from 'node:crypto';

/** Where application and provider listen. Cookies, redirect URIs and the issuer all name this host. */
const host = '127.0.0.1';

export const ports = { app: portFrom('PORT', 3000), provider: portFrom('OP_PORT', 4000) };

export const appUrl = `http://${host}:${ports.app}`;

export const issuer = `http://${host}:${ports.provider}`;

/** The resource indicator of the API (RFC 8707): the audience of every access token that it accepts. */
export const audience = `${appUrl}/api`;

/**
 * The application's client metadata. `OidcModule` is configured with it, and with `development: true` the provider
 * registers the very same: what was registered is what is enforced.
 */
export const registration = {
  client_id: 'quick-start',
  client_name: 'Quick start',
  client_secret: secret(),
  redirect_uris: [`${appUrl}/auth/callback`],
  post_logout_redirect_uris: [`${appUrl}/auth/logged-out`],
  id_token_signed_response_alg: 'ES256',
  introspection_signed_response_alg: 'ES256',
} as const;

/** A machine that calls the API with client credentials, for `curl`. Each provider for development knows it. */
export const cli = { client_id: 'cli', client_secret: 'cli-secret' } as const;

/**
 * 256 random bits. A sample has no place to keep secrets, so it makes new ones at every start, and a restart signs
 * everyone out. A real application reads its secrets from its configuration.
 */
export function secret(): string {
  return randomBytes(32).toString('base64url');
}

function portFrom(variable: string, fallback: number): number {
  const port = Number(process.env[variable] || fallback);
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    throw new RangeError(`${variable} must be a port number`);
  }
  return port;
}
