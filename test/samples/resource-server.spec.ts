import { once } from 'node:events';
import { createServer } from 'node:net';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

async function freePort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return String(Object(address).port);
}

describe('sample/03-resource-server does what its guide says', () => {
  let running: { stop(): Promise<void> };
  let api: string;
  let issuer: string;

  beforeAll(async () => {
    process.env['PORT'] = await freePort();
    process.env['OP_PORT'] = await freePort();
    delete process.env['REDIS_URL'];
    const { start } = await import('../../sample/03-resource-server/start.js');
    const settings = await import('../../sample/03-resource-server/settings.js');
    [api, issuer] = [settings.resource, settings.issuer];
    running = await start();
  });

  afterAll(() => running.stop());

  const tokenOf = async (client: string, scope: string): Promise<string> => {
    const response = await fetch(`${issuer}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`${client}:cli-secret`).toString('base64')}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', scope }),
    });
    return Object(await response.json()).access_token;
  };
  const status = async (path: string, token?: string, method = 'GET') =>
    (await fetch(api + path, { method, headers: token === undefined ? {} : { authorization: `Bearer ${token}` } }))
      .status;

  it('the curl lines', async () => {
    const [opaque, jwt] = [await tokenOf('cli', 'payments:read'), await tokenOf('cli-jwt', 'payments:read')];
    expect(jwt.split('.')).toHaveLength(3);
    expect(await status('/payments', opaque)).toBe(200);
    expect(await status('/payments/rates', jwt)).toBe(200);
    expect(await status('/payments')).toBe(401);
    expect(await status('/payments', opaque, 'POST')).toBe(403);
    expect(await status('/payments/health')).toBe(200);
  });

  it('a machine with a key', async () => {
    const { call } = await import('../../sample/03-resource-server/call.js');
    const steps = await call();
    expect(steps.map(([, code]) => code)).toEqual([200, 201, 401, 401, 401, 401]);
    expect(steps[0]?.[0]).toMatch(/^a DPoP token/);
  });

  it('the description of the API', async () => {
    const response = await fetch(`${api}/.well-known/oauth-protected-resource`);
    expect(await response.json()).toMatchObject({
      resource: api,
      resource_name: 'Payments',
      authorization_servers: [issuer],
      scopes_supported: ['payments:read', 'payments:write'],
    });
  });
});
