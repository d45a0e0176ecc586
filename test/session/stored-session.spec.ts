import type { ServerResponse } from 'node:http';

import { describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, Post, Req, Res, UseGuards } from '@nestjs/common';

import { MemoryStore, OidcSession, OidcSessionGuard, Public } from '../../lib/index.js';
import { createApp, onBothAdapters, SESSION_SECRET, type AppSetup, type TestApp } from '../support/app/apps.js';
import { CONTROLLERS } from '../support/app/app-controllers.js';
import { expectCallbackRefused, expectRefused } from '../support/app/outcomes.js';
import { Browser } from '../support/browser/browser.js';
import type { HostileProvider } from '../support/provider/hostile-provider.js';
import { startProvider } from '../support/provider/provider.js';
import { ObservedStore } from '../support/store/stores.js';

const NAME = 'oidc-session';

@Controller('open')
class OpenController {
  constructor(@Inject(OidcSession) private readonly session: OidcSession) {}

  @Get('guarded')
  @Public()
  @UseGuards(OidcSessionGuard)
  guarded() {
    return { open: true };
  }

  @Get('tokens')
  async tokens(@Req() request: object) {
    const session = await this.session.read(request);
    return { user: session?.user ?? null, hasToken: session?.tokens.access_token !== undefined };
  }
}

/** Of Express, or of Fastify above that of Node. */
type StreamedResponse = ServerResponse | { readonly raw: ServerResponse; hijack(): void };

@Controller('streamed')
class StreamController {
  constructor(@Inject(OidcSession) private readonly session: OidcSession) {}

  @Post()
  async leave(@Req() request: object, @Res() response: StreamedResponse) {
    const below = 'raw' in response ? response.raw : response;
    if ('hijack' in response) {
      response.hijack();
    }
    below.write('begun; ');
    await this.session.end(request, response).catch(({ message }: Error) => below.write(message));
    below.end();
  }
}

type Setup = Partial<AppSetup & { readonly op?: HostileProvider }>;

