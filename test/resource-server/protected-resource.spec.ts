import { expect, it } from '@jest/globals';

import { createApp, onBothAdapters } from '../support/app/apps.js';

const AUDIENCE = 'https://api.test';

onBothAdapters((adapter) => {
  const boot = (resourceServer: object, more: object = {}) =>
    createApp({ adapter, options: { resourceServer: { audience: AUDIENCE, ...resourceServer } }, ...more });

  it('tells clients about the API (RFC 9728, section 2)', async () => {
    const app = await boot({
      resource: 'https://api.test/orders',
      dpop: { algorithms: ['ES256'], required: false },
      mtls: {},
      issuers: [{ issuer: 'https://op2.test' }],
      metadata: { resource_name: 'Orders', resource: 'https://not.this' },
    });
    const response = await app.request('/.well-known/oauth-protected-resource/orders');
    expect(response.status).toBe(200);
    expect(response.header('cache-control')).toBe('public, max-age=3600');
    expect(response.json()).toEqual({
      resource_name: 'Orders',
      resource: 'https://api.test/orders',
      authorization_servers: [app.op.issuer, 'https://op2.test'],
      scopes_supported: ['orders:read', 'orders:write'],
      bearer_methods_supported: ['header'],
      dpop_signing_alg_values_supported: ['ES256'],
      dpop_bound_access_tokens_required: false,
      tls_client_certificate_bound_access_tokens: true,
    });
  });

  it('stands at the root for an API without a path, whatever the global prefix', async () => {
    const app = await boot({ resource: 'https://api.test' }, { globalPrefix: 'api' });
    const response = await app.request('/.well-known/oauth-protected-resource');
    expect(response.json()).toMatchObject({ resource: 'https://api.test', bearer_methods_supported: ['header'] });
    expect(response.json()).not.toHaveProperty('dpop_bound_access_tokens_required');
  });

  it.each([
    ['nothing', {}, 401],
    ['nonsense', { authorization: 'Bearer a b' }, 400],
    ['an unknown token', { authorization: 'Bearer unknown' }, 401],
  ])('is named in the challenge for %s', async (_what, headers, status) => {
    const app = await boot({ resource: 'https://api.test/orders' });
    const response = await app.request('/orders', { headers });
    expect(response.status).toBe(status);
    expect(response.header('www-authenticate')).toContain(
      'resource_metadata="https://api.test/.well-known/oauth-protected-resource/orders"',
    );
  });

  it('is not there where no resource is named', async () => {
    const app = await boot({});
    expect((await app.request('/.well-known/oauth-protected-resource')).status).toBe(404);
    expect((await app.request('/orders')).header('www-authenticate')).not.toContain('resource_metadata');
  });

  it.each(['ftp://api.test', 'https://api.test#here', 'https://api.test?a=b', 'api.test'])(
    'refuses %s for a resource',
    async (resource) => {
      await expect(boot({ resource })).rejects.toMatchObject({
        name: 'ConfigError',
        member: 'resourceServer.resource',
      });
    },
  );

  it('needs to know the resource before it takes proofs', async () => {
    await expect(boot({ dpop: {} })).rejects.toMatchObject({ name: 'ConfigError', member: 'resourceServer.resource' });
  });
});
