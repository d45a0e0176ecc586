import { newKey } from './keys.js';

const host = '127.0.0.1';

export const ports = { app: portFrom('PORT', 3000), provider: portFrom('OP_PORT', 4000) };

export const appUrl = `http://${host}:${ports.app}`;

export const issuer = `http://${host}:${ports.provider}`;

/** The application's key, new at each start. A real one comes from a secret manager, and stays. */
const key = await newKey();

/**
 * The application's client metadata. There is no secret in it: the private key proves who the client is, and the provider
 * knows its public half. What `profile` sets by itself is left out.
 */
export const registration = {
  client_id: 'fapi-app',
  jwks: { keys: [key] },
  redirect_uris: [`${appUrl}/auth/callback`],
  post_logout_redirect_uris: [`${appUrl}/auth/logged-out`],
  id_token_signed_response_alg: 'ES256',
  authorization_signed_response_alg: 'ES256',
} as const;

/** Seals sessions. It is good for a sample on loopback only; a real one comes from the configuration. */
export const sessionSecret = 'a sample on loopback needs no real secret';

function portFrom(variable: string, fallback: number): number {
  const port = Number(process.env[variable] || fallback);
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    throw new RangeError(`${variable} must be a port number`);
  }
  return port;
}