onBothAdapters((adapter) => {
  const boot = async (more: Setup = {}, store = new ObservedStore(new MemoryStore())) => {
    const controllers = [...CONTROLLERS, OpenController];
    const app = await createApp({ adapter, controllers, ...more, options: { store, ...more.options } });
    return { app, store, browser: new Browser(app) };
  };

  const signIn = async (browser: Browser) => expect((await browser.login({ returnTo: '/me' })).status).toBe(303);

  const clearedBy = (response: { readonly setCookies: readonly string[] }) =>
    response.setCookies.filter((line) => line.startsWith(`${NAME}=;`));

  it('SESS-15 is known to the browser by an id and a key alone, and is there with its tokens', async () => {
    const { browser } = await boot({ publicUrl: 'https://app.test' });
    const { setCookies } = await browser.login();
    expect(setCookies.filter((line) => !line.includes('Max-Age=0'))).toEqual([
      expect.stringMatching(/^__Host-oidc-session=[\w-]{65}; Path=\/; HttpOnly; Secure; SameSite=Lax$/),
    ]);
    expect((await browser.get('/me')).json()).toMatchObject({ user: { sub: 'alice' } });
    expect((await browser.get('/open/tokens')).json()).toEqual({
      user: expect.objectContaining({ sub: 'alice' }),
      hasToken: true,
    });
  });

  it('SESS-30 may be larger than cookies can be', async () => {
    const { app, browser } = await boot();
    app.op.idToken({ claims: (all) => ({ ...all, pad: 'x'.repeat(20_000) }) });
    await signIn(browser);
    expect(browser.jar.all.reduce((sum, { name, value }) => sum + name.length + value.length, 0)).toBeLessThan(100);
    expect((await browser.get('/me')).status).toBe(200);
    expect(app.logs.filter(({ text }) => text.includes('proxy_buffer_size'))).toEqual([]);
  });

  it('starts at one replica and is there at another', async () => {
    const op = await startProvider();
    const store = new ObservedStore(new MemoryStore());
    const [one, other] = [
      await boot({ op, publicUrl: 'https://app.test' }, store),
      await boot({ op, publicUrl: 'https://app.test' }, store),
    ];
    await signIn(one.browser);
    one.browser.knows('https://app.test', other.app.address);
    expect((await one.browser.get('/me')).status).toBe(200);
  });

  it('SESS-10 TXN-03 gets a new id at each login, and the id that was planted opens nothing', async () => {
    const { app, browser } = await boot();
    await signIn(browser);
    const planted = String(browser.jar.get(NAME)?.value);
    const victim = new Browser(app);
    victim.jar.plant(NAME, planted, app.url);
    await signIn(victim);
    expect(victim.jar.get(NAME)?.value).not.toBe(planted);
    expect((await app.get('/me', { cookie: `${NAME}=${planted}` })).status).toBe(401);
  });

  it('SESS-13 a copy of the cookie is nobody after the logout', async () => {
    const { app, browser } = await boot();
    await signIn(browser);
    const copy = `${NAME}=${browser.jar.get(NAME)?.value}`;
    expect((await browser.post('/auth/logout')).status).toBe(200);
    expect(browser.jar.names).toEqual([]);
    expectRefused(app, await app.get('/me', { cookie: copy }), 401, 'SESSION_MISSING');
  });

  it('SESS-34 ends in the store though the answer has begun, and says that its cookie stays', async () => {
    const { browser } = await boot({ controllers: [...CONTROLLERS, StreamController] });
    await signIn(browser);
    const page = await browser.post('/streamed');
    expect(page.body).toBe('begun; The answer has begun, so that its cookies can not be set any more');
    expect(browser.jar.names).toEqual([NAME]);
    expect((await browser.get('/me')).status).toBe(401);
    expect(browser.jar.names).toEqual([]);
  });

  it('SESS-36 exists for nobody who did not sign in', async () => {
    const { app, store } = await boot();
    await app.get('/me');
    const { setCookies } = await app.get('/open/guarded');
    expect([setCookies, store.calls]).toEqual([[], []]);
  });

  it('SESS-09 ends when nobody used it for so long', async () => {
    const { app, browser } = await boot({ options: { session: { secret: SESSION_SECRET, idleLifetime: 600 } } });
    await signIn(browser);
    for (let request = 0; request < 5; request += 1) {
      app.clock.advance(599);
      expect((await browser.get('/me')).status).toBe(200);
    }
    app.clock.advance(600);
    expect((await browser.get('/me')).status).toBe(401);
  });

  it.each(['store', 'cookie'] as const)(
    'SESS-10 ends with the next login of its browser, kept in a %s',
    async (keep) => {
      const { app, browser } = await boot({ options: { session: { secret: SESSION_SECRET, keep } } });
      await signIn(browser);
      const copy = browser.copy();
      app.clock.advance(60);
      await signIn(browser);
      expect([(await copy.get('/me')).status, (await browser.get('/me')).status]).toEqual([401, 200]);
    },
  );

  it('stays in cookies where the application says so', async () => {
    const { store, browser } = await boot({ options: { session: { secret: SESSION_SECRET, keep: 'cookie' } } });
    await signIn(browser);
    expect((await browser.get('/me')).status).toBe(200);
    expect((await browser.get('/open/tokens')).json()).toMatchObject({ hasToken: false });
    expect(store.calls.filter((call) => call.includes('session'))).toEqual([]);
  });

  it('stops the boot where it shall be in a store and there is none', async () => {
    const options = { store: undefined, session: { secret: SESSION_SECRET, keep: 'store' as const } };
    await expect(boot({ options })).rejects.toMatchObject({ name: 'ConfigError', member: 'session.keep' });
  });

  describe('while the store is away', () => {
    const isAway = async (store: ObservedStore, calls: RegExp, during: () => Promise<unknown>) => {
      store.fails = (call) => calls.test(call);
      await during();
      store.fails = () => false;
    };

    const expectUnavailable = (app: TestApp, response: Awaited<ReturnType<TestApp['get']>>) =>
      expect([response.status, app.lastCode, response.header('retry-after')]).toEqual([503, 'STORE_UNAVAILABLE', '5']);

    it('REDIS-02 answers 503, keeps the cookie, and is there again with the store', async () => {
      const { app, store, browser } = await boot();
      await signIn(browser);
      await isAway(store, /./, async () => {
        const response = await browser.get('/me');
        expectUnavailable(app, response);
        expect(response.setCookies).toEqual([]);
        expect((await browser.get('/open/guarded')).json()).toEqual({ open: true });
        expect((await browser.get('/open/tokens')).status).toBe(503);
      });
      expect((await browser.get('/me')).status).toBe(200);
    });

    it('REDIS-08 a login is refused and its refresh token revoked', async () => {
      const { app, store, browser } = await boot({ options: { login: { scope: 'openid offline_access' } } });
      const back = await browser.startLogin();
      await isAway(store, /set/, async () => {
        const response = await browser.finishLogin(back);
        expectCallbackRefused(response, 503, 'STORE_UNAVAILABLE', app);
        expect(response.header('retry-after')).toBe('5');
        expect(browser.jar.get(NAME)).toBeUndefined();
      });
      await app.op.arrival('revoke');
      expect(app.op.requests('revoke').map(({ form }) => form['token_type_hint'])).toEqual(['refresh_token']);
    });

    it('REDIS-09 a logout is not complete, and the browser forgets the session all the same', async () => {
      const { app, store, browser } = await boot();
      await signIn(browser);
      await isAway(store, /delete/, async () => {
        const response = await browser.post('/auth/logout');
        expectUnavailable(app, response);
        expect(clearedBy(response)).toHaveLength(1);
      });
      expect(browser.jar.names).toEqual([]);
    });
  });
});
