import { expect, it } from '@jest/globals';
import { Controller, Get, Inject, Post, Req, Res, UseGuards } from '@nestjs/common';

import {
  CurrentUser,
  MemoryStore,
  OidcAnyGuard,
  OidcSession,
  OidcSessionGuard,
  OidcStrategy,
  OidcUser,
  OptionalAuth,
  Public,
  type OidcModuleOptions,
} from '../../lib/index.js';
import { createApp, onBothAdapters, SESSION_SECRET, type Adapter, type AppSetup } from '../support/app/apps.js';
import { Browser, type Page } from '../support/browser/browser.js';
import { closeLater } from '../support/closing.js';
import { RealProvider } from '../support/provider/real-provider.js';

const URL = 'https://app.test';
const MARK = '__Host-oidc-silent';

@Controller()
@UseGuards(OidcSessionGuard)
class PagesController {
  constructor(@Inject(OidcSession) private readonly session: OidcSession) {}

  @Get('news') @OptionalAuth() news(@CurrentUser() user: OidcUser | undefined) {
    return { sub: user?.sub ?? null };
  }

  @Get('imprint') @Public() imprint(@CurrentUser() user: OidcUser | undefined) {
    return { sub: user?.sub ?? null };
  }

  @Get('account') account(@CurrentUser() { sub }: OidcUser) {
    return { sub };
  }

  @Post('leave') async leave(@Req() request: object, @Res({ passthrough: true }) response: object) {
    await this.session.end(request, response);
  }
}

@Controller('both')
@UseGuards(OidcAnyGuard)
class BothController {
  @Get() @OptionalAuth() both(@CurrentUser() user: OidcUser | undefined) {
    return { sub: user?.sub ?? null };
  }
}

interface Setup extends Omit<AppSetup, 'adapter' | 'options'> {
  readonly options?: Partial<OidcModuleOptions>;
  readonly session?: Partial<NonNullable<OidcModuleOptions['session']>>;
}

async function boot(adapter: Adapter, { session, options, ...setup }: Setup = {}) {
  const app = await createApp({
    adapter,
    controllers: [PagesController, BothController],
    publicUrl: URL,
    ...setup,
    options: { routes: true, ...options, session: { secret: SESSION_SECRET, silentLogin: true, ...session } },
  });
  return { app, browser: new Browser(app) };
}

type App = Awaited<ReturnType<typeof boot>>['app'];

/** The provider does not know the person. */
const knowsNobody = ({ op }: App, error = 'login_required') =>
  op.authorizationResponse(({ state, iss }) => ({ state, iss, error }));

/** What the log says of logins. */
const linesOf = ({ logs }: App) => logs.flatMap(({ context, text }) => (context === 'OidcStrategy' ? [text] : []));

/** Goes where the redirects lead. */
async function settled(browser: Browser, first: Page): Promise<Page> {
  let page = first;
  for (let step = 0; page.target !== undefined; step += 1) {
    expect(step).toBeLessThan(10);
    page = await browser.follow(page);
  }
  return page;
}

const visit = async (browser: Browser, path: string) => settled(browser, await browser.get(path));

