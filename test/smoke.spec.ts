import { expect, it } from '@jest/globals';

import { createApp, onBothAdapters } from './support/apps.js';
import { Browser } from './support/browser.js';

onBothAdapters((adapter) => {
  it('lets a good token pass, and refuses none, an unknown one and one without the scope', async () => {
    const app = await createApp({ adapter });
    const good = await app.call('/orders', app.op.issue());
    expect([good.status, good.json()]).toEqual([200, { sub: 'alice', client_id: 'rp1', scopes: ['orders:read'] }]);
    expect((await app.get('/orders')).status).toBe(401);
    expect((await app.call('/orders', 'unknown')).status).toBe(401);
    expect((await app.call('/orders', app.op.issue({ scope: 'orders:write' }))).status).toBe(403);
    expect(app.refusals.map((refusal) => refusal.cause?.code)).toEqual([
      'CREDENTIALS_MISSING',
      'TOKEN_INACTIVE',
      'INSUFFICIENT_SCOPE',
    ]);
    expect(app.handled).toEqual(['GET /orders']);
    expect(app.op.count('introspect')).toBe(3);
  });

  it('lets a good token pass by a signed introspection', async () => {
    const app = await createApp({ adapter, client: { introspection_signed_response_alg: 'ES256' } });
    expect((await app.call('/orders', app.op.issue())).status).toBe(200);
    app.op.introspectionResponse({ sign: 'stranger' });
    expect((await app.call('/orders', app.op.issue())).status).toBe(503);
    expect(app.lastCode).toBe('SIGNATURE_INVALID');
  });

  it('signs in, shows who is signed in, and signs out', async () => {
    const app = await createApp({ adapter });
    const browser = new Browser(app);
    const callback = await browser.login({ returnTo: '/me' });
    expect([callback.status, callback.target]).toEqual([303, `${app.url}/me`]);
    expect(browser.jar.names).toEqual(['oidc-session']);
    expect((await browser.follow(callback)).json()).toMatchObject({ user: { sub: 'alice' } });

    const { url } = (await browser.post('/auth/logout')).json();
    expect(browser.jar.names).toEqual([]);
    expect((await browser.get(String(url))).target).toBe(`${app.url}/`);
    expect((await browser.get('/me')).status).toBe(401);
  });

  it('signs in by a form that the provider sends the browser back with', async () => {
    const app = await createApp({
      adapter,
      publicUrl: 'https://app.test',
      options: { login: { responseMode: 'form_post' } },
    });
    const browser = new Browser(app);
    const callback = await browser.login({ returnTo: '/me' });
    expect([callback.status, callback.target]).toEqual([303, 'https://app.test/me']);
    expect(browser.jar.names).toEqual(['__Host-oidc-session']);
    expect((await browser.get('/me')).status).toBe(200);
  });

  it('signs nobody in whose ID token is somebody else’s', async () => {
    const app = await createApp({ adapter });
    app.op.idToken({ claims: (claims) => ({ ...claims, aud: 'somebody-else' }) });
    const browser = new Browser(app);
    expect((await browser.login()).status).toBe(403);
    expect(app.lastCode).toBe('AUD_MISMATCH');
    expect(browser.jar.names).toEqual([]);
  });
});
