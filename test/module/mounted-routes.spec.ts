import { expect, it } from '@jest/globals';
import { Controller, Get, VersioningType } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';

import {
  MemoryStore,
  OidcGuard,
  OidcSessionGuard,
  type ClientMetadata,
  type OidcModuleOptions,
} from '../../lib/index.js';
import { MeController } from '../support/app/app-controllers.js';
import { createApp, onBothAdapters, SESSION_SECRET, type Adapter, type AppSetup } from '../support/app/apps.js';
import { expectNoSecrets } from '../support/app/outcomes.js';
import { Browser } from '../support/browser/browser.js';
import { ObservedStore } from '../support/store/stores.js';

type Setup = Omit<AppSetup, 'adapter'>;

const URL = 'https://app.test';

/** An application without a controller of its own. */
const withRoutes = (adapter: Adapter, routes: OidcModuleOptions['routes'], setup: Setup = {}) =>
  createApp({
    adapter,
    controllers: [],
    publicUrl: URL,
    ...setup,
    client: { post_logout_redirect_uris: [`${URL}/auth/logged-out`], ...setup.client },
    options: { routes, ...setup.options },
  });

@Controller()
class FrontPage {
  @Get() show() {
    return 'front page';
  }
}

onBothAdapters((adapter) => {
  it('H1 H2 log in, say who is there, and log out at the provider and back, without a controller', async () => {
    const app = await withRoutes(adapter, true);
    const browser = new Browser(app);
    expect((await browser.get('/auth/me')).status).toBe(401);
    expect((await browser.login({ returnTo: '/somewhere' })).target).toBe(`${URL}/somewhere`);
    const me = await browser.get('/auth/me');
    expect(me.status).toBe(200);
    expect(me.json()).toEqual({ sub: 'alice', claims: expect.objectContaining({ sub: 'alice', aud: 'rp1' }) });
    expect(me.header('cache-control')).toBe('private, no-store');

    const left = await browser.post('/auth/logout');
    expect(left.status).toBe(303);
    const parameters = new globalThis.URL(left.location).searchParams;
    expect(left.location.startsWith(`${app.op.issuer}/end-session?`)).toBe(true);
    expect(parameters.get('post_logout_redirect_uri')).toBe(`${URL}/auth/logged-out`);
    expect(parameters.get('id_token_hint')).toMatch(/^ey/);
    expect(parameters.get('state')).toMatch(/^[\w-]{22}$/);
    expect((await browser.get('/auth/me')).status).toBe(401);

    const back = await browser.follow(await browser.follow(left));
    expect([back.status, back.target]).toEqual([303, `${URL}/`]);
    expect(browser.jar.names).toEqual([]);
  });

  it.each([
    ['FCL-09 as the hint', 500, true],
    ['FCL-09 without it where it is too large for the headers of an answer', 2000, false],
  ])('log out at the provider with the ID token %s', async (_what, size, isHint) => {
    const app = await withRoutes(adapter, true, { options: { store: new MemoryStore() } });
    app.op.idToken({ claims: (claims) => ({ ...claims, groups: 'x'.repeat(size) }) });
    const browser = new Browser(app);
    await browser.login();
    const left = await browser.post('/auth/logout');
    const parameters = new globalThis.URL(left.location).searchParams;
    expect([parameters.get('client_id'), parameters.has('id_token_hint')]).toEqual(['rp1', isHint]);
    const logged = app.logs.map(({ text }) => text).join('\n');
    expect(logged).not.toContain(parameters.get('id_token_hint') ?? 'ey');
  });

  it('REDIS-02 ask to come back, and say of nobody that he is signed out, while the store is away', async () => {
    const store = new ObservedStore();
    const app = await withRoutes(adapter, true, { options: { store } });
    const browser = new Browser(app);
    await browser.login();
    store.fails = () => true;
    const me = await browser.get('/auth/me');
    expect([me.status, app.lastCode, me.header('retry-after')]).toEqual([503, 'STORE_UNAVAILABLE', '5']);
    expect(me.setCookies).toEqual([]);
    expect((await new Browser(app).get('/auth/me')).status).toBe(401);
    store.fails = () => false;
    expect((await browser.get('/auth/me')).status).toBe(200);
  });

  it.each([
    ['H3 FCL-08 another state', (state: string) => `?state=${state}_INVALID`],
    ['H4 no state though one was sent', () => ''],
  ])('refuse the way back from a logout with %s', async (_what, query) => {
    const app = await withRoutes(adapter, true);
    const browser = new Browser(app);
    await browser.login();
    const left = await browser.post('/auth/logout');
    const state = new globalThis.URL(left.location).searchParams.get('state') ?? '';
    const back = await browser.get(`/auth/logged-out${query(state)}`);
    expect([back.status, back.json()]).toEqual([
      400,
      { error: 'invalid_request', error_description: 'This does not complete a sign-out. You are signed out here.' },
    ]);
    expect((await browser.get('/auth/me')).status).toBe(401);
    expectNoSecrets(app, back, [state]);
  });

  it('say 503 where nobody knows who is there, because the store is down', async () => {
    const store = new ObservedStore();
    const app = await withRoutes(adapter, true, { options: { store } });
    const browser = new Browser(app);
    await browser.login();
    store.fails = () => true;
    const page = await browser.get('/auth/me');
    expect([page.status, page.setCookies, app.lastCode]).toEqual([503, [], 'STORE_UNAVAILABLE']);
    store.fails = () => false;
    expect((await browser.get('/auth/me')).status).toBe(200);
  });

  it('FCL-06 ask before a logout that a link starts, and in no frame', async () => {
    const app = await withRoutes(adapter, true);
    const browser = new Browser(app);
    await browser.login();
    const page = await browser.get('/auth/logout', { from: 'https://other.test/' });
    expect([page.status, page.header('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(page.header('content-security-policy')).toBe("default-src 'none'; base-uri 'none'; frame-ancestors 'none'");
    expect((await browser.get('/auth/me')).status).toBe(200);
    expect((await browser.submitForm(page)).status).toBe(303);
    expect((await browser.get('/auth/me')).status).toBe(401);
  });

  it('FCL-06 refuse a logout that another site posts', async () => {
    const app = await withRoutes(adapter, true);
    const browser = new Browser(app);
    await browser.login();
    expect((await browser.post('/auth/logout', {}, { from: 'https://other.test/' })).status).toBe(403);
    expect((await browser.get('/auth/me')).status).toBe(200);
  });

  it('FCL-12 end a logout at the front page where there is no session, and where the provider is down', async () => {
    const app = await withRoutes(adapter, true);
    const browser = new Browser(app);
    expect((await browser.post('/auth/logout')).target).toBe(`${URL}/`);
    await browser.login();
    app.clock.advance(7200);
    app.op.answer('discovery', { status: 503 });
    expect((await browser.post('/auth/logout')).status).toBe(303);
    expect((await browser.get('/auth/me')).status).toBe(401);
  });

  it('stand below the global prefix and above versions, at paths of the application’s choice', async () => {
    const app = await withRoutes(
      adapter,
      { login: '/in', me: '/who', logout: false, postLogout: false },
      {
        globalPrefix: 'app',
        configure: (nest) => void nest.enableVersioning({ type: VersioningType.URI, defaultVersion: '1' }),
      },
    );
    const browser = new Browser(app);
    expect((await browser.login({ path: '/app/in' })).status).toBe(303);
    expect((await browser.get('/app/who')).status).toBe(200);
    for (const path of ['/auth/login', '/app/auth/login', '/app/v1/in', '/app/auth/logout', '/app/auth/me']) {
      expect([path, (await browser.get(path)).status]).toEqual([path, 404]);
    }
  });

  it('are open for global guards, and open nothing else', async () => {
    const app = await withRoutes(adapter, true, {
      controllers: [FrontPage],
      providers: [
        { provide: APP_GUARD, useClass: OidcSessionGuard },
        { provide: APP_GUARD, useClass: OidcGuard },
      ],
    });
    const browser = new Browser(app);
    expect((await browser.get('/', { headers: { 'sec-fetch-mode': 'cors' } })).status).toBe(401);
    expect((await browser.login()).status).toBe(303);
    expect((await browser.get('/auth/me')).status).toBe(200);
  });

  it('send a browser that navigates to the login and back to a deep link, and a script not', async () => {
    const app = await withRoutes(adapter, true, { controllers: [MeController] });
    const browser = new Browser(app);
    const sent = await browser.get('/me?tab=2&next=%2Fa');
    expect([sent.status, sent.target]).toEqual([303, `${URL}/auth/login?returnTo=%2Fme%3Ftab%3D2%26next%3D%252Fa`]);
    expect(sent.header('cache-control')).toBe('no-store');
    const begun = await browser.follow(sent);
    const back = await browser.follow(await browser.follow(begun));
    expect(back.target).toBe(`${URL}/me?tab=2&next=%2Fa`);
    expect((await browser.follow(back)).status).toBe(200);

    const other = new Browser(app);
    const statuses = async (headers: Record<string, string>) => (await other.get('/me', { headers })).status;
    expect(await statuses({ 'sec-fetch-mode': 'cors' })).toBe(401);
    expect((await other.post('/me')).status).toBe(401);
    expect((await app.request('/me', { headers: { accept: 'text/html,*/*' } })).status).toBe(303);
    expect((await app.request('/me', { headers: { accept: 'application/json' } })).status).toBe(401);
    expect((await other.get('/auth/me')).status).toBe(401);
  });

  it('REDIR-22 refuse a form that a browser without a session posts, and never send it again', async () => {
    const app = await withRoutes(adapter, true, { controllers: [MeController] });
    const browser = new Browser(app);
    const posted = await browser.post('/me', { amount: '100' });
    expect([posted.status, posted.target, posted.json()['error']]).toEqual([401, undefined, 'login_required']);
    await browser.login({ returnTo: '/me' });
    expect(app.handled).toEqual([]);
  });

  it('ask a browser again that may hold its session back, in place of a login that would never end', async () => {
    const session = { secret: SESSION_SECRET, cookie: { sameSite: 'strict' } } as const;
    const app = await withRoutes(adapter, true, { controllers: [MeController], options: { session } });
    const browser = new Browser(app);
    const asked = await browser.get('/me', { from: 'https://other.test/' });
    expect([asked.status, asked.target, asked.header('refresh')]).toEqual([401, undefined, '0']);
    const own = await browser.get('/me', { from: URL });
    expect([own.status, own.header('refresh')]).toEqual([303, undefined]);
    await browser.follow(await browser.follow(await browser.follow(own)));
    expect((await browser.get('/me', { from: app.op.issuer })).header('refresh')).toBe('0');
    expect((await browser.get('/me', { from: URL })).status).toBe(200);
    const script = await browser.get('/me', { from: 'https://other.test/', headers: { 'sec-fetch-mode': 'cors' } });
    expect([script.status, script.header('refresh')]).toEqual([401, undefined]);
  });

  it('send nobody to the login where redirectToLogin is off', async () => {
    const session = { secret: SESSION_SECRET, redirectToLogin: false };
    const app = await withRoutes(adapter, true, { controllers: [MeController], options: { session } });
    expect((await new Browser(app).get('/me')).status).toBe(401);
  });

  it('are not there without the option', async () => {
    const app = await createApp({ adapter, controllers: [], options: { session: undefined } });
    const browser = new Browser(app);
    for (const path of ['/auth/login', '/auth/callback', '/auth/logout', '/auth/me']) {
      expect([path, (await browser.get(path)).status]).toEqual([path, 404]);
    }
  });
});

it.each<[string, Partial<ClientMetadata>, string]>([
  [
    'post_logout_redirect_uris',
    { post_logout_redirect_uris: [`${URL}/`] },
    'client.post_logout_redirect_uris: must lead to the mounted route /auth/logged-out (routes.postLogout)',
  ],
  [
    'frontchannel_logout_uri',
    { frontchannel_logout_uri: `${URL}/fcl` },
    'client.frontchannel_logout_uri: must lead to the mounted route /auth/frontchannel-logout (routes.frontchannelLogout)',
  ],
  ['redirect_uris', { redirect_uris: [`${URL}/cb`] }, `client.redirect_uris: ${URL}/cb is answered by no route`],
])('%s that no mounted route answers stops the boot', async (_member, client, message) => {
  await expect(withRoutes('express', true, { client })).rejects.toThrow(message);
});

it.each<[string, unknown, string]>([
  ['a pattern', { login: '/auth/:login' }, 'routes.login: must be a plain path such as /auth/login, or false'],
  ['no slash in front', { me: 'me' }, 'routes.me: must be a plain path such as /auth/login, or false'],
  ['an unknown route', { signup: '/signup' }, 'routes.signup: there is no such option'],
  ['the same path twice', { login: '/a', me: '/a' }, 'routes: must be different paths'],
  ['no object', 'yes', 'routes: must be true, or an object of paths'],
])('%s stops the boot', async (_what, routes, message) => {
  const options = Object.fromEntries([['routes', routes]]);
  await expect(createApp({ adapter: 'express', controllers: [], options })).rejects.toThrow(message);
});