onBothAdapters((adapter) => {
  it('signs in silently who is signed in at the provider, on a page that anybody may see', async () => {
    const { app, browser } = await boot(adapter);
    const sent = await browser.get('/news?page=2');
    expect([sent.status, sent.target]).toEqual([303, `${URL}/auth/login?returnTo=%2Fnews%3Fpage%3D2&prompt=none`]);
    expect(sent.header('cache-control')).toBe('no-store');
    expect(sent.setCookies).toEqual([`${MARK}=1; Path=/; HttpOnly; Secure; SameSite=Lax`]);
    const begun = await browser.follow(sent);
    expect(new globalThis.URL(begun.location).searchParams.get('prompt')).toBe('none');
    const back = await browser.follow(await browser.follow(begun));
    expect(back.target).toBe(`${URL}/news?page=2`);
    expect((await browser.follow(back)).json()).toEqual({ sub: 'alice' });
    expect(browser.jar.names).toEqual(['__Host-oidc-session']);
    expect(app.refusals).toEqual([]);
  });

  it.each(['login_required', 'interaction_required', 'consent_required', 'account_selection_required'])(
    'TXN-27 goes back to the page after %s, without a session, and does not try again',
    async (error) => {
      const { app, browser } = await boot(adapter);
      knowsNobody(app, error);
      const page = await visit(browser, '/news');
      expect([page.status, page.url, page.json()]).toEqual([200, `${URL}/news`, { sub: null }]);
      expect(browser.jar.names).toEqual([MARK]);
      expect([app.op.count('authorize'), app.op.count('token')]).toEqual([1, 0]);
      expect([(await browser.get('/news')).status, (await browser.get('/both')).status]).toEqual([200, 200]);
      expect(app.op.count('authorize')).toBe(1);
      expect(linesOf(app)).toEqual([]);
    },
  );

  it('tries again in another browser session', async () => {
    const { app, browser } = await boot(adapter);
    knowsNobody(app);
    await visit(browser, '/news');
    app.op.reset();
    expect((await visit(browser, '/news')).json()).toEqual({ sub: null });
    browser.jar.restart();
    expect((await visit(browser, '/news')).json()).toEqual({ sub: 'alice' });
  });

  it('tries again after a session that has ended by itself, and not after a logout', async () => {
    const { app, browser } = await boot(adapter);
    await visit(browser, '/account');
    app.clock.advance(8 * 3600);
    expect((await visit(browser, '/news')).json()).toEqual({ sub: 'alice' });
    expect((await browser.post('/leave')).setCookies).toContain(`${MARK}=1; Path=/; HttpOnly; Secure; SameSite=Lax`);
    expect((await visit(browser, '/news')).json()).toEqual({ sub: null });
    expect((await visit(browser, '/account')).json()).toEqual({ sub: 'alice' });
    expect(browser.jar.names).toEqual(['__Host-oidc-session']);
  });

  it('does not sign in again who signs out at the mounted route', async () => {
    const { app, browser } = await boot(adapter, { client: { post_logout_redirect_uris: [`${URL}/auth/logged-out`] } });
    await visit(browser, '/account');
    await settled(browser, await browser.post('/auth/logout'));
    const sent = app.op.count('authorize');
    expect((await visit(browser, '/news')).json()).toEqual({ sub: null });
    expect(app.op.count('authorize')).toBe(sent);
  });

  it('asks interactively where a session is required', async () => {
    const { app, browser } = await boot(adapter);
    expect((await browser.get('/account')).target).toBe(`${URL}/auth/login?returnTo=%2Faccount`);
    knowsNobody(app);
    await visit(browser, '/news');
    const asked = await browser.follow(await browser.get('/account'));
    expect(new globalThis.URL(asked.location).searchParams.has('prompt')).toBe(false);
  });

  it.each<[string, string, Record<string, string>]>([
    ['a page that is public', '/imprint', {}],
    ['the user of the mounted route', '/auth/me', {}],
    ['a script', '/news', { 'sec-fetch-mode': 'cors' }],
    ['a page that is fetched ahead', '/news', { 'sec-purpose': 'prefetch' }],
    ['a robot', '/news', { 'sec-fetch-mode': '' }],
    ['a call with an access token', '/both', { authorization: 'Bearer none' }],
  ])('sends nobody to the provider for %s', async (_what, path, headers) => {
    const { browser } = await boot(adapter);
    const page = await browser.get(path, { headers });
    expect([page.target, browser.jar.names]).toEqual([undefined, []]);
  });

  it('sends no robot and no HEAD request, which say nothing of navigation', async () => {
    const { app } = await boot(adapter);
    const robot = await app.request('/news', { headers: { accept: 'text/html' } });
    expect([robot.status, robot.setCookies]).toEqual([200, []]);
    expect((await app.request('/news', { method: 'HEAD', headers: { 'sec-fetch-mode': 'navigate' } })).status).toBe(
      200,
    );
  });

  it('is off unless it is asked for', async () => {
    const { browser } = await boot(adapter, { session: { silentLogin: false } });
    expect((await browser.get('/news')).json()).toEqual({ sub: null });
    const begun = await browser.get('/auth/login?prompt=none');
    expect(new globalThis.URL(begun.location).searchParams.has('prompt')).toBe(false);
  });

  it('shows the page while the provider is down', async () => {
    const { app, browser } = await boot(adapter);
    app.op.answer('discovery', { status: 503 });
    const page = await visit(browser, '/news');
    expect([page.status, page.url, page.json()]).toEqual([200, `${URL}/news`, { sub: null }]);
    expect(linesOf(app)).toEqual([expect.stringContaining('UPSTREAM_UNAVAILABLE')]);
  });

  it.each<[string, (app: App) => void, string]>([
    ['the provider refuses', (app) => knowsNobody(app, 'access_denied'), 'OP_ERROR'],
    ['the token endpoint is down', ({ op }) => op.answer('token', { status: 503 }), 'UPSTREAM_UNAVAILABLE'],
    ['the ID token is not good', ({ op }) => op.idToken({ sign: 'stranger' }), 'SIGNATURE_INVALID'],
  ])('shows the page and tells the operator where %s', async (_what, fault, code) => {
    const { app, browser } = await boot(adapter);
    fault(app);
    const page = await visit(browser, '/news');
    expect([page.status, page.json(), browser.jar.names]).toEqual([200, { sub: null }, [MARK]]);
    expect(linesOf(app)).toEqual([expect.stringContaining(code)]);
  });

  it('shows the page where the application does not accept who logged in', async () => {
    class NobodyStrategy extends OidcStrategy {
      override validate(): unknown {
        return undefined;
      }
    }
    const extras = { providers: [{ provide: OidcStrategy, useClass: NobodyStrategy }] };
    const { browser } = await boot(adapter, { extras });
    expect((await visit(browser, '/news')).json()).toEqual({ sub: null });
  });

  it('passes on what the application throws', async () => {
    class BrokenStrategy extends OidcStrategy {
      override validate(): unknown {
        throw new Error('the database is away');
      }
    }
    const extras = { providers: [{ provide: OidcStrategy, useClass: BrokenStrategy }] };
    const { browser } = await boot(adapter, { extras });
    expect((await visit(browser, '/news')).status).toBe(500);
  });

  it('begins no loop in a browser that keeps no session, or no cookie at all', async () => {
    const keepsNone = async ({ browser }: Awaited<ReturnType<typeof boot>>, names: RegExp) => {
      let page = await browser.get('/news');
      for (let step = 0; step < 12 && page.target !== undefined; step += 1) {
        browser.jar.names.filter((name) => names.test(name)).forEach((name) => browser.jar.remove(name));
        page = await browser.follow(page);
      }
      return page;
    };
    expect((await keepsNone(await boot(adapter), /session/)).json()).toEqual({ sub: null });
    const without = await boot(adapter);
    expect([(await keepsNone(without, /./)).status, without.app.lastCode]).toEqual([400, 'NO_TRANSACTION']);
    const down = await boot(adapter);
    down.app.op.answer('discovery', { status: 503 });
    expect([(await keepsNone(down, /./)).status, down.app.lastCode]).toEqual([503, 'UPSTREAM_UNAVAILABLE']);
  });

  it('goes back without a session where the answer comes too late', async () => {
    const { app, browser } = await boot(adapter);
    const answer = await browser.follow(await browser.follow(await browser.get('/news')));
    app.clock.advance(600);
    const page = await settled(browser, await browser.follow(answer));
    expect([page.status, page.json(), app.op.count('token')]).toEqual([200, { sub: null }, 0]);
  });

  it('works with sessions and logins in a store', async () => {
    const { app, browser } = await boot(adapter, { options: { store: new MemoryStore() } });
    expect((await visit(browser, '/news')).json()).toEqual({ sub: 'alice' });
    browser.jar.clear();
    knowsNobody(app);
    expect((await visit(browser, '/news')).json()).toEqual({ sub: null });
  });

  it('has a cookie of the attributes of the session', async () => {
    const { browser } = await boot(adapter, { session: { cookie: { domain: 'app.test', sameSite: 'none' } } });
    expect((await browser.get('/news')).setCookies).toEqual([
      '__Secure-oidc-silent=1; Domain=app.test; Path=/; HttpOnly; Secure; SameSite=None',
    ]);
  });

  it('asks oidc-provider, which does not know the person at first, and does later', async () => {
    const op = closeLater(await RealProvider.start());
    const app = await createApp({
      adapter,
      op,
      controllers: [PagesController],
      client: RealProvider.SIGNED,
      options: { routes: true, session: { secret: SESSION_SECRET, silentLogin: true } },
    });
    const browser = new Browser(app);
    expect((await visit(browser, '/news')).json()).toEqual({ sub: null });
    const back = await op.login(browser, { sub: 'bob', returnTo: '/news' });
    expect((await browser.follow(back)).json()).toEqual({ sub: 'bob' });
    browser.jar.remove('oidc-session');
    expect((await visit(browser, '/news')).json()).toEqual({ sub: 'bob' });
  });
});

it.each<[string, Setup, string]>([
  ['no mounted login', { options: { routes: { login: false } } }, 'needs the mounted login (routes.login)'],
  ['no routes at all', { options: { routes: undefined } as never }, 'needs the mounted login (routes.login)'],
  ['max_age 0', { client: { default_max_age: 0 } }, 'must be off where client.default_max_age is 0'],
  ['Strict', { session: { cookie: { sameSite: 'strict' } } }, "must be off where session.cookie.sameSite is 'strict'"],
])('with %s stops the boot', async (_what, setup, problem) => {
  await expect(boot('express', setup)).rejects.toThrow(`session.silentLogin: ${problem}`);
});
