import { createHash } from 'node:crypto';

import { expect, it } from '@jest/globals';
import { APP_GUARD } from '@nestjs/core';

import { MemoryStore, OidcSessionGuard, type OidcModuleOptions } from '../../lib/index.js';
import { createApp, onBothAdapters, SESSION_SECRET, type Adapter, type AppSetup } from '../support/app/apps.js';
import { expectNoSecrets } from '../support/app/outcomes.js';
import type { TestResponse } from '../support/app/test-response.js';
import { Browser } from '../support/browser/browser.js';
import { startProvider } from '../support/provider/provider.js';
import { ObservedStore } from '../support/store/stores.js';

const URL = 'https://app.test';
const PATH = '/auth/check-session';

/** A signed-in browser of an application whose provider has a `check_session_iframe`. */
async function signedIn(
  adapter: Adapter,
  options: Partial<OidcModuleOptions> = {},
  setup: Partial<Omit<AppSetup, 'op' | 'options'>> = {},
) {
  const op = await startProvider({ managesSessions: true });
  const app = await createApp({
    adapter,
    controllers: [],
    publicUrl: URL,
    ...setup,
    op,
    options: { session: { secret: SESSION_SECRET }, routes: true, ...options },
  });
  const browser = new Browser(app);
  await browser.login();
  return { app, op, browser, page: await browser.get(PATH, { from: URL }) };
}

