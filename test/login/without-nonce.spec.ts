import { expect, it } from '@jest/globals';

import { createApp, onBothAdapters } from '../support/app/apps.js';
import { expectCallbackRefused } from '../support/app/outcomes.js';
import { Browser } from '../support/browser/browser.js';
import { startProvider } from '../support/provider/provider.js';

const WARNING =
  'login.nonce is unsupported: only PKCE keeps a stolen code out of another login. The provider has to check it.';

onBothAdapters((adapter) => {
  it('logs in without a nonce where that is said, and warns at boot', async () => {
    const app = await createApp({ adapter, options: { login: { nonce: 'unsupported' } } });
    expect(app.logs.filter(({ message }) => message === WARNING)).toHaveLength(1);
    const browser = new Browser(app);
    const begun = await browser.get('/auth/login');
    const sent = new URL(begun.location).searchParams;
    expect([sent.get('nonce'), sent.get('code_challenge_method')]).toEqual([expect.any(String), 'S256']);
    app.op.idToken({ claims: ({ nonce, ...claims }) => claims });
    expect((await browser.login({ returnTo: '/me' })).target).toBe(`${app.url}/me`);
  });

  it('TXN-17 TXN-19 refuses the nonce of another login all the same', async () => {
    const app = await createApp({ adapter, options: { login: { nonce: 'unsupported' } } });
    app.op.idToken({ claims: (claims) => ({ ...claims, nonce: 'of-the-victim' }) });
    expectCallbackRefused(await new Browser(app).login(), 403, 'NONCE_MISMATCH', app);
  });

  it('is broken, not denied, at a provider without PKCE', async () => {
    const app = await createApp({ adapter, options: { login: { nonce: 'unsupported' } } });
    app.op.discovery((document) => ({ ...document, code_challenge_methods_supported: ['plain'] }));
    expectCallbackRefused(await new Browser(app).login(), 502, 'INVALID_CONFIG', app);
    expect(app.op.count('token')).toBe(0);
  });

  it('stops the boot at a provider without PKCE, where that asks the provider', async () => {
    const op = await startProvider();
    op.discovery((document) => ({ ...document, code_challenge_methods_supported: ['plain'] }));
    const options = { login: { nonce: 'unsupported' }, discovery: { when: 'boot' } } as const;
    await expect(createApp({ adapter, op, options })).rejects.toMatchObject({
      message: 'login.nonce: can be unsupported only at a server that has PKCE with S256',
    });
  });
});
