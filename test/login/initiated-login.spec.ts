import { expect, it } from '@jest/globals';
import { Controller, Get, Post, UseGuards } from '@nestjs/common';
import fc from 'fast-check';

import { OidcLoginGuard, OidcModule, type ClientMetadata, type OidcModuleOptions } from '../../lib/index.js';
import { MeController } from '../support/app/app-controllers.js';
import { createApp, onBothAdapters, SESSION_SECRET, type Adapter, type AppSetup } from '../support/app/apps.js';
import { expectCallbackRefused } from '../support/app/outcomes.js';
import { Browser, type Page, type VisitOptions } from '../support/browser/browser.js';
import { closeLater } from '../support/closing.js';
import { startProvider } from '../support/provider/provider.js';
import { RealProvider } from '../support/provider/real-provider.js';

const URL = 'https://app.test';
const INITIATE = `${URL}/auth/initiate`;
const PORTAL: VisitOptions = { from: 'https://portal.test/' };

type Setup = Omit<AppSetup, 'adapter'>;

async function boot(adapter: Adapter, setup: Setup = {}) {
  const app = await createApp({
    adapter,
    controllers: [MeController],
    publicUrl: URL,
    ...setup,
    client: { initiate_login_uri: INITIATE, ...setup.client },
    options: { routes: true, ...setup.options },
  });
  return { app, browser: new Browser(app), iss: app.op.issuer };
}

const sentBy = (page: Page) => new globalThis.URL(page.location).searchParams;
const query = (parameters: Record<string, string>) => `${INITIATE}?${new URLSearchParams(parameters).toString()}`;

