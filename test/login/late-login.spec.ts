import { expect, it } from '@jest/globals';

import { createApp, onBothAdapters, type Adapter } from '../support/app/apps.js';
import { expectCallbackRefused } from '../support/app/outcomes.js';
import { Browser, type Page } from '../support/browser/browser.js';
import { startProvider } from '../support/provider/provider.js';

const PREFIX = 'oidc-login.';

/** A browser whose person takes so many seconds at the provider. */
async function slow(adapter: Adapter, seconds: number, login: object = {}, path = '/auth/login?returnTo=/me') {
  const app = await createApp({ adapter, options: { login } });
  const browser = new Browser(app);
  const answer = await browser.follow(await browser.get(path));
  app.clock.advance(seconds);
  return { app, browser, answer };
}

const sentBy = (page: Page) => new URL(page.location).searchParams;

onBothAdapters((adapter) => {
  it('TXN-06 who took too long logs in anew, and ends where the first login wanted to', async () => {
    const { app, browser, answer } = await slow(adapter, 600);
    const again = await browser.follow(answer);
    expect([again.status, again.location.startsWith(`${app.op.issuer}/authorize?`)]).toEqual([303, true]);
    expect(sentBy(again).get('state')).not.toBe(sentBy(answer).get('state'));
    expect(app.op.count('token')).toBe(0);
    expect(browser.jar.startingWith(PREFIX)).toHaveLength(1);
    expect((await browser.follow(await browser.follow(again))).target).toBe(`${app.url}/me`);
    expect(browser.jar.names).toEqual(['oidc-session']);
  });

  it('begins again once, and not twice', async () => {
    const { app, browser, answer } = await slow(adapter, 600);
    const second = await browser.follow(await browser.follow(answer));
    app.clock.advance(600);
    expectCallbackRefused(await browser.follow(second), 400, 'TRANSACTION_EXPIRED', app);
    expect([app.op.count('token'), browser.jar.names]).toEqual([0, []]);
  });

  it.each([
    [60, 59, true],
    [60, 60, false],
    [3600, 3599, true],
    [3600, 3600, false],
  ])('with a lifetime of %d s is in time after %d s: %p', async (transactionLifetime, seconds, isInTime) => {
    const { app, browser, answer } = await slow(adapter, seconds, { transactionLifetime });
    await browser.follow(answer);
    expect(app.op.count('token')).toBe(isInTime ? 1 : 0);
  });

  it('keeps the parameters of the login', async () => {
    const login = { allow: ['login_hint'], parameters: { ui_locales: 'de' } };
    const path = '/auth/login?returnTo=/me&login_hint=alice&prompt=none';
    const { browser, answer } = await slow(adapter, 600, login, path);
    const sent = sentBy(await browser.follow(answer));
    expect(['login_hint', 'ui_locales', 'prompt'].map((name) => sent.get(name))).toEqual(['alice', 'de', null]);
  });

  it('does not begin again with parameters that a cookie is too small for', async () => {
    const path = `/auth/login?a=${'x'.repeat(300)}&b=${'x'.repeat(300)}`;
    const { app, browser, answer } = await slow(adapter, 600, { allow: ['a', 'b'] }, path);
    expectCallbackRefused(await browser.follow(answer), 400, 'TRANSACTION_EXPIRED', app);
  });

  it('goes where the late login wanted to go in a browser that is signed in by now', async () => {
    const { app, browser, answer } = await slow(adapter, 600);
    await browser.login();
    const session = browser.jar.get('oidc-session')?.value;
    expect((await browser.follow(answer)).target).toBe(`${app.url}/me`);
    expect([app.op.count('token'), browser.jar.names]).toEqual([1, ['oidc-session']]);
    expect(browser.jar.get('oidc-session')?.value).toBe(session);
  });

  it('begins again where the provider found it too long itself', async () => {
    const { app, browser, answer } = await slow(adapter, 600);
    const expired = new URL(answer.location);
    expired.searchParams.delete('code');
    expired.searchParams.set('error', 'temporarily_unavailable');
    expired.searchParams.set('error_description', 'authentication_expired');
    const again = await browser.get(expired.href);
    expect([again.status, again.location.startsWith(`${app.op.issuer}/authorize?`)]).toEqual([303, true]);
  });

  it('does not begin again for who cancelled', async () => {
    const { app, browser, answer } = await slow(adapter, 600);
    const cancelled = new URL(answer.location);
    cancelled.searchParams.delete('code');
    cancelled.searchParams.set('error', 'access_denied');
    expectCallbackRefused(await browser.get(cancelled.href), 400, 'TRANSACTION_EXPIRED', app);
  });

  it('TXN-01 TXN-02 begins nothing for a stranger’s late answer', async () => {
    const { app, answer } = await slow(adapter, 600);
    const victim = new Browser(app);
    expectCallbackRefused(await victim.get(answer.location), 400, 'NO_TRANSACTION', app);
    await victim.startLogin();
    expectCallbackRefused(await victim.get(answer.location), 400, 'STATE_MISMATCH', app);
  });

  it('is forgotten after another hour', async () => {
    const { app, browser, answer } = await slow(adapter, 600 + 3600);
    expectCallbackRefused(await browser.follow(answer), 400, 'NO_TRANSACTION', app);
  });

  it('begins again where the answer comes as a form', async () => {
    const op = await startProvider({ host: 'localhost' });
    const options = { login: { responseMode: 'form_post' as const } };
    const app = await createApp({ adapter, op, publicUrl: 'https://app.test', options });
    const browser = new Browser(app);
    const page = await browser.startLogin({ returnTo: '/me' });
    app.clock.advance(600);
    const again = await browser.submitForm(page);
    expect((await browser.submitForm(await browser.follow(again))).target).toBe('https://app.test/me');
  });
});