/** The data of a page, by name. */
function dataOf({ body }: TestResponse): Readonly<Record<string, string>> {
  const [, attributes = ''] = /<body([^>]*)>/.exec(body) ?? [];
  return Object.fromEntries([...attributes.matchAll(/ data-(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]));
}

const scriptOf = ({ body }: TestResponse): string => /<script>([^]*)<\/script>/.exec(body)?.[1] ?? '';

onBothAdapters((adapter) => {
  it.each([
    ['in cookies', {}],
    ['in a store', { store: new MemoryStore() }],
  ])(
    'H12 H13 keep the session_state of a login %s, and show it to the provider’s frame alone',
    async (_where, options) => {
      const { app, op, browser, page } = await signedIn(adapter, options);
      expect([page.status, page.header('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
      const { frame, message, renewed } = dataOf(page);
      expect([frame, renewed]).toEqual([`${op.issuer}/check-session`, undefined]);
      expect(message).toMatch(/^rp1 [\da-f]{64}\.[\da-f]{12}$/);
      const hash = createHash('sha256').update(scriptOf(page)).digest('base64');
      expect(page.header('content-security-policy')).toBe(
        `default-src 'none'; script-src 'sha256-${hash}'; frame-src ${op.issuer}; frame-ancestors 'self'; base-uri 'none'; form-action 'none'`,
      );
      expect([page.header('cache-control'), page.header('x-frame-options')]).toEqual(['no-store', 'SAMEORIGIN']);
      expect((await browser.get(PATH)).body).toBe(page.body);
      expectNoSecrets(app, page, []);
    },
  );

  it('H12 log in again silently after a change, and watch the new state of the same person', async () => {
    const { op, browser, page } = await signedIn(adapter, { login: { scope: 'openid offline_access' } });
    const { next, message } = dataOf(page);
    const sent = await browser.get(`${PATH}?${next}`, { from: URL });
    expect([sent.status, sent.header('cache-control')]).toEqual([303, 'no-store']);
    const parameters = new globalThis.URL(sent.location).searchParams;
    expect([parameters.get('prompt'), parameters.get('id_token_hint')?.slice(0, 2)]).toEqual(['none', 'ey']);
    const back = await browser.follow(await browser.follow(sent));
    expect(back.target).toMatch(/^https:\/\/app\.test\/auth\/check-session\?after=[\w-]{22}\.[\w-]{22}$/);
    const renewed = await browser.follow(back);
    expect(dataOf(renewed)).toMatchObject({ frame: `${op.issuer}/check-session`, renewed: '1' });
    expect(dataOf(renewed)['message']).not.toBe(message);
    expect((await browser.get('/auth/me')).status).toBe(200);

    // Another tab still has the state of before.
    expect(dataOf(await browser.get(`${PATH}?${next}`))['message']).toBe(dataOf(renewed)['message']);
  });

  it.each([
    ['in cookies', {}],
    ['in a store', { store: new MemoryStore() }],
  ])(
    'H12 end a session %s where the provider knows nobody any more, and tell the page around it',
    async (_where, options) => {
      const { op, browser, page } = await signedIn(adapter, options);
      await browser.get(`${op.issuer}/end-session`);
      const sent = await browser.get(`${PATH}?${dataOf(page)['next']}`, { from: URL });
      const back = await browser.follow(await browser.follow(sent));
      const told = await browser.follow(back);
      expect([told.status, dataOf(told)]).toEqual([200, { state: 'changed' }]);
      expect((await browser.get('/auth/me')).status).toBe(401);
      const again = await browser.get(PATH);
      expect([again.status, again.json()['error']]).toEqual([401, 'login_required']);
    },
  );

  it('H12 ask without the hint where the ID token is too large for the headers of an answer', async () => {
    const { op, browser } = await signedIn(adapter, { store: new MemoryStore() });
    op.idToken({ claims: (claims) => ({ ...claims, groups: 'x'.repeat(2000) }) });
    await browser.login();
    const { next } = dataOf(await browser.get(PATH, { from: URL }));
    const sent = await browser.get(`${PATH}?${next}`, { from: URL });
    const parameters = new globalThis.URL(sent.location).searchParams;
    expect([parameters.get('prompt'), parameters.has('id_token_hint')]).toEqual(['none', false]);
    expect(sent.location.length).toBeLessThan(1000);
  });

  it('tell the page around of another person, who has signed in there', async () => {
    const { op, browser, page } = await signedIn(adapter);
    op.user = { sub: 'bob' };
    const sent = await browser.get(`${PATH}?${dataOf(page)['next']}`, { from: URL });
    const told = await browser.follow(await browser.follow(await browser.follow(sent)));
    expect(dataOf(told)).toEqual({ state: 'changed' });
  });

  it('tell another tab of a logout here', async () => {
    const { browser, page } = await signedIn(adapter);
    await browser.post('/auth/logout');
    expect(dataOf(await browser.get(`${PATH}?${dataOf(page)['next']}`))).toEqual({ state: 'changed' });
    expect((await browser.get(PATH)).status).toBe(401);
  });

  it('ask nobody silently where each login has to ask the person', async () => {
    const { browser, page } = await signedIn(adapter, {}, { client: { default_max_age: 0 } });
    expect(dataOf(await browser.get(`${PATH}?${dataOf(page)['next']}`))).toEqual({ state: 'changed' });
    expect((await browser.get('/auth/me')).status).toBe(401);
  });

  it('end nothing because of a link', async () => {
    const { browser, page } = await signedIn(adapter);
    const mark = dataOf(page)['next']?.slice('changed='.length);
    for (const query of [
      'changed=',
      'changed=a.b',
      'after=',
      'after=a.b',
      `after=${mark}x`,
      `after=${mark}&after=${mark}`,
    ]) {
      expect([query, (await browser.get(`${PATH}?${query}`, { from: 'https://other.test' })).status]).toEqual([
        query,
        200,
      ]);
    }
    expect((await browser.get('/auth/me')).status).toBe(200);
  });

  it.each([
    ['none', undefined, { state: 'error' }],
    ['one with a space', 'a b', { state: 'error' }],
    ['one with a quotation mark', '"><script>', { state: 'error' }],
    ['one of 257 characters', 'x'.repeat(257), { state: 'error' }],
    ['one with what HTML knows', `<&'>`, { message: 'rp1 &#60;&#38;&#39;&#62;' }],
  ])('take %s for a session_state, as written', async (_what, session_state, data) => {
    const op = await startProvider({ managesSessions: true });
    op.authorizationResponse((parameters) => ({ ...parameters, session_state }));
    const app = await createApp({ adapter, op, controllers: [], publicUrl: URL, options: { routes: true } });
    const browser = new Browser(app);
    await browser.login();
    expect(dataOf(await browser.get(PATH))).toMatchObject(data);
  });

  it('are not there where the provider publishes no frame that a page may show', async () => {
    const app = await createApp({ adapter, controllers: [], publicUrl: URL, options: { routes: true } });
    const browser = new Browser(app);
    await browser.login();
    expect((await browser.get(PATH)).status).toBe(404);
    const op = await startProvider({ managesSessions: true });
    for (const check_session_iframe of ['http://op.test/frame', 'javascript:alert(1)', '/frame', '']) {
      const server = { check_session_iframe };
      const own = await createApp({ adapter, op, controllers: [], publicUrl: URL, options: { server, routes: true } });
      const third = new Browser(own);
      await third.login();
      expect([check_session_iframe, (await third.get(PATH)).status]).toEqual([check_session_iframe, 404]);
    }
  });

  it('say 503 while the provider or the store is down', async () => {
    const store = new ObservedStore();
    const { op, browser } = await signedIn(adapter, { store });
    store.fails = () => true;
    const without = await browser.get(PATH);
    expect([without.status, without.header('retry-after'), without.setCookies]).toEqual([503, '5', []]);
    store.fails = () => false;
    op.answer('discovery', { status: 503 });
    const options = { session: { secret: SESSION_SECRET }, routes: true, store } as const;
    const replica = await createApp({ adapter, op, controllers: [], publicUrl: URL, options });
    browser.knows(URL, replica.address);
    expect((await browser.get(PATH)).status).toBe(503);
    op.heal();
    replica.clock.advance(60);
    expect((await browser.get(PATH)).status).toBe(200);
  });

  it('ask again at once where the browser held the cookie back, because the provider sent it here', async () => {
    const { app, page } = await signedIn(adapter);
    const headers = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe', 'sec-fetch-site': 'cross-site' };
    const after = `${PATH}?${dataOf(page)['next']?.replace('changed', 'after')}`;
    const heldBack = await app.get(after, headers);
    expect([heldBack.status, heldBack.header('refresh')]).toEqual([401, '0']);
    const again = await app.get(after, { ...headers, 'sec-fetch-site': 'same-origin' });
    expect([again.status, dataOf(again)]).toEqual([200, { state: 'changed' }]);
  });

  it('are open for a global guard', async () => {
    const { page } = await signedIn(adapter, {}, { providers: [{ provide: APP_GUARD, useClass: OidcSessionGuard }] });
    expect(page.status).toBe(200);
  });
});
