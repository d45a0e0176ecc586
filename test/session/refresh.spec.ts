import { expect, it } from '@jest/globals';
import { Controller, Get, Inject, Post, Req, Res, UseGuards } from '@nestjs/common';

import {
  MemoryStore,
  OidcClient,
  OidcSession,
  OidcSessionGuard,
  TokenResponse,
  type OidcModuleOptions,
} from '../../lib/index.js';
import { createApp, onBothAdapters, SESSION_SECRET, type Adapter } from '../support/app/apps.js';
import { AuthController } from '../support/app/app-controllers.js';
import { expectNoSecrets } from '../support/app/outcomes.js';
import { Browser } from '../support/browser/browser.js';
import type { HostileProvider } from '../support/provider/hostile-provider.js';
import { startProvider } from '../support/provider/provider.js';

@Controller('tokens')
@UseGuards(OidcSessionGuard)
class TokensController {
  constructor(
    @Inject(OidcSession) private readonly session: OidcSession,
    @Inject(OidcClient) private readonly client: OidcClient,
  ) {}

  /** What the handler sees of the session after the guard. */
  @Get()
  async show(@Req() request: object) {
    const { tokens } = (await this.session.read(request)) ?? {};
    return {
      access_token: tokens?.access_token,
      refresh_token: tokens?.refresh_token,
      id_token: tokens?.id_token,
      scope: tokens?.scope,
    };
  }

  @Get('access')
  async access(@Req() request: object) {
    return { access_token: await this.session.accessToken(request) };
  }

  @Post('refresh')
  async refresh(@Req() request: object, @Res({ passthrough: true }) response: object) {
    return { scope: (await this.session.refresh(request, response)).tokens.scope };
  }

  @Get('headers')
  async headers(@Req() request: object) {
    const { tokens } = (await this.session.read(request)) ?? {};
    return tokens instanceof TokenResponse
      ? this.client.authorizationHeaders(tokens, { method: 'GET', url: 'https://api.test/' })
      : {};
  }
}

/** A signed-in browser. Its access token lives for an hour, and every refresh brings a new refresh token. */
async function signedIn(
  adapter: Adapter,
  options: Partial<OidcModuleOptions> = {},
  client: object = {},
  op?: HostileProvider,
) {
  const app = await createApp({
    adapter,
    ...(op && { op }),
    controllers: [AuthController, TokensController],
    client,
    options: {
      login: { scope: 'openid offline_access' },
      session: { secret: SESSION_SECRET, tokens: true },
      ...options,
    },
  });
  const browser = new Browser(app);
  await browser.login();
  const tokens = async (from = browser) => (await from.get('/tokens')).json();
  const refreshes = () => app.op.requests('token').filter(({ form }) => form['grant_type'] === 'refresh_token');
  return { app, browser, tokens, refreshes, first: await tokens() };
}

