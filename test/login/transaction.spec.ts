import { randomBytes } from 'node:crypto';

import { expect, it } from '@jest/globals';

import { createApp, onBothAdapters, SESSION_SECRET } from '../support/app/apps.js';
import { expectCallbackRefused } from '../support/app/outcomes.js';
import { Browser } from '../support/browser/browser.js';
import { startProvider } from '../support/provider/provider.js';

const PREFIX = 'oidc-login.';

onBothAdapters((adapter) => {
  const boot = () => createApp({ adapter });

  it('TXN-01 a stranger’s answer logs nobody in', async () => {
    const app = await boot();
    const attacker = await new Browser(app).startLogin();
    const victim = new Browser(app);
    expectCallbackRefused(await victim.get(attacker.location), 400, 'NO_TRANSACTION', app);
    expect(app.op.count('token')).toBe(0);
    expect(victim.jar.names).toEqual([]);
  });

  it('TXN-02 nor in a browser that is about to log in itself, and that login goes on', async () => {
    const app = await boot();
    const attacker = await new Browser(app).startLogin();
    const victim = new Browser(app);
    const own = await victim.startLogin({ returnTo: '/me' });
    expectCallbackRefused(await victim.get(attacker.location), 400, 'STATE_MISMATCH', app);
    expect(app.op.count('token')).toBe(0);
    expect((await victim.finishLogin(own)).target).toBe(`${app.url}/me`);
  });

  it('TXN-03 a callback that was done goes where its login went, and is nothing to another', async () => {
    const app = await boot();
    const browser = new Browser(app);
    const answer = await browser.startLogin({ returnTo: '/me' });
    await browser.finishLogin(answer);
    const session = browser.jar.get('oidc-session')?.value;
    const again = await browser.get(answer.location);
    expect([again.status, again.target]).toEqual([303, `${app.url}/me`]);
    expect(again.setCookies).toEqual([]);
    const other = await browser.get(answer.location.replace(/state=/, 'state=x'));
    expect([other.status, other.target]).toEqual([303, `${app.url}/`]);
    expect(browser.jar.get('oidc-session')?.value).toBe(session);
    expectCallbackRefused(await new Browser(app).get(answer.location), 400, 'NO_TRANSACTION', app);
    expect(app.op.count('token')).toBe(1);
  });

  it('TXN-05 a used transaction put back by hand brings no second session', async () => {
    const app = await boot();
    const browser = new Browser(app);
    const answer = await browser.startLogin();
    const thief = browser.copy();
    await browser.finishLogin(answer);
    app.clock.advance(3);
    expectCallbackRefused(await thief.get(answer.location), 403, 'OP_ERROR', app);
    expect(app.op.count('token')).toBe(2);
  });

  it.each([
    ['good', 303, undefined],
    ['bad', 403, 'SIGNATURE_INVALID'],
  ] as const)(
    'a callback that comes twice at once is one login, with one %s end for both',
    async (end, status, code) => {
      const app = await boot();
      const browser = new Browser(app);
      const answer = await browser.startLogin({ returnTo: '/me' });
      if (end === 'bad') {
        app.op.idToken({ sign: 'stranger' });
      }
      const pages = await Promise.all([browser.copy().get(answer.location), browser.copy().get(answer.location)]);
      const late = await browser.copy().get(answer.location);
      expect([...pages, late].map((page) => page.status)).toEqual([status, status, status]);
      expect(app.refusals.map(({ cause }) => cause?.code)).toEqual(code === undefined ? [] : [code, code, code]);
      expect(app.op.count('token')).toBe(1);
      expect(late.setCookies).toEqual(pages[0]?.setCookies);
      expect(pages[1]?.setCookies).toEqual(pages[0]?.setCookies);
      // Whoever has not the cookie of the login gets nothing of it.
      expectCallbackRefused(await new Browser(app).get(answer.location), 400, 'NO_TRANSACTION', app);
      const stranger = new Browser(app);
      stranger.jar.plant(String(browser.jar.startingWith(PREFIX)[0]?.name), 'forged', app.url);
      expectCallbackRefused(await stranger.get(answer.location), 400, 'TRANSACTION_INVALID', app);
    },
  );

  it('TXN-06 ends after ten minutes, by our clock and not by the cookie', async () => {
    const app = await boot();
    const browser = new Browser(app);
    const answer = await browser.startLogin();
    const [cookie] = browser.jar.startingWith(PREFIX);
    app.clock.advance(600);
    browser.jar.plant(String(cookie?.name), String(cookie?.value), app.url);
    expect((await browser.get(answer.location)).location).toMatch(/\/authorize\?/);
    expect(app.op.count('token')).toBe(0);
  });

  it('is good for nearly ten minutes', async () => {
    const app = await boot();
    const browser = new Browser(app);
    const answer = await browser.startLogin();
    app.clock.advance(50);
    expect((await browser.finishLogin(answer)).status).toBe(303);
  });

  it('TXN-07 REDIR-23 a changed transaction is none, and is cleared', async () => {
    const app = await boot();
    const browser = new Browser(app);
    const answer = await browser.startLogin();
    const [cookie] = browser.jar.startingWith(PREFIX);
    const value = String(cookie?.value);
    for (const position of [0, 1, 7, 20, value.length - 1]) {
      const other = value[position] === 'A' ? 'B' : 'A';
      browser.jar.plant(String(cookie?.name), value.slice(0, position) + other + value.slice(position + 1), app.url);
      expectCallbackRefused(await browser.get(answer.location), 400, 'TRANSACTION_INVALID', app);
      expect(browser.jar.startingWith(PREFIX)).toEqual([]);
    }
    expect(app.op.count('token')).toBe(0);
  });

  it.each([
    ['first to last', [0, 1, 2]],
    ['last to first', [2, 1, 0]],
    ['all mixed up', [1, 2, 0]],
  ] as const)('TXN-10 three tabs log in at once, %s', async (_what, order) => {
    const app = await boot();
    const browser = new Browser(app);
    const tabs = [];
    for (const path of ['/me', '/any', '/orders']) {
      tabs.push({ path, answer: await browser.startLogin({ returnTo: path }) });
    }
    for (const index of order) {
      const { path, answer } = tabs[index]!;
      expect((await browser.finishLogin(answer)).target).toBe(app.url + path);
    }
    expect(browser.jar.names).toEqual(['oidc-session']);
  });

  it('TXN-11 fifty logins leave thirty, and the last ones are good', async () => {
    const app = await boot();
    const browser = new Browser(app);
    const answers = [];
    for (let count = 0; count < 50; count += 1) {
      answers.push(await browser.startLogin());
      app.clock.advance(1);
    }
    expect(browser.jar.startingWith(PREFIX)).toHaveLength(30);
    expect(Math.max(...browser.history.map(({ cookie }) => cookie?.length ?? 0))).toBeLessThan(8192);
    expectCallbackRefused(await browser.finishLogin(answers[0]!), 400, 'STATE_MISMATCH', app);
    expect((await browser.finishLogin(answers[49]!)).status).toBe(303);
    expect((await browser.finishLogin(answers[20]!)).status).toBe(303);
  });

  it('TXN-11 forty tabs that begin at once are cut to thirty by the answers that come next', async () => {
    const app = await createApp({ adapter, publicUrl: 'https://app.test' });
    const browser = new Browser(app);
    const left = () => browser.jar.startingWith(`__Host-${PREFIX}`).length;
    const begun = await Promise.all(Array.from({ length: 40 }, () => browser.get('/auth/login?returnTo=/orders')));
    for (const { name, value } of browser.jar.all) {
      expect(`${name}=${value}`.length).toBeLessThanOrEqual(250);
    }
    const sizes = [left()];
    for (const path of ['/me', '/me', '/me']) {
      expect((await browser.get(path)).status).toBe(401);
      sizes.push(left());
    }
    expect(sizes).toEqual([40, 32, 30, 30]);
    const newest = String(browser.jar.names.at(-1));
    const last = begun.find(({ setCookies }) => setCookies.join().includes(newest))!;
    expect((await browser.finishLogin(await browser.follow(last))).target).toBe('https://app.test/orders');
    const cookies = browser.history.map(({ cookie }) => cookie?.length ?? 0);
    expect(Math.max(...cookies)).toBeLessThan(8000);
  });

  it('TXN-15 E1 proves with PKCE that the code is its own, to the URI that was asked for', async () => {
    const app = await boot();
    await new Browser(app).login();
    const { form } = app.op.last('token');
    expect(form).toMatchObject({ grant_type: 'authorization_code', redirect_uri: `${app.url}/auth/callback` });
    expect(form['code_verifier']).toMatch(/^[\w-]{43,128}$/);
  });

  it('TXN-17 a code of somebody else is refused by its PKCE, or by its nonce', async () => {
    const app = await boot();
    const victim = new URL((await new Browser(app).startLogin()).location).searchParams;
    const attacker = new Browser(app);
    const inject = async () => {
      const own = new URL((await attacker.startLogin()).location);
      own.searchParams.set('code', String(victim.get('code')));
      return attacker.get(own.href);
    };
    expectCallbackRefused(await inject(), 403, 'OP_ERROR', app);

    // A provider that forgets PKCE: the code exchanges, but the ID token answers another login.
    app.op.idToken({ claims: (claims) => ({ ...claims, nonce: 'of-the-victim' }) });
    expectCallbackRefused(await attacker.login(), 403, 'NONCE_MISMATCH', app);
    expect(app.op.count('userinfo')).toBe(0);
    expect(attacker.jar.names).toEqual([]);
  });

  it.each([
    ['TXN-18 lacks the nonce', undefined, 'NONCE_MISSING'],
    ['TXN-19 has another nonce', 'other', 'NONCE_MISMATCH'],
  ] as const)('an ID token that %s logs nobody in', async (_what, nonce, code) => {
    const app = await createApp({ adapter, options: { login: { userinfo: true } } });
    app.op.idToken({ claims: ({ nonce: _, ...claims }) => ({ ...claims, ...(nonce && { nonce }) }) });
    expectCallbackRefused(await new Browser(app).login(), 403, code, app);
    expect(app.op.count('userinfo')).toBe(0);
  });

  it('TXN-22 a login without the time that was asked for is refused', async () => {
    const app = await createApp({ adapter, client: { default_max_age: 300 } });
    const browser = new Browser(app);
    const start = await browser.get('/auth/login');
    expect(new URL(start.location).searchParams.get('max_age')).toBe('300');
    app.op.idToken({ claims: ({ auth_time: _, ...claims }) => claims });
    expectCallbackRefused(await browser.login(), 403, 'AUTH_TIME_MISSING', app);
  });

  it('TXN-28 a login outlives a change of secrets, while the old one is kept', async () => {
    const op = await startProvider();
    const fresh = randomBytes(32).toString('base64url');
    const at = (secret: string | string[]) =>
      createApp({ adapter, op, publicUrl: 'https://app.test', options: { session: { secret } } });
    const before = new Browser(await at(SESSION_SECRET));
    const answer = await before.startLogin({ returnTo: '/me' });
    const stolen = before.copy();

    const rotated = await at([fresh, SESSION_SECRET]);
    before.knows('https://app.test', rotated.address);
    expect((await before.finishLogin(answer)).target).toBe('https://app.test/me');

    const removed = await at(fresh);
    stolen.knows('https://app.test', removed.address);
    expectCallbackRefused(await stolen.get(answer.location), 400, 'TRANSACTION_INVALID', removed);
    expect(stolen.jar.names).toEqual([]);
    expect((await stolen.login({ returnTo: '/me' })).target).toBe('https://app.test/me');
  });

  it('AUTHZ-15 an answer of one provider is nothing at another', async () => {
    const [a, b] = [await createApp({ adapter }), await createApp({ adapter })];
    const browser = new Browser(b);
    const answer = await browser.startLogin();
    const mixedUp = answer.location.replace(/iss=[^&]+/, `iss=${encodeURIComponent(a.op.issuer)}`);
    expectCallbackRefused(await browser.get(mixedUp), 400, 'ISS_MISMATCH', b);
    expect([a.op.count('token'), b.op.count('token')]).toEqual([0, 0]);
  });

  it('NEST-05 two hundred browsers log in at once, and none is another', async () => {
    const app = await boot();
    const logins = Array.from({ length: 200 }, async (_, index) => {
      const browser = new Browser(app);
      const answer = await browser.startLogin({ returnTo: `/me?${index}` });
      return (await browser.finishLogin(answer)).target;
    });
    const expected = Array.from({ length: 200 }, (_, index) => `${app.url}/me?${index}`);
    expect(await Promise.all(logins)).toEqual(expected);
    expect(app.handled).toEqual([]);
  });
});