onBothAdapters((adapter) => {
  it('B14 begins a login at our provider, and completes it', async () => {
    const { app, browser, iss } = await boot(adapter);
    const begun = await browser.get(
      query({ iss, login_hint: 'alice@app.test', target_link_uri: `${URL}/me?x=1` }),
      PORTAL,
    );
    expect(begun.status).toBe(303);
    expect(begun.location.startsWith(`${iss}/authorize?`)).toBe(true);
    expect([sentBy(begun).get('login_hint'), sentBy(begun).has('target_link_uri')]).toEqual(['alice@app.test', false]);
    const back = await browser.follow(await browser.follow(begun));
    expect(back.target).toBe(`${URL}/me?x=1`);
    expect((await browser.follow(back)).json()).toMatchObject({ user: { sub: 'alice' } });
    expect(app.refusals).toEqual([]);
  });

  it.each([{}, { rawBody: true }, { bodyParser: false }])(
    'B14 takes a form of another site, with %p',
    async (parser) => {
      const { browser, iss } = await boot(adapter, parser);
      const form = { iss, login_hint: 'x'.repeat(2000), target_link_uri: `${URL}/me`, lti_message_hint: '1' };
      const begun = await browser.post(INITIATE, form, PORTAL);
      expect([sentBy(begun).get('login_hint')?.length, sentBy(begun).has('lti_message_hint')]).toEqual([2000, false]);
      expect((await browser.follow(await browser.follow(begun))).target).toBe(`${URL}/me`);
    },
  );

  it('B14 takes a form though a login of form_post is under way', async () => {
    const login = { responseMode: 'form_post' } as const;
    const { browser, iss } = await boot(adapter, { bodyParser: false, options: { login } });
    await browser.startLogin();
    const begun = await browser.post(INITIATE, { iss, target_link_uri: `${URL}/me` }, PORTAL);
    expect((await browser.submitForm(await browser.follow(begun))).target).toBe(`${URL}/me`);
  });

  it('TXN-26 B14 refuses the login at a provider that is not ours', async () => {
    const { app, browser, iss } = await boot(adapter);
    for (const other of ['https://evil.test', `${iss}/`, iss.toUpperCase(), ` ${iss}`]) {
      const page = await browser.get(query({ iss: other, target_link_uri: 'https://evil.test' }), PORTAL);
      expectCallbackRefused(page, 400, 'ISS_MISMATCH', app);
      expect(page.body).not.toContain('evil');
    }
    expectCallbackRefused(await browser.post(INITIATE, { iss: 'https://evil.test' }, PORTAL), 400, 'ISS_MISMATCH', app);
    expect([app.op.count(), browser.jar.names]).toEqual([0, []]);
  });

  it.each([
    'https://evil.test/',
    '//evil.test',
    '/\\evil.test',
    'https://app.test@evil.test/',
    'http://app.test/me',
    'javascript:alert(1)',
    INITIATE,
    `${URL}/auth/callback`,
  ])('TXN-26 REDIR-08 leads to no other site: target_link_uri %p ends at the front page', async (target_link_uri) => {
    const { browser, iss } = await boot(adapter);
    const begun = await browser.get(query({ iss, target_link_uri }), PORTAL);
    expect((await browser.follow(await browser.follow(begun))).target).toBe(`${URL}/`);
  });

  it('TXN-25 takes no parameter of the protocol, and others only as a link may', async () => {
    const { browser, iss } = await boot(adapter, { options: { login: { allow: ['lti_message_hint'] } } });
    const more = {
      client_id: 'x',
      scope: 'admin',
      redirect_uri: 'https://evil.test',
      ui_locales: 'de',
      prompt: 'none',
    };
    const begun = await browser.get(query({ iss, login_hint: 'alice', lti_message_hint: 'a', ...more }), PORTAL);
    const { state, nonce, code_challenge, ...sent } = Object.fromEntries(sentBy(begun));
    expect(sent).toEqual({
      client_id: 'rp1',
      response_type: 'code',
      redirect_uri: `${URL}/auth/callback`,
      scope: 'openid',
      code_challenge_method: 'S256',
      login_hint: 'alice',
      lti_message_hint: 'a',
    });
  });

  it.each([
    ['iss twice', (iss: string) => `iss=${iss}&iss=https://evil.test`, 'DUPLICATE_PARAMETER'],
    ['an object', (iss: string) => `iss=${iss}&login_hint[x]=1`, 'INVALID_PARAMETER'],
    ['a line break', (iss: string) => `iss=${iss}&login_hint=a%0d%0ab`, 'INVALID_PARAMETER'],
  ])('refuses %s', async (_what, parameters, code) => {
    const { app, browser, iss } = await boot(adapter);
    expectCallbackRefused(await browser.get(`${INITIATE}?${parameters(iss)}`, PORTAL), 400, code, app);
    expectCallbackRefused(await browser.post(INITIATE, parameters(iss), PORTAL), 400, code, app);
  });

  it('refuses a body that is no form', async () => {
    const { app, browser, iss } = await boot(adapter);
    const headers = { 'content-type': 'application/json' };
    const page = await browser.post(INITIATE, JSON.stringify({ iss }), { ...PORTAL, headers });
    expectCallbackRefused(page, 415, 'UNSUPPORTED_MEDIA_TYPE', app);
  });

  it('without iss is a link to the login', async () => {
    const { browser } = await boot(adapter);
    const begun = await browser.get(`${INITIATE}?returnTo=/me`, PORTAL);
    expect((await browser.follow(await browser.follow(begun))).target).toBe(`${URL}/me`);
  });

  it.each<[string, Record<string, string>, string | undefined, number]>([
    ['in a frame', { 'sec-fetch-dest': 'iframe' }, undefined, 403],
    ['in a frame, where the application is meant for frames', { 'sec-fetch-dest': 'iframe' }, 'none', 303],
    ['as a picture', { 'sec-fetch-dest': 'image', 'sec-fetch-mode': 'no-cors' }, undefined, 403],
    ['as a picture, whatever the cookies', { 'sec-fetch-dest': 'image', 'sec-fetch-mode': 'no-cors' }, 'none', 403],
  ])('signs nobody in unseen: %s', async (_where, headers, sameSite, status) => {
    const cookie = sameSite === 'none' ? { sameSite: 'none' as const } : {};
    const { app, browser, iss } = await boot(adapter, { options: { session: { secret: SESSION_SECRET, cookie } } });
    const page = await browser.get(query({ iss }), { ...PORTAL, headers });
    expect(page.status).toBe(status);
    expect(app.refusals.map(({ cause }) => Object(cause).code)).toEqual(status === 403 ? ['CROSS_SITE_REQUEST'] : []);
  });

  it('B14 each client has a route of its own, for its own provider', async () => {
    const partner = await startProvider();
    partner.register({ client_id: 'rp2', client_secret: 'x'.repeat(32), redirect_uris: [`${URL}/partners/callback`] });
    const client: ClientMetadata = {
      client_id: 'rp2',
      client_secret: 'x'.repeat(32),
      redirect_uris: [`${URL}/partners/callback`],
      initiate_login_uri: `${URL}/partners/initiate`,
    };
    const routes = { login: '/partners/login', callback: '/partners/callback', initiate: '/partners/initiate' };
    const others = { logout: false, postLogout: false, me: false, checkSession: false } as const;
    const options: OidcModuleOptions = {
      issuer: partner.issuer,
      client,
      session: { secret: SESSION_SECRET },
      routes: { ...routes, ...others },
    };
    const { app, browser, iss } = await boot(adapter, {
      imports: [OidcModule.forRoot({ name: 'partners', ...options })],
    });
    const begun = await browser.get(`${URL}/partners/initiate?iss=${partner.issuer}`, PORTAL);
    expect(begun.location.startsWith(`${partner.issuer}/authorize?`)).toBe(true);
    expect((await browser.get(query({ iss }), PORTAL)).location.startsWith(`${iss}/authorize?`)).toBe(true);
    expectCallbackRefused(await browser.get(query({ iss: partner.issuer }), PORTAL), 400, 'ISS_MISMATCH', app);
  });

  it('B14 is a route of one’s own as well, also behind a proxy that cuts a prefix off', async () => {
    @Controller('auth')
    @UseGuards(OidcLoginGuard)
    class OwnController {
      @Get('login') login() {}
      @Get('callback') callback() {}
      @Get('initiate') initiate() {}
      @Post('initiate') initiateByForm() {}
    }
    const { app, browser, iss } = await boot(adapter, {
      controllers: [OwnController],
      client: {
        redirect_uris: [`${URL}/shop/auth/callback`],
        initiate_login_uri: `${URL}/shop/auth/initiate`,
      },
      options: { routes: undefined, login: { callbackPath: '/auth/callback' } },
    });
    expectCallbackRefused(await browser.get(query({ iss: 'https://evil.test' }), PORTAL), 400, 'ISS_MISMATCH', app);
    const begun = await browser.post(INITIATE, { iss, login_hint: 'alice' }, PORTAL);
    expect(sentBy(begun).get('login_hint')).toBe('alice');
    // At any other route the same parameters say nothing.
    const link = await browser.get(`/auth/login?iss=https://evil.test&login_hint=alice&target_link_uri=/me`, PORTAL);
    expect([link.location.startsWith(`${iss}/authorize?`), sentBy(link).has('login_hint')]).toEqual([true, false]);
  });

  it('is not mounted where it is not registered', async () => {
    const { app } = await boot(adapter, { client: { initiate_login_uri: undefined } });
    expect((await app.get('/auth/initiate')).status).toBe(404);
  });

  it('B14 begins and completes a login at oidc-provider', async () => {
    const op = closeLater(await RealProvider.start());
    const app = await createApp({
      adapter,
      op,
      controllers: [MeController],
      client: { ...RealProvider.SIGNED, initiate_login_uri: 'http://127.0.0.1/auth/initiate' },
      registered: { initiate_login_uri: undefined },
      options: { routes: true },
    });
    const browser = new Browser(app);
    const path = `/auth/initiate?${new URLSearchParams({ iss: op.issuer, target_link_uri: `${app.url}/me` }).toString()}`;
    const back = await op.login(browser, { sub: 'bob', path, from: 'https://portal.test/' });
    expect((await browser.follow(back)).json()).toMatchObject({ user: { sub: 'bob' } });
  });
});

