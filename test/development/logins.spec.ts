import { expect, it } from '@jest/globals';

import { onBothAdapters } from '../support/app/apps.js';
import { Browser } from '../support/browser/browser.js';
import { createDevelopmentApp } from '../support/provider/development.js';

onBothAdapters((adapter) => {
  it('signs Alice in, shows what is said of her, and signs her out at both', async () => {
    const { app, op } = await createDevelopmentApp({
      adapter,
      options: { login: { scope: 'openid profile email' } },
    });
    const browser = new Browser(app);
    const callback = await op.login(browser, { as: 'alice', returnTo: '/me' });
    expect([callback.status, callback.target]).toEqual([303, `${app.url}/me`]);
    expect((await browser.follow(callback)).json()).toMatchObject({
      user: {
        sub: 'alice',
        claims: {
          iss: op.issuer,
          name: 'Alice Archer',
          email: 'alice@example.com',
          email_verified: true,
          roles: ['admin', 'user'],
        },
      },
    });

    const { url } = (await browser.post('/auth/logout')).json();
    const out = await op.leave(browser, await browser.get(String(url)), { logout: 'yes' });
    expect(out.target).toBe(`${app.url}/`);
    const again = await browser.startLogin();
    expect(again.target).toMatch(new RegExp(`^${op.issuer}/interaction/`));
  });
});
