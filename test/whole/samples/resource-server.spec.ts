import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { freePort } from '../../support/ports.js';

/** Starts the sample as a process of its own would: with an environment and with modules of its own. */
async function startWith(environment: Readonly<Record<string, string>>, onIntrospection: () => void) {
  for (const variable of ['PORT', 'OP_PORT', 'ISSUER', 'RESOURCE', 'REDIS_URL', 'REPLICA']) {
    delete process.env[variable];
  }
  Object.assign(process.env, environment);
  jest.resetModules();
  const { start } = await import('../../../sample/03-resource-server/start.js');
  const { apiUrl, issuer } = await import('../../../sample/03-resource-server/settings.js');
  const { call } = await import('../../../sample/03-resource-server/call.js');
  return { ...(await start(onIntrospection)), apiUrl, issuer, call };
}

describe('sample/03-resource-server does what its guide says', () => {
  let first: Awaited<ReturnType<typeof startWith>>;
  let second: Awaited<ReturnType<typeof startWith>>;
  let asked = 0;

  beforeAll(async () => {
    const count = () => void (asked += 1);
    first = await startWith({ PORT: String(await freePort()), OP_PORT: String(await freePort()) }, count);
    const { apiUrl: RESOURCE, issuer: ISSUER } = first;
    second = await startWith({ PORT: String(await freePort()), ISSUER, RESOURCE }, count);
  });

  afterAll(async () => {
    await Promise.all([first.stop(), second.stop()]);
  });

  const tokenOf = async (client: string, scope: string): Promise<string> => {
    const response = await fetch(`${first.issuer}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`${client}:cli-secret`).toString('base64')}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', scope }),
    });
    return Object(await response.json()).access_token;
  };
  const send = async (path: string, token?: string, { method = 'GET', api = first.apiUrl } = {}) =>
    fetch(api + path, { method, headers: token === undefined ? {} : { authorization: `Bearer ${token}` } });
  const status = async (...request: Parameters<typeof send>) => (await send(...request)).status;
  const post = { method: 'POST' };

  it('the curl lines', async () => {
    const opaque = await tokenOf('cli', 'payments:read');
    const jwt = await tokenOf('cli-jwt', 'payments:read payments:write');
    expect(jwt.split('.')).toHaveLength(3);
    asked = 0;
    expect(await status('/payments', opaque)).toBe(200);
    expect(await status('/payments', opaque)).toBe(200);
    expect(asked).toBe(1);
    expect(await status('/payments/rates', jwt)).toBe(200);
    expect(asked).toBe(1);
    expect(await status('/payments')).toBe(401);
    expect(await status('/payments', opaque, post)).toBe(403);
    expect(await status('/payments', jwt, post)).toBe(401);
    expect(asked).toBe(3);
    expect(await status('/payments/health')).toBe(200);
  });

  it('a machine with a key', async () => {
    const steps = await first.call();
    expect(steps.map(([, code]) => code)).toEqual([200, 201, 401, 401, 401, 401]);
    expect(steps[0]?.[0]).toMatch(/^a DPoP token/);
  });

  it('the description of the API', async () => {
    const response = await send('/.well-known/oauth-protected-resource');
    expect(await response.json()).toMatchObject({
      resource: first.apiUrl,
      resource_name: 'Payments',
      authorization_servers: [first.issuer],
      scopes_supported: ['payments:read', 'payments:write'],
    });
  });

  it('a revoked token is good until it is forgotten', async () => {
    const opaque = await tokenOf('cli', 'payments:read');
    expect(await status('/payments', opaque)).toBe(200);
    const revocation = await fetch(`${first.issuer}/token/revocation`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from('cli:cli-secret').toString('base64')}` },
      body: new URLSearchParams({ token: opaque }),
    });
    expect(revocation.status).toBe(200);
    expect(await status('/payments', opaque)).toBe(200);
    expect(await status('/payments/forget', opaque, post)).toBe(201);
    expect(await status('/payments', opaque)).toBe(401);
  });

  it('a second process, without a store to share', async () => {
    const steps = await first.call(second.apiUrl);
    expect(steps.map(([, code]) => code)).toEqual([200, 201, 401, 201, 401, 401, 401]);
  });

  it('a provider that is gone', async () => {
    const opaque = await tokenOf('cli', 'payments:read payments:write');
    const jwt = await tokenOf('cli-jwt', 'payments:read');
    const api = second.apiUrl;
    expect(await status('/payments', opaque, { api })).toBe(200);
    expect(await status('/payments/rates', jwt, { api })).toBe(200);
    await first.stop();
    expect(await (await send('/payments', opaque, { api })).json()).toMatchObject({ isStale: false });
    expect(await status('/payments/rates', jwt, { api })).toBe(200);
    const payment = await send('/payments', opaque, { api, method: 'POST' });
    expect([payment.status, payment.headers.get('retry-after')]).toEqual([503, '5']);
    expect(await status('/payments', 'another', { api })).toBe(503);
  });
});