it('B14 whatever another site sends, a login begins at our provider, or is refused', async () => {
  const { browser, iss } = await boot('express');
  const names = fc.constantFrom('iss', 'login_hint', 'target_link_uri', 'returnTo', 'state', 'code', 'x');
  const values = fc.oneof(fc.constant(iss), fc.constant('https://evil.test'), fc.string({ maxLength: 40 }));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(names, values), { maxLength: 6 }), async (pairs) => {
      const page = await browser.get(`${INITIATE}?${new URLSearchParams(pairs).toString()}`, PORTAL);
      const isElsewhere = pairs.some(([name, value]) => name === 'iss' && value !== '' && value !== iss);
      expect([400, 303]).toContain(page.status);
      expect(page.status === 303 && isElsewhere).toBe(false);
      expect(page.target?.startsWith(`${iss}/authorize?`) ?? true).toBe(true);
      browser.jar.clear();
    }),
    { numRuns: 60 },
  );
});

it.each<[string, Setup, string]>([
  [
    'that no mounted route answers',
    { client: { initiate_login_uri: `${URL}/start` } },
    'client.initiate_login_uri: must lead to the mounted route /auth/initiate (routes.initiate)',
  ],
  [
    'of the callback',
    { client: { initiate_login_uri: `${URL}/auth/callback` } },
    'client.initiate_login_uri: must have another path than the redirect URIs, whose requests answer a login',
  ],
  [
    'that is no URI',
    { client: { initiate_login_uri: '/auth/initiate' } },
    'client.initiate_login_uri: must be an absolute URI without a fragment',
  ],
])('an initiate_login_uri %s stops the boot', async (_what, setup, message) => {
  await expect(boot('express', setup)).rejects.toThrow(message);
});
