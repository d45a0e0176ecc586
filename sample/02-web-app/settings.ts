const host = '127.0.0.1';

export const ports = { app: portFrom('PORT', 3000), provider: portFrom('OP_PORT', 4000) };

/** Where this process serves the application. */
export const ownUrl = `http://${host}:${ports.app}`;

/** The application's URL for browsers. Replicas have one and the same, as behind a load balancer: `APP_URL`. */
export const appUrl = process.env['APP_URL'] || ownUrl;

/** `ISSUER` names the provider of another process; without it, this one starts a provider. */
export const startsProvider = !process.env['ISSUER'];

export const issuer = process.env['ISSUER'] || `http://${host}:${ports.provider}`;

/**
 * The application's client metadata: the provider registers it and `OidcModule` enforces it. All processes have this
 * secret, which is good for a sample on loopback only; a real one comes from the configuration.
 */
export const registration = {
  client_id: 'web-app',
  client_name: 'Web application',
  client_secret: 'web-app-secret',
  grant_types: ['authorization_code', 'refresh_token'],
  redirect_uris: [`${appUrl}/auth/callback`],
  post_logout_redirect_uris: [`${appUrl}/auth/logged-out`],
  backchannel_logout_uri: `${appUrl}/auth/backchannel-logout`,
  backchannel_logout_session_required: true,
  id_token_signed_response_alg: 'ES256' as const,
};

/** Seals sessions, and is the same at each process. As above: a real one comes from the configuration. */
export const sessionSecret = 'a sample on loopback needs no real secret';

/** What several processes share when there is one: `REDIS_URL=redis://127.0.0.1:6379`. */
export const redisUrl = process.env['REDIS_URL'];

function portFrom(variable: string, fallback: number): number {
  const port = Number(process.env[variable] || fallback);
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    throw new RangeError(`${variable} must be a port number`);
  }
  return port;
}
