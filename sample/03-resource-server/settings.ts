const host = '127.0.0.1';

export const ports = { api: portFrom('PORT', 3000), provider: portFrom('OP_PORT', 4000) };

/** Where this process serves the API. */
export const apiUrl = `http://${host}:${ports.api}`;

/** `ISSUER` names the provider of another process; without it, this one starts a provider. */
export const startsProvider = !process.env['ISSUER'];

export const issuer = process.env['ISSUER'] || `http://${host}:${ports.provider}`;

/**
 * The API's URL for its callers: its resource indicator (RFC 8707), the audience of its tokens, and what proofs are made
 * for. Replicas have one and the same, as behind a load balancer: `RESOURCE`.
 */
export const resource = process.env['RESOURCE'] || apiUrl;

/**
 * The API at the provider: as such it asks about tokens. All processes have this secret, which is good for a sample on
 * loopback only; a real one comes from the configuration.
 */
export const registration = {
  client_id: 'payments-api',
  client_secret: 'payments-api-secret',
  introspection_signed_response_alg: 'ES256',
} as const;

/** Machines that call the API. The provider gives the first opaque tokens and the second JWTs. */
export const machines = {
  opaque: { client_id: 'cli', client_secret: 'cli-secret' },
  jwt: { client_id: 'cli-jwt', client_secret: 'cli-secret' },
} as const;

/** What several processes share when there is one: `REDIS_URL=redis://127.0.0.1:6379`. */
export const redisUrl = process.env['REDIS_URL'];

function portFrom(variable: string, fallback: number): number {
  const port = Number(process.env[variable] || fallback);
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    throw new RangeError(`${variable} must be a port number`);
  }
  return port;
}
