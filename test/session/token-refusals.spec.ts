import { randomBytes } from 'node:crypto';

import { expect, it } from '@jest/globals';
import { Controller, Get, Inject, Post, Req, Res, UseGuards } from '@nestjs/common';

import {
  CurrentUser,
  MemoryStore,
  OidcException,
  OidcSession,
  OidcSessionGuard,
  OptionalAuth,
  type OidcUser,
} from '../../lib/index.js';
import {
  createApp,
  onBothAdapters,
  SESSION_SECRET,
  type Adapter,
  type AppSetup,
  type TestApp,
} from '../support/app/apps.js';
import { AuthController } from '../support/app/app-controllers.js';
import { expectDependency, expectNoSecrets, expectRefused } from '../support/app/outcomes.js';
import { Browser } from '../support/browser/browser.js';
import { ObservedStore } from '../support/store/stores.js';

/** Handlers that catch nothing. */
@Controller('calls')
@UseGuards(OidcSessionGuard)
class CallsController {
  constructor(@Inject(OidcSession) private readonly session: OidcSession) {}

  @Get('token')
  async token(@Req() request: object) {
    return { access_token: await this.session.accessToken(request) };
  }

  @Get('token/anybody')
  @OptionalAuth()
  async anybody(@Req() request: object) {
    return { access_token: await this.session.accessToken(request) };
  }

  @Post('refresh')
  async refresh(@Req() request: object, @Res({ passthrough: true }) response: object) {
    return { scope: (await this.session.refresh(request, response)).tokens.scope };
  }

  @Get('caught')
  async caught(@Req() request: object) {
    try {
      return { access_token: await this.session.accessToken(request) };
    } catch (error) {
      const caught = error instanceof OidcException ? error : undefined;
      return { code: caught?.code, cause: caught?.cause?.code, name: caught?.cause?.name };
    }
  }

  @Get('logout-url')
  async logoutUrl(@Req() request: object) {
    return { url: await this.session.endSessionUrl(request) };
  }

  @Post('logout-everywhere')
  async everywhere(@CurrentUser() user: OidcUser) {
    await this.session.endAll(user.sub, { revoke: true });
  }
}

@Controller('unguarded')
class UnguardedController {
  constructor(@Inject(OidcSession) private readonly session: OidcSession) {}

  @Get('token')
  async token(@Req() request: object, @Res({ passthrough: true }) response: object) {
    return { access_token: await this.session.accessToken(request, response) };
  }
}

const CONTROLLERS = [AuthController, CallsController, UnguardedController];

const KEPT = { login: { scope: 'openid offline_access' }, session: { secret: SESSION_SECRET, tokens: true } };

/** A signed-in browser, whose access token lives for an hour. */
async function signedIn(adapter: Adapter, setup: Partial<AppSetup> = {}) {
  const app = await createApp({ controllers: CONTROLLERS, options: KEPT, ...setup, adapter });
  const browser = new Browser(app);
  await browser.login();
  return { app, browser };
}

/** The application anew, at its old address in the browser, with its tokens kept. */
async function restarted({ adapter, op, url }: TestApp, browser: Browser) {
  const client = { redirect_uris: [`${url}/auth/callback`] };
  const app = await createApp({ adapter, controllers: CONTROLLERS, options: KEPT, op, publicUrl: url, client });
  browser.knows(url, app.address);
  return app;
}

