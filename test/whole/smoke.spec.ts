import { expect, it } from '@jest/globals';

import { createApp, onBothAdapters } from '../support/app/apps.js';
import {
  expectBadRequest,
  expectBadToken,
  expectCallbackRefused,
  expectDependency,
  expectInsufficientScope,
  expectNoAuth,
  expectNoSecrets,
} from '../support/app/outcomes.js';
import { Browser } from '../support/browser/browser.js';
import { closeLater } from '../support/closing.js';
import { rawRequest } from '../support/http/raw-http.js';
import { RealProvider } from '../support/provider/real-provider.js';

onBothAdapters((adapter) => {
  it('lets a good token pass', async () => {
    const app = await createApp({ adapter });
    const good = await app.call('/orders', app.op.issue());
    expect([good.status, good.json()]).toEqual([200, { sub: 'alice', client_id: 'rp1', scopes: ['orders:read'] }]);
    expect(app.handled).toEqual(['GET /orders']);
  });

  it('refuses none, two, an unknown one and one without the scope', async () => {
    const app = await createApp({ adapter });
    const token = app.op.issue({ scope: 'orders:write' });
    const lines = [`Authorization: Bearer ${token}`, `Authorization: Bearer ${token}`];
    expectNoAuth(app, await app.get('/orders'));
    expectBadRequest(app, await rawRequest(app.address, 'GET /orders', lines));
    expect(app.op.count()).toBe(0);
    expectBadToken(app, await app.call('/orders', 'unknown'), 'TOKEN_INACTIVE');
    const response = await app.call('/orders', token);
    expectInsufficientScope(app, response, 'orders:read');
    expectNoSecrets(app, response, [token]);
  });

  it('lets a good token pass by a signed introspection, and none by a forged one', async () => {
    const app = await createApp({ adapter, client: { introspection_signed_response_alg: 'ES256' } });
    app.op.introspectionResponse({ sign: 'stranger' });
    expectDependency(app, await app.call('/orders', app.op.issue()), 'SIGNATURE_INVALID');
    app.op.reset();
    expect((await app.call('/orders', app.op.issue())).status).toBe(200);
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
    expectCallbackRefused(await browser.login(), 403, 'AUD_MISMATCH', app);
    expect(browser.jar.names).toEqual([]);
  });

  it('signs in and out at another implementation, whose signed introspection it believes', async () => {
    const op = closeLater(await RealProvider.start());
    const app = await createApp({ adapter, op, client: RealProvider.SIGNED });
    const browser = new Browser(app);
    const callback = await op.login(browser, { sub: 'bob', returnTo: '/me' });
    expect([callback.status, callback.target]).toEqual([303, `${app.url}/me`]);
    expect((await browser.follow(callback)).json()).toMatchObject({ user: { sub: 'bob' } });

    expect((await app.call('/orders', await op.clientCredentials('orders:read'))).status).toBe(200);
    expectInsufficientScope(app, await app.call('/orders', await op.clientCredentials('orders:write')), 'orders:read');

    const { url } = (await browser.post('/auth/logout')).json();
    expect((await op.logout(browser, String(url))).target).toBe(`${app.url}/`);
    expect((await browser.get('/me')).status).toBe(401);
  });
});