onBothAdapters((adapter) => {
  it('E12 REFR-13 refresh a minute ahead of the expiry, and write the new tokens for the next request', async () => {
    const { app, browser, tokens, refreshes, first } = await signedIn(adapter);
    app.clock.advance(3600 - 61);
    expect((await tokens())['access_token']).toBe(first['access_token']);
    app.clock.advance(2);
    const page = await browser.get('/tokens');
    const second = page.json();
    expect(second['access_token']).not.toBe(first['access_token']);
    expect(second['refresh_token']).not.toBe(first['refresh_token']);
    expect(page.setCookies.length).toBeGreaterThan(0);
    expect(await tokens()).toEqual(second);
    expect(refreshes().map(({ form }) => form)).toEqual([
      expect.objectContaining({ grant_type: 'refresh_token', refresh_token: first['refresh_token'] }),
    ]);
    expectNoSecrets(app, await browser.get('/tokens/headers'), [String(second['refresh_token'])]);
  });

  it('refresh once for forty requests at the same time, and for who comes later with the old cookie', async () => {
    const { app, browser, tokens, refreshes } = await signedIn(adapter);
    const late = browser.copy();
    app.clock.advance(3600);
    const pages = await Promise.all(Array.from({ length: 40 }, () => browser.copy().get('/tokens')));
    expect(new Set(pages.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(pages.map((page) => page.json()['access_token'])).size).toBe(1);
    app.clock.advance(29);
    expect((await tokens(late))['access_token']).toBe(pages[0]?.json()['access_token']);
    expect(refreshes()).toHaveLength(1);
  });

  it('REFR-07 end the session where the provider takes the refresh token no more', async () => {
    const { app, browser, refreshes } = await signedIn(adapter);
    app.op.answer('token', { status: 400, body: { error: 'invalid_grant' } });
    app.clock.advance(3600);
    const page = await browser.get('/tokens');
    expect([page.status, page.json()['error']]).toEqual([401, 'login_required']);
    expect(browser.jar.names).toEqual([]);
    expect(refreshes()).toHaveLength(1);
  });

  it('REFR-06 end the session where the answer with the rotated token was lost, and ask no more', async () => {
    const { app, browser, refreshes, first } = await signedIn(adapter);
    const lost = async (_request: unknown, next: () => Promise<unknown>) => {
      await next();
      return 'close' as const;
    };
    app.op.answer('token', lost, { times: 1 });
    app.clock.advance(3600);
    expect((await browser.get('/tokens')).json()).toEqual(first);
    app.clock.advance(6);
    const pages = [await browser.get('/tokens'), await browser.get('/tokens')];
    expect(pages.map(({ status }) => status)).toEqual([401, 401]);
    expect([refreshes().length, browser.jar.names]).toEqual([2, []]);
  });

  it('REFR-11 prove the same key at each refresh', async () => {
    const { app, tokens, first } = await signedIn(adapter, {}, { dpop_bound_access_tokens: true });
    app.clock.advance(3600);
    expect((await tokens())['access_token']).not.toBe(first['access_token']);
    app.clock.advance(3600);
    await tokens();
    const keys = app.op.requests('token').map(({ headers }) => {
      const [header = ''] = String(headers['dpop']).split('.');
      return JSON.parse(Buffer.from(header, 'base64url').toString()).jwk.x;
    });
    expect(keys).toHaveLength(3);
    expect(new Set(keys)).toEqual(new Set([expect.stringMatching(/^[\w-]{43}$/)]));
  });

  it.each([
    [['authorization_code'], 0],
    [['authorization_code', 'refresh_token'], 1],
  ])('E15 with the grant types %j are refreshed %d times', async (grant_types, times) => {
    const { app, browser, refreshes } = await signedIn(adapter, {}, { grant_types });
    app.clock.advance(3600);
    expect((await browser.get('/tokens')).status).toBe(200);
    expect(refreshes()).toHaveLength(times);
  });

  it('REFR-08 keep session and tokens at an error that passes, and try again five seconds later', async () => {
    const { app, tokens, refreshes, first } = await signedIn(adapter);
    app.op.answer('token', { status: 503 });
    app.clock.advance(3600 - 30);
    expect(await tokens()).toEqual(first);
    app.clock.advance(4);
    expect(await tokens()).toEqual(first);
    expect(refreshes()).toHaveLength(1);
    app.op.heal();
    app.clock.advance(2);
    expect((await tokens())['access_token']).not.toBe(first['access_token']);
    expect(refreshes()).toHaveLength(2);
  });

  it.each([
    ['REFR-01 another person', { sub: 'mallory' }],
    ['REFR-02 another audience', { aud: 'other' }],
    ['REFR-02 another issuer', { iss: 'https://other.test' }],
    ['REFR-02 another authentication', { auth_time: 1 }],
    ['REFR-03 another nonce', { nonce: 'x' }],
  ])('%s in a refreshed ID token ends the session', async (_what, fault) => {
    const { app, browser } = await signedIn(adapter, {}, { default_max_age: 3600 });
    app.op.idToken({ claims: (claims) => ({ ...claims, ...fault }) });
    app.clock.advance(3600);
    expect((await browser.get('/tokens')).status).toBe(401);
    expect(browser.jar.names).toEqual([]);
  });

  it('REFR-02 hold a refreshed ID token to the audiences that the login trusts', async () => {
    const op = await startProvider();
    op.idToken({ claims: (claims) => ({ ...claims, aud: ['rp1', 'project'], azp: 'rp1' }) });
    const login = { scope: 'openid offline_access', trustedAudiences: 'azp' } as const;
    const { app, browser, tokens, first } = await signedIn(adapter, { login }, {}, op);
    app.clock.advance(3600);
    expect((await tokens())['access_token']).not.toBe(first['access_token']);
    op.idToken({ claims: (claims) => ({ ...claims, aud: ['rp1', 'project'], azp: 'project' }) });
    app.clock.advance(3600);
    expect((await browser.get('/tokens')).status).toBe(401);
  });

  it('ask for no scope: the login may have been granted less than it wanted, and more is refused', async () => {
    const { app, tokens, refreshes } = await signedIn(adapter);
    app.clock.advance(3600);
    await tokens();
    expect(refreshes().map(({ form }) => form['scope'])).toEqual([undefined]);
  });

  it('REFR-09 REFR-10 keep what the answer leaves out, and take a narrower scope', async () => {
    const { app, tokens, first } = await signedIn(adapter);
    app.op.tokenResponse(({ refresh_token, id_token, ...members }) => ({ ...members, scope: 'openid' }));
    app.clock.advance(3600);
    const second = await tokens();
    expect(second).toEqual({
      access_token: expect.any(String),
      refresh_token: first['refresh_token'],
      id_token: first['id_token'],
      scope: 'openid',
    });
    expect(second['access_token']).not.toBe(first['access_token']);
  });

  it('give the application an access token that is good, and no header with an expired one', async () => {
    const { app, browser, tokens, first } = await signedIn(adapter);
    expect((await browser.get('/tokens/access')).json()).toEqual({ access_token: first['access_token'] });
    app.op.answer('token', { status: 503 });
    app.clock.advance(3600);
    expect((await browser.get('/tokens/headers')).status).toBe(500);
    expect(app.errors.at(-1)).toMatchObject({ code: 'ACCESS_TOKEN_EXPIRED' });
    app.op.heal();
    app.clock.advance(6);
    const given = (await browser.get('/tokens/access')).json();
    expect(given['access_token']).not.toBe(first['access_token']);
    expect((await tokens())['access_token']).toBe(given['access_token']);
  });

  it('refresh on request, and end the session where that fails for good', async () => {
    const { app, browser, tokens, first } = await signedIn(adapter);
    expect((await browser.post('/tokens/refresh')).status).toBe(201);
    expect((await tokens())['access_token']).not.toBe(first['access_token']);
    app.op.answer('token', { status: 400, body: { error: 'invalid_grant' } });
    expect((await browser.post('/tokens/refresh')).status).toBe(401);
    expect(browser.jar.names).toEqual([]);
  });

  it.each([
    ['that rotates', false],
    ['that does not rotate', true],
  ])('E14 refresh twice on request, one after the other, at a provider %s', async (_which, isFixed) => {
    const { app, browser, tokens, refreshes, first } = await signedIn(adapter);
    app.op.tokenResponse(({ id_token, ...members }) => members);
    if (isFixed) {
      app.op.answer('token', () => ({
        body: { access_token: app.op.issue(), token_type: 'Bearer', expires_in: 3600 },
      }));
    }
    const seen = [first];
    for (let index = 0; index < 2; index += 1) {
      expect((await browser.post('/tokens/refresh')).status).toBe(201);
      seen.push(await tokens());
    }
    expect(new Set(seen.map((one) => one['access_token'])).size).toBe(3);
    expect(seen.map((one) => one['id_token'])).toEqual([first['id_token'], first['id_token'], first['id_token']]);
    expect(refreshes().map(({ form }) => form['refresh_token'])).toEqual([
      first['refresh_token'],
      isFixed ? first['refresh_token'] : seen[1]?.['refresh_token'],
    ]);
  });

  it('say once that rotation needs a store where several replicas run', async () => {
    const { app, tokens } = await signedIn(adapter);
    const lines = () => app.logs.filter(({ message }) => message.startsWith('The provider rotates refresh tokens.'));
    app.clock.advance(3600);
    await tokens();
    app.clock.advance(3600);
    await tokens();
    expect(lines()).toHaveLength(1);
  });
});

it('refresh once for several replicas that share a store', async () => {
  const store = new MemoryStore();
  const { app, browser, refreshes } = await signedIn('express', { store });
  const other = await createApp({
    adapter: 'express',
    op: app.op,
    publicUrl: app.url,
    controllers: [TokensController],
    client: { redirect_uris: [`${app.url}/auth/callback`] },
    options: { store, login: { scope: 'openid offline_access' }, session: { secret: SESSION_SECRET, tokens: true } },
  });
  const there = browser.copy();
  there.knows(app.url, other.address);
  app.clock.advance(3600);
  const pages = await Promise.all([browser, there, browser.copy(), there.copy()].map((one) => one.get('/tokens')));
  expect(pages.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  expect(new Set(pages.map((page) => page.json()['access_token'])).size).toBe(1);
  expect(refreshes()).toHaveLength(1);
});

it('asks for consent where offline access is in the scope, unless the application says otherwise', async () => {
  const prompt = async (login: OidcModuleOptions['login']) => {
    const app = await createApp({ adapter: 'express', options: { login } });
    const { location } = await new Browser(app).get('/auth/login');
    return new URL(location).searchParams.get('prompt');
  };
  expect(await prompt({ scope: 'openid' })).toBeNull();
  expect(await prompt({ scope: 'openid offline_access' })).toBe('consent');
  expect(await prompt({ scope: 'openid offline_access', parameters: { prompt: 'login' } })).toBe('login');
});