onBothAdapters((adapter) => {
  it('401 where the token is expired and the session has no refresh token; the session stays', async () => {
    const { app, browser } = await signedIn(adapter);
    app.op.tokenResponse(({ refresh_token, ...members }) => members);
    await browser.login();
    app.clock.advance(3600);
    for (const answer of [await browser.get('/calls/token'), await browser.post('/calls/refresh')]) {
      expectRefused(app, answer, 401, 'ACCESS_TOKEN_EXPIRED');
      expect(answer.json()['error']).toBe('login_required');
      expect(answer.header('www-authenticate')).toBe('Cookie realm="session"');
    }
    expect(app.logs.map(({ message }) => message)).toContain(
      'Tokens not refreshed: ACCESS_TOKEN_EXPIRED: The session has no refresh token. Many providers give one only where ' +
        'login.scope has offline_access.',
    );
    expect((await browser.get('/calls/logout-url')).status).toBe(200);
  });

  it('503 with Retry-After while the token endpoint is down; the session stays', async () => {
    const { app, browser } = await signedIn(adapter);
    const { access_token } = (await browser.get('/calls/token')).json();
    app.op.answer('token', { status: 503, headers: { 'retry-after': '7' } });
    app.clock.advance(3600);
    const answer = await browser.get('/calls/token');
    expectDependency(app, answer, 'UPSTREAM_UNAVAILABLE', 7);
    expectDependency(app, await browser.post('/calls/refresh'), 'UPSTREAM_UNAVAILABLE');
    expectNoSecrets(app, answer, [String(access_token)]);
    const line = app.logs.find(({ message }) => message.startsWith('Tokens not refreshed: UPSTREAM_UNAVAILABLE'));
    expect(line?.level).toBe('warn');
    app.op.heal();
    app.clock.advance(8);
    expect((await browser.get('/calls/token')).status).toBe(200);
  });

  it('504 where the token endpoint is too slow', async () => {
    const { app, browser } = await signedIn(adapter, { options: { ...KEPT, http: { timeout: 1000 } } });
    app.op.answer('token', 'hang');
    app.clock.advance(3600);
    const answer = await browser.get('/calls/token');
    expectRefused(app, answer, 504, 'UPSTREAM_TIMEOUT');
    expect(answer.header('retry-after')).toBe('5');
  });

  it('502 where the answer of the token endpoint can not be used', async () => {
    const { app, browser } = await signedIn(adapter);
    app.op.answer('token', { body: { token_type: 'Bearer' } });
    app.clock.advance(3600);
    const answer = await browser.get('/calls/token');
    expectRefused(app, answer, 502, 'TOKEN_RESPONSE_INVALID');
    expect(answer.json()['error']).toBe('server_error');
  });

  it('401 where the provider takes the refresh token no more, and the session is over', async () => {
    const { app, browser } = await signedIn(adapter);
    app.op.answer('token', { status: 400, body: { error: 'invalid_grant' } });
    const answer = await browser.post('/calls/refresh');
    expectRefused(app, answer, 401, 'SESSION_ENDED');
    expect(browser.jar.names).toEqual([]);
  });

  it('503 while the store is down', async () => {
    const store = new ObservedStore();
    const { app, browser } = await signedIn(adapter, { options: { ...KEPT, store } });
    app.clock.advance(3600);
    store.fails = (call) => call === 'replace';
    const answer = await browser.post('/calls/refresh');
    expectDependency(app, answer, 'STORE_UNAVAILABLE', 5);
  });

  it('500 where no tokens are kept, and the log says what to set', async () => {
    const { app, browser } = await signedIn(adapter, { options: {} });
    for (const answer of [await browser.get('/calls/token'), await browser.post('/calls/refresh')]) {
      expect(answer.status).toBe(500);
      expect(app.errors.at(-1)).toMatchObject({
        name: 'SessionError',
        code: 'ACCESS_TOKEN_MISSING',
        message: expect.stringContaining('set session.tokens: true, or a store'),
      });
    }
    expect(app.refusals).toEqual([]);
  });

  it('500 where logins bring no access token, whatever is kept', async () => {
    const { app, browser } = await signedIn(adapter, { client: { response_types: ['id_token'] } });
    expect((await browser.get('/calls/token')).status).toBe(500);
    expect(app.errors.at(-1)).toMatchObject({ code: 'ACCESS_TOKEN_MISSING' });
  });

  it('500 where new tokens do not fit into cookies', async () => {
    const { app, browser } = await signedIn(adapter);
    const access_token = randomBytes(9000).toString('base64url');
    app.op.tokenResponse(({ id_token, ...members }) => ({ ...members, access_token }));
    app.clock.advance(3600);
    expect((await browser.get('/calls/token')).status).toBe(500);
    expect(app.errors.at(-1)).toMatchObject({ name: 'SessionError', code: 'SESSION_TOO_LARGE' });
  });

  it('401 for a session that began before tokens were kept', async () => {
    const { app, browser } = await signedIn(adapter, { options: { session: { secret: SESSION_SECRET } } });
    const later = await restarted(app, browser);
    expectRefused(later, await browser.get('/calls/token'), 401, 'ACCESS_TOKEN_EXPIRED');
  });

  it('401 without a session, whichever guard looked', async () => {
    const app = await createApp({ adapter, controllers: CONTROLLERS, options: KEPT });
    for (const path of ['/calls/token/anybody', '/unguarded/token']) {
      const answer = await app.get(path);
      expectRefused(app, answer, 401, 'SESSION_MISSING');
      expect(answer.header('www-authenticate')).toBe('Cookie realm="session"');
    }
  });

  it('a handler that catches finds the code, and the error as the cause', async () => {
    const { app, browser } = await signedIn(adapter);
    app.op.answer('token', { status: 503 });
    app.clock.advance(3600);
    const code = 'UPSTREAM_UNAVAILABLE';
    expect((await browser.get('/calls/caught')).json()).toEqual({ code, cause: code, name: 'TransportError' });
  });

  it('503 where a logout has to ask a provider that is down', async () => {
    const { app, browser } = await signedIn(adapter, { options: { ...KEPT, store: new MemoryStore() } });
    app.op.answer('revoke', { status: 503 });
    const answer = await browser.post('/calls/logout-everywhere');
    expect([answer.status, app.lastCode]).toEqual([503, 'UPSTREAM_UNAVAILABLE']);
    expect(answer.json()['error']).toBe('temporarily_unavailable');
  });

  it('503 where the URL of the logout needs the metadata of a provider that is down', async () => {
    const { app, browser } = await signedIn(adapter);
    app.op.answer('discovery', { status: 503 });
    const later = await restarted(app, browser);
    expectDependency(later, await browser.get('/calls/logout-url'), 'UPSTREAM_UNAVAILABLE', 5);
  });

  it('500 where all sessions of a user have to end, and there is no store', async () => {
    const { app, browser } = await signedIn(adapter);
    expect((await browser.post('/calls/logout-everywhere')).status).toBe(500);
    expect(app.errors.at(-1)).toMatchObject({ name: 'ConfigError', code: 'INVALID_CONFIG' });
  });
});
