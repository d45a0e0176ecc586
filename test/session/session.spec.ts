import { randomBytes } from 'node:crypto';

import { describe, expect, it } from '@jest/globals';

import { MemoryStore } from '../../lib/index.js';
import { AUDIENCE, createApp, onBothAdapters, SESSION_SECRET, type TestApp } from '../support/app/apps.js';
import { expectCallbackRefused, expectRefused } from '../support/app/outcomes.js';
import { Browser } from '../support/browser/browser.js';
import { startProvider } from '../support/provider/provider.js';
import { ObservedStore } from '../support/store/stores.js';

const NAME = 'oidc-session';

/** Somebody who is signed in. */
async function signedIn(app: TestApp, returnTo = '/me'): Promise<Browser> {
  const browser = new Browser(app);
  expect((await browser.login({ returnTo })).status).toBe(303);
  return browser;
}

onBothAdapters((adapter) => {
  const boot = (options = {}) => createApp({ adapter, options });

  it('SESS-15 is a cookie of this host alone, and of the browser’s life', async () => {
    const app = await createApp({ adapter, publicUrl: 'https://app.test' });
    const [line, cleared] = (await new Browser(app).login()).setCookies.toSorted((a, b) => b.length - a.length);
    expect(line).toMatch(/^__Host-oidc-session=[\w-]+; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
    expect(cleared).toMatch(/^__Host-oidc-login\.\d+\.[\w-]{16}=; Max-Age=0; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
  });

  it('SESS-15 on loopback is the same without TLS, with one warning', async () => {
    const app = await boot();
    const [line] = (await new Browser(app).login()).setCookies.filter((one) => one.startsWith(`${NAME}=`));
    expect(line).toMatch(/^oidc-session=[\w-]+; Path=\/; HttpOnly; SameSite=Lax$/);
    expect(app.logs.filter(({ text }) => text.includes('not Secure'))).toHaveLength(1);
  });

  it('SESS-17 stops the boot on plain http elsewhere', async () => {
    const boots = createApp({ adapter, publicUrl: 'http://app.test' });
    await expect(boots).rejects.toMatchObject({ name: 'ConfigError', member: 'client.redirect_uris' });
  });

  it('SESS-36 exists for nobody who did not sign in', async () => {
    const app = await boot();
    const response = await app.get('/me');
    expectRefused(app, response, 401, 'SESSION_MISSING');
    expect(response.header('www-authenticate')).toBe('Cookie realm="session"');
    expect(response.setCookies).toEqual([]);
    expect((await app.get('/public')).setCookies).toEqual([]);
  });

  it('SESS-18 is answered to its owner only', async () => {
    const browser = await signedIn(await boot());
    expect((await browser.get('/me')).header('cache-control')).toBe('private, no-store');
  });

  it('SESS-01 SESS-03 is none when anything of it was changed, and is cleared', async () => {
    const app = await boot();
    const browser = await signedIn(app);
    const good = String(browser.jar.get(NAME)?.value);
    const changed = [0, 2, 8, 24, good.length - 2].map((position) => {
      const other = good[position] === 'A' ? 'B' : 'A';
      return good.slice(0, position) + other + good.slice(position + 1);
    });
    for (const value of [...changed, good.slice(0, -4), '', 'x', 'A'.repeat(20_000).slice(0, 4000)]) {
      browser.jar.plant(NAME, value, app.url);
      const response = await browser.get('/me');
      expect([response.status, browser.jar.get(NAME)]).toEqual([401, undefined]);
    }
    browser.jar.plant(NAME, good, app.url);
    expect((await browser.get('/me')).status).toBe(200);
  });

  it('TEN-04 TEN-09 is none at another client or another provider, where the secret is the same', async () => {
    const app = await boot();
    const cookie = `${NAME}=${(await signedIn(app)).jar.get(NAME)?.value}`;
    const ofAnotherClient = await createApp({ adapter, op: app.op, client: { client_id: 'rp2' } });
    const ofAnotherProvider = await boot();
    const statuses = [app, ofAnotherClient, ofAnotherProvider].map(
      async (one) => (await one.get('/me', { cookie })).status,
    );
    expect(await Promise.all(statuses)).toEqual([200, 401, 401]);
  });

  it('SESS-28 is none when there are two', async () => {
    const app = await boot();
    const value = String((await signedIn(app)).jar.get(NAME)?.value);
    for (const cookie of [`${NAME}=${value}; ${NAME}=x`, `${NAME}=x; ${NAME}=${value}`]) {
      expect((await app.get('/me', { cookie })).status).toBe(401);
    }
  });

  it('SESS-40 is opened by nothing else that was sealed', async () => {
    const app = await boot();
    const browser = new Browser(app);
    await browser.startLogin();
    const [transaction] = browser.jar.startingWith('oidc-login.');
    expect((await app.get('/me', { cookie: `${NAME}=${transaction?.value}` })).status).toBe(401);
  });

  it('SESS-08 CLOCK ends eight hours after the login, however it is used', async () => {
    const app = await boot();
    const browser = await signedIn(app);
    for (let hour = 1; hour < 8; hour += 1) {
      app.clock.advance(3600);
      expect((await browser.get('/me')).status).toBe(200);
    }
    app.clock.advance(3599);
    expect((await browser.get('/me')).status).toBe(200);
    app.clock.advance(1);
    expect((await browser.get('/me')).status).toBe(401);
  });

  it('ends when the options say', async () => {
    const app = await boot({ session: { secret: SESSION_SECRET, absoluteLifetime: 60 } });
    const browser = await signedIn(app);
    app.clock.advance(60);
    expect((await browser.get('/me')).status).toBe(401);
  });

  it('SESS-04 outlives a change of secrets while the old one is kept, and is sealed anew', async () => {
    const op = await startProvider();
    const fresh = randomBytes(32).toString('base64url');
    const at = (secret: string | string[]) =>
      createApp({ adapter, op, publicUrl: 'https://app.test', options: { session: { secret } } });
    const browser = await signedIn(await at(SESSION_SECRET));
    browser.knows('https://app.test', (await at([fresh, SESSION_SECRET])).address);
    expect((await browser.get('/me')).setCookies).toHaveLength(1);
    expect((await browser.get('/me')).setCookies).toHaveLength(0);
    browser.knows('https://app.test', (await at(fresh)).address);
    expect((await browser.get('/me')).status).toBe(200);
    browser.knows('https://app.test', (await at(SESSION_SECRET)).address);
    expect((await browser.get('/me')).status).toBe(401);
  });

  it('SESS-12 of the next person is a new one', async () => {
    const app = await boot();
    const browser = await signedIn(app);
    app.op.user = { sub: 'bob' };
    await browser.login();
    expect((await browser.get('/me')).json()).toMatchObject({ user: { sub: 'bob' } });
  });

  describe('that is large', () => {
    const session = { secret: SESSION_SECRET, tokens: true };
    const pad = (length: number) => ({ claims: (all: object) => ({ ...all, pad: 'x'.repeat(length) }) });
    const parts = (browser: Browser) => browser.jar.startingWith(NAME).map(({ name }) => name);

    it.each([
      [0, ['oidc-session']],
      [1000, ['oidc-session', 'oidc-session.1']],
      [2000, ['oidc-session', 'oidc-session.1', 'oidc-session.2']],
    ])('SESS-31 with %i more bytes is in %p', async (length, names) => {
      const app = await boot({ session });
      app.op.idToken(pad(length));
      const browser = await signedIn(app);
      expect(parts(browser)).toEqual(names);
      expect((await browser.get('/me')).status).toBe(200);
      expect(browser.jar.all.reduce((sum, { name, value }) => sum + name.length + value.length, 0)).toBeLessThan(
        12_288,
      );
      app.op.reset();
      await browser.login();
      expect(parts(browser)).toEqual(['oidc-session']);
    });

    it('SESS-30 REDIS-08 too large is no login, and nothing that could be used goes on living', async () => {
      const app = await boot({ session, login: { scope: 'openid offline_access' } });
      app.op.idToken(pad(20_000));
      const browser = new Browser(app);
      expectCallbackRefused(await browser.login(), 500, 'SESSION_TOO_LARGE', app);
      expect(browser.jar.names).toEqual([]);
      await app.op.arrival('revoke');
      expect(app.op.requests('revoke').map(({ form }) => form['token_type_hint'])).toEqual(['refresh_token']);
    });

    it('SESS-20 SESS-24 SESS-25 is none with a part less, more, or of another', async () => {
      const app = await boot({ session });
      app.op.idToken(pad(2000));
      const [one, other] = [await signedIn(app), await signedIn(app)];
      const valueOf = (browser: Browser, name: string) => String(browser.jar.get(name)?.value);
      const cookies = (values: readonly (string | undefined)[]) =>
        ['oidc-session', 'oidc-session.1', 'oidc-session.2', 'oidc-session.3']
          .flatMap((name, index) => (values[index] === undefined ? [] : `${name}=${values[index]}`))
          .join('; ');
      const [a, b, c] = parts(one).map((name) => valueOf(one, name));
      expect((await app.get('/me', { cookie: cookies([a, b, c]) })).status).toBe(200);
      const wrong = [
        [a, undefined, c],
        [a, b],
        [a],
        [undefined, b, c],
        [a, c, b],
        [a, valueOf(other, 'oidc-session.1'), c],
      ];
      for (const values of wrong) {
        const response = await app.get('/me', { cookie: cookies(values) });
        expect(response.status).toBe(401);
        const present = values.filter((value) => value !== undefined).length;
        expect(response.setCookies.filter((line) => line.includes('Max-Age=0'))).toHaveLength(present);
      }
    });

    it('is told once, with its sizes', async () => {
      const app = await boot({ session });
      app.op.idToken(pad(1000));
      for (let login = 0; login < 2; login += 1) {
        await signedIn(app);
      }
      expect(app.logs.filter(({ text }) => text.includes('proxy_buffer_size')).map(({ message }) => message)).toEqual([
        expect.stringMatching(
          /^The answer to a login sets [45]\d{3} bytes of cookies \(oidc-login\.\S+ \d+, oidc-session 38\d\d, oidc-session\.1 \d+\)\. .*in a `store`, .*`session\.tokens: false`.*proxy_buffer_size/,
        ),
      ]);
    });

    it('is not told where it is small', async () => {
      const app = await boot();
      await signedIn(app);
      expect(app.logs.filter(({ text }) => text.includes('proxy_buffer_size'))).toEqual([]);
    });
  });

  it('SESS-32 is not started with claims that are too deep to be read', async () => {
    const app = await boot({ login: { userinfo: true } });
    app.op.userinfo({ raw: `{"sub":"alice","deep":${'['.repeat(20_000)}${']'.repeat(20_000)}}` });
    expectCallbackRefused(await new Browser(app).login(), 502, 'JSON_TOO_DEEP', app);
  });

  it('SESS-38 changes nothing for another site', async () => {
    const app = await boot();
    const browser = await signedIn(app);
    const cookie = String(browser.jar.header(app.url, { isCrossSite: false, isSafe: true }));
    const post = (site: string) => app.post('/me', '', { cookie, 'sec-fetch-site': site });
    expectRefused(app, await post('cross-site'), 403, 'CROSS_SITE_REQUEST');
    expect((await post('same-origin')).status).toBe(201);
    expect((await post('none')).status).toBe(201);
    expect((await app.get('/me', { cookie, 'sec-fetch-site': 'cross-site' })).status).toBe(200);
  });

  it('H1 ends here and at the provider', async () => {
    const app = await boot();
    const browser = await signedIn(app);
    const { url } = (await browser.post('/auth/logout')).json();
    expect(browser.jar.names).toEqual([]);
    const end = new URL(String(url));
    expect(end.origin + end.pathname).toBe(app.op.url('end-session'));
    expect(end.searchParams.get('id_token_hint')).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
    expect(end.searchParams.get('post_logout_redirect_uri')).toBe(`${app.url}/`);
    expect((await browser.get('/me')).status).toBe(401);
  });

  it('REDIS-02 REDIS-09 in cookies needs the store that has the list of ended sessions, and ends in the browser', async () => {
    const session = { secret: SESSION_SECRET, keep: 'cookie' as const, tokens: true };
    const store = new ObservedStore(new MemoryStore());
    const app = await boot({ store, session, resourceServer: { audience: AUDIENCE, cache: {} } });
    const browser = await signedIn(app);
    store.fails = () => true;
    const response = await browser.get('/me');
    expect([response.status, app.lastCode, response.header('retry-after')]).toEqual([503, 'STORE_UNAVAILABLE', '5']);
    expect(response.setCookies).toEqual([]);
    store.fails = (call) => call === 'set';
    expect((await browser.get('/me')).status).toBe(200);
    expect((await browser.post('/auth/logout')).status).toBe(503);
    expect(browser.jar.names).toEqual([]);
  });

  it.each([
    ['REDIR-01', '/ok?x=1#f', '/ok?x=1#f'],
    ['REDIR-02', '//evil.test', '/'],
    ['REDIR-03', '/\\evil.test', '/'],
    ['REDIR-04', '/%2f%2fevil.test', '/%2f%2fevil.test'],
    ['REDIR-08', 'https://evil.test/', '/'],
    ['REDIR-15', '/a%0d%0aSet-Cookie:x', '/'],
    ['REDIR-16', '/é✓', '/%C3%A9%E2%9C%93'],
    ['REDIR-19', `/${'x'.repeat(8192)}`, '/'],
    ['REDIR-20', '/auth/login', '/'],
    ['REDIR-26', 'http://[', '/'],
  ])('%s a login for %p goes to %p', async (_id, returnTo, location) => {
    const app = await boot();
    const response = await new Browser(app).login({ returnTo });
    expect([response.status, response.header('location')]).toEqual([303, location]);
  });

  it('REDIR-18 REDIR-25 a login that says two things, or more than where to, goes home', async () => {
    const app = await boot();
    for (const query of ['returnTo=/a&returnTo=//evil', 'returnTo[x]=/a', 'returnTo=%zz']) {
      const browser = new Browser(app);
      const response = await browser.finishLogin(await browser.startLogin({ path: `/auth/login?${query}` }));
      expect(response.header('location')).toBe('/');
    }
    const start = await new Browser(app).get('/auth/login?returnTo=%2Fx%26scope%3Dadmin&connection=evil');
    expect([...new URL(start.location).searchParams.keys()]).not.toContain('connection');
    expect(new URL(start.location).searchParams.get('scope')).toBe('openid');
  });
});
