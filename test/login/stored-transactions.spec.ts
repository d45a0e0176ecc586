import { expect, it } from '@jest/globals';

import { MemoryStore } from '../../lib/index.js';
import { setCookieBytes } from '../../lib/nest/cookies.js';
import { createApp, onBothAdapters, SESSION_SECRET, type AppSetup } from '../support/app/apps.js';
import { expectCallbackRefused } from '../support/app/outcomes.js';
import { Browser } from '../support/browser/browser.js';
import type { HostileProvider } from '../support/provider/hostile-provider.js';
import { startProvider } from '../support/provider/provider.js';
import { ObservedStore, storeLike } from '../support/store/stores.js';

const ORIGIN = 'https://app.test';
const LONG = `/reports?q=${'x'.repeat(1500)}`;

onBothAdapters((adapter) => {
  const boot = async (
    more: Partial<AppSetup & { readonly op?: HostileProvider }> = {},
    store = new ObservedStore(new MemoryStore()),
  ) => {
    const app = await createApp({ adapter, publicUrl: ORIGIN, ...more, options: { store, ...more.options } });
    return { app, store, browser: new Browser(app) };
  };

  it('TXN-11 takes less than 200 bytes of cookies, whatever the return URL', async () => {
    const { browser } = await boot();
    const start = await browser.get(`/auth/login?returnTo=${encodeURIComponent(LONG)}`);
    const [line = ''] = start.setCookies;
    expect(line).toMatch(
      /^__Host-oidc-login\.\d{13}\.[\w-]{16}=[\w-]{22}; Max-Age=4200; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    );
    expect(setCookieBytes([line])).toBeLessThan(200);
  });

  it('TXN-10 TXN-11 completes thirty tabs at once, at any replica, each at its own return URL', async () => {
    const op = await startProvider();
    const store = new ObservedStore(new MemoryStore());
    const [one, other] = [await boot({ op }, store), await boot({ op }, store)];
    const { browser } = one;
    const tabs = [];
    for (let tab = 0; tab < 30; tab += 1) {
      tabs.push(await browser.startLogin({ returnTo: `${LONG}${tab}` }));
    }
    expect(browser.jar.header(ORIGIN, { isCrossSite: false, isSafe: true })?.length).toBeLessThan(8000);
    browser.knows(ORIGIN, other.app.address);
    for (const [tab, back] of tabs.toReversed().entries()) {
      const { status, location } = await browser.finishLogin(back);
      expect([status, new URL(location, ORIGIN).search]).toEqual([303, new URL(`${LONG}${29 - tab}`, ORIGIN).search]);
    }
    expect(browser.jar.startingWith('__Host-oidc-login.')).toEqual([]);
  });

  it('TXN-05 is good once: a copied cookie and a new code get nothing', async () => {
    const { app, browser } = await boot();
    const begun = await browser.startLogin();
    const [cookie] = browser.jar.startingWith('__Host-oidc-login.');
    expect((await browser.finishLogin(begun)).status).toBe(303);
    const thief = new Browser(app);
    thief.jar.plant(String(cookie?.name), String(cookie?.value), ORIGIN);
    const requests = app.op.count('token');
    const fresh = begun.location.replace(/code=[^&]+/, 'code=fresh');
    expectCallbackRefused(await thief.get(fresh), 400, 'TRANSACTION_CONSUMED', app);
    expect(app.op.count('token')).toBe(requests);
  });

  it('TXN-07 opens for no other cookie, which is cleared', async () => {
    const { app, browser } = await boot();
    const begun = await browser.startLogin();
    const [cookie] = browser.jar.startingWith('__Host-oidc-login.');
    const other = new Browser(app);
    other.jar.plant(String(cookie?.name), 'A'.repeat(22), ORIGIN);
    expectCallbackRefused(await other.finishLogin(begun), 400, 'TRANSACTION_CONSUMED', app);
    expect(other.jar.names).toEqual([]);
  });

  it('TXN-06 begins again once after ten minutes, and the late transaction is used up', async () => {
    const { app, browser } = await boot();
    const begun = await browser.startLogin({ returnTo: '/me' });
    const [cookie] = browser.jar.startingWith('__Host-oidc-login.');
    app.clock.advance(600);
    const again = await browser.finishLogin(begun);
    expect([again.status, again.location.startsWith(`${app.op.issuer}/authorize?`)]).toEqual([303, true]);
    const copy = new Browser(app);
    copy.jar.plant(String(cookie?.name), String(cookie?.value), ORIGIN);
    // The answer to the same response is remembered for three seconds.
    app.clock.advance(3);
    expectCallbackRefused(await copy.finishLogin(begun), 400, 'TRANSACTION_CONSUMED', app);
    const second = await browser.follow(again);
    expect((await browser.follow(second)).target).toBe(`${ORIGIN}/me`);
    expect(browser.jar.startingWith('__Host-oidc-login.')).toEqual([]);
  });

  it('does not begin a third time', async () => {
    const { app, browser } = await boot();
    const begun = await browser.startLogin();
    app.clock.advance(600);
    const second = await browser.follow(await browser.finishLogin(begun));
    app.clock.advance(600);
    expectCallbackRefused(await browser.follow(second), 400, 'TRANSACTION_EXPIRED', app);
    expect([app.op.count('token'), browser.jar.names]).toEqual([0, []]);
  });

  it.each([
    [60, 3_660_000],
    [3600, 7_200_000],
  ])('with a lifetime of %d s is kept for %d ms, an hour longer', async (transactionLifetime, kept) => {
    const lifetimes: number[] = [];
    const store = storeLike(new MemoryStore(), { set: (_key, _value, lifetime) => void lifetimes.push(lifetime) });
    const app = await createApp({ adapter, publicUrl: ORIGIN, options: { store, login: { transactionLifetime } } });
    const { setCookies } = await app.get('/auth/login');
    expect(lifetimes).toEqual([kept]);
    expect(setCookies[0]).toContain(`; Max-Age=${kept / 1000};`);
  });

  it('TXN-12 leaves nothing behind a login but its end, and no session for who never came back', async () => {
    const { store, app } = await boot();
    for (let start = 0; start < 20; start += 1) {
      await app.get('/auth/login');
    }
    expect(new Set(store.calls)).toEqual(new Set(['set login']));
  });

  it('REDIS-02 waits for the store: the login goes on when it is back', async () => {
    const { app, store, browser } = await boot();
    store.fails = () => true;
    const refused = await browser.get('/auth/login');
    expect([refused.status, refused.header('retry-after'), app.lastCode]).toEqual([503, '5', 'STORE_UNAVAILABLE']);
    store.fails = () => false;
    const begun = await browser.startLogin();
    store.fails = () => true;
    expectCallbackRefused(await browser.finishLogin(begun), 503, 'STORE_UNAVAILABLE', app);
    expect(app.op.count('token')).toBe(0);
    expect(browser.jar.startingWith('__Host-oidc-login.')).toHaveLength(1);
    store.fails = () => false;
    // The answer to the same response is remembered for three seconds.
    app.clock.advance(3);
    expect((await browser.finishLogin(begun)).status).toBe(303);
  });

  it('clears the cookie of a transaction that was given out before the store failed', async () => {
    const { app, store, browser } = await boot();
    const begun = await browser.startLogin();
    app.clock.advance(600);
    store.fails = (call) => call === 'set';
    expectCallbackRefused(await browser.finishLogin(begun), 503, 'STORE_UNAVAILABLE', app);
    expect(store.calls.at(-1)).toBe('set login');
    expect(browser.jar.startingWith('__Host-oidc-login.')).toEqual([]);
  });

  it('stays in cookies where sessions do', async () => {
    const { browser, store } = await boot({ options: { session: { secret: SESSION_SECRET, keep: 'cookie' } } });
    const begun = await browser.startLogin();
    expect(store.calls).toEqual([]);
    expect((await browser.finishLogin(begun)).status).toBe(303);
  });
});
