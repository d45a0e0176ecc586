import { randomBytes } from 'node:crypto';

const host = '127.0.0.1';

export const ports = { api: portFrom('PORT', 3000), provider: portFrom('OP_PORT', 4000) };

export const issuer = `http://${host}:${ports.provider}`;

/** The API's own URL: its resource indicator (RFC 8707), the audience of its tokens, and what proofs are made for. */
export const resource = `http://${host}:${ports.api}`;

/** The API at the provider: as such it asks about tokens. */
export const registration = {
  client_id: 'payments-api',
  client_secret: secret(),
  introspection_signed_response_alg: 'ES256',
} as const;

/** Machines that call the API. The provider gives the first opaque tokens and the second JWTs. */
export const machines = {
  opaque: { client_id: 'cli', client_secret: 'cli-secret' },
  jwt: { client_id: 'cli-jwt', client_secret: 'cli-secret' },
} as const;

/** What several processes share when there is one: `REDIS_URL=redis://127.0.0.1:6379`. */
export const redisUrl = process.env['REDIS_URL'];

/** A sample has no place to keep secrets, so it makes new ones at every start. */
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
