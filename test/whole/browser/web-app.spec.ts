import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { Controller, Get, Header, UseGuards } from '@nestjs/common';
import type { Browser, BrowserContext, Page } from 'playwright-core';

import {
  CurrentUser,
  MemoryStore,
  OidcSessionGuard,
  OidcUser,
  OptionalAuth,
  type OidcModuleOptions,
} from '../../../lib/index.js';
import { createApp, onBothAdapters, SESSION_SECRET, type Adapter } from '../../support/app/apps.js';
import { Api } from '../../support/http/api.js';
import { startProvider } from '../../support/provider/provider.js';
import { launchChromium } from './launch.js';

/** A page of an application: who is signed in, and, for who is, a frame that tells when that ends at the provider. */
const shown = (user: OidcUser | undefined) => `<!doctype html>
<title>Application</title>
<h1>${user?.sub ?? 'nobody'}</h1>
<form method="post" action="/auth/logout"><button>Sign out</button></form>
${user === undefined ? '' : '<iframe hidden src="/auth/check-session"></iframe>'}
<script>
  const said = [];
  addEventListener('message', ({ origin, source, data }) => {
    if (origin !== location.origin || source !== document.querySelector('iframe').contentWindow) return;
    said.push(data);
    if (data === 'changed') location.reload();
  });
</script>`;

@Controller()
@UseGuards(OidcSessionGuard)
class Pages {
  @Get()
  @OptionalAuth()
  @Header('Content-Type', 'text/html')
  front(@CurrentUser() user?: OidcUser) {
    return shown(user);
  }

  @Get('orders')
  @Header('Content-Type', 'text/html')
  orders(@CurrentUser() user: OidcUser) {
    return shown(user);
  }
}

let chromium: Browser;
const contexts: BrowserContext[] = [];
/** What the browser complains about: a blocked script or frame, an exception. */
const complaints: string[] = [];

beforeAll(async () => {
  chromium = await launchChromium();
});

afterAll(() => chromium?.close());

afterEach(async () => {
  await Promise.all(contexts.splice(0).map((context) => context.close()));
  expect(complaints.splice(0)).toEqual([]);
});

/** An application with a provider that remembers browsers, and a browser of somebody new. */
async function opened(adapter: Adapter, options: Partial<OidcModuleOptions> = {}) {
  const op = await startProvider({ managesSessions: true });
  const app = await createApp({
    adapter,
    op,
    controllers: [Pages],
    options: { session: { secret: SESSION_SECRET }, routes: true, ...options },
  });
  const context = await chromium.newContext();
  contexts.push(context);
  const newTab = async (path: string): Promise<Page> => {
    const tab = await context.newPage();
    tab.setDefaultTimeout(60_000);
    tab.on('console', (message) => {
      if (message.type() === 'error' && !message.location().url.endsWith('/favicon.ico')) {
        complaints.push(message.text());
      }
    });
    tab.on('pageerror', (error) => complaints.push(String(error)));
    await tab.goto(app.url + path);
    return tab;
  };
  /** What the provider's frame has said. */
  const said = () => op.requests('told').map(({ query }) => query.get('said'));
  return { app, op, context, newTab, said };
}

const who = (tab: Page) => tab.getByRole('heading').textContent();

onBothAdapters((adapter) => {
  it('sends a stranger to the login and back to a deep link', async () => {
    const { app, newTab } = await opened(adapter);
    const tab = await newTab('/orders?page=2&next=%2F%2Fevil.test#end');
    expect(tab.url()).toBe(`${app.url}/orders?page=2&next=%2F%2Fevil.test#end`);
    expect(await who(tab)).toBe('alice');
  });

  it('signs in in two tabs at once, each to where it began', async () => {
    const { app, op, context, newTab } = await opened(adapter);
    // The provider knows this browser. Else each login begins a session there, and the later one ends the other.
    await context.addCookies([{ name: 'op-browser-state', value: 'known', url: op.origin }]);
    const tabs = await Promise.all([1, 2].map((tab) => newTab(`/auth/login?returnTo=/orders?tab=${tab}`)));
    expect(tabs.map((tab) => tab.url())).toEqual([`${app.url}/orders?tab=1`, `${app.url}/orders?tab=2`]);
    expect(op.count('authorize')).toBe(2);
    // The frames of both tabs have asked: nothing calls the provider any more when it stops.
    await op.arrival('told', 2);
  });

  it.each([
    ['in cookies', {}],
    ['in a store', { store: new MemoryStore() }],
  ])('H12 shows a logout in one tab in the other, with sessions %s', async (_where, options) => {
    const { op, newTab, said } = await opened(adapter, options);
    const [one, other] = [await newTab('/orders'), await newTab('/')];
    expect([await who(one), await who(other)]).toEqual(['alice', 'alice']);
    await op.arrival('told', 2);
    expect(said()).toEqual(['unchanged', 'unchanged']);
    expect(op.requests('told').map(({ query }) => query.get('asked'))).toEqual([
      expect.stringMatching(/^rp1 [\da-f]{64}\.[\da-f]{12}$/),
      expect.stringMatching(/^rp1 [\da-f]{64}\.[\da-f]{12}$/),
    ]);
    await one.getByRole('button', { name: 'Sign out' }).click();
    await other.getByRole('heading', { name: 'nobody' }).waitFor();
    expect(said().at(-1)).toBe('changed');
    expect(await who(one)).toBe('nobody');
  });

  it('H12 signs out here who signs out at the provider', async () => {
    const { app, op, context, newTab, said } = await opened(adapter);
    const tab = await newTab('/orders');
    await tab.goto(app.url);
    await op.arrival('told', 2);
    const elsewhere = await context.newPage();
    await elsewhere.goto(op.url('end-session'));
    await tab.getByRole('heading', { name: 'nobody' }).waitFor();
    expect(said()).toEqual(['unchanged', 'unchanged', 'changed']);
    expect(op.last('authorize').query.get('prompt')).toBe('none');
    await tab.goto(`${app.url}/auth/me`);
    expect(await tab.textContent('body')).toContain('login_required');
    // Chromium reports every answer of 400 and above; this one was meant.
    complaints.length = 0;
  });

  it.each([
    ['in the query', {}],
    ['in the fragment', { responseMode: 'fragment' }],
    ['in the fragment as a JWT', { responseMode: 'fragment.jwt' }],
  ] as const)(
    'H12 stays signed in where the provider’s session changes and goes on, with responses %s',
    async (_how, login) => {
      const { app, op, context, newTab, said } = await opened(adapter, { login });
      const tab = await newTab('/orders');
      await op.arrival('told');
      await context.addCookies([{ name: 'op-browser-state', value: 'another', url: op.issuer, sameSite: 'Lax' }]);
      await op.arrival('authorize', 2);
      expect(op.last('authorize').query.get('prompt')).toBe('none');
      const before = op.count('told');
      await op.arrival('told', before + 1);
      expect([said().includes('changed'), said().at(-1)]).toEqual([true, 'unchanged']);
      expect([tab.url(), await who(tab), await tab.evaluate('said')]).toEqual([`${app.url}/orders`, 'alice', []]);
    },
  );

  it('H12 tells the page of an error, and logs nobody in again because of it', async () => {
    const { op, newTab, said } = await opened(adapter);
    op.authorizationResponse((parameters) => ({ ...parameters, session_state: 'without-salt' }));
    const tab = await newTab('/orders');
    await tab.waitForFunction("said.includes('error')");
    expect([await tab.evaluate('said'), said(), op.count('authorize')]).toEqual([['error'], ['error'], 1]);
    expect(await who(tab)).toBe('alice');
  });

  it('H12 logs in again once where the provider calls each state changed', async () => {
    const { op, newTab, said } = await opened(adapter);
    let logins = 0;
    op.authorizationResponse((parameters) => ({ ...parameters, session_state: `${(logins += 1)}.00` }));
    const tab = await newTab('/orders');
    await tab.waitForFunction("said.includes('error')");
    expect([await tab.evaluate('said'), said(), logins]).toEqual([['error'], ['changed', 'changed'], 2]);
    expect(await who(tab)).toBe('alice');
  });

  it('believes nobody but the provider’s frame, and lets no other site show the page', async () => {
    const { app, op, context, newTab, said } = await opened(adapter);
    const tab = await newTab('/orders');
    await op.arrival('told');
    for (const forged of ['changed', 'error']) {
      await tab.evaluate(`frames[0].postMessage('${forged}', location.origin)`);
    }
    await op.arrival('told', 2);
    expect([said(), op.count('authorize'), await tab.evaluate('said')]).toEqual([['unchanged', 'unchanged'], 1, []]);

    const elsewhere = await context.newPage();
    await elsewhere.goto(op.url('jwks'));
    await elsewhere.evaluate(`new Promise((resolve) => {
      const frame = document.createElement('iframe');
      frame.onload = resolve;
      frame.src = '${app.url}/auth/check-session';
      document.body.append(frame);
    })`);
    expect(elsewhere.frames().map((frame) => frame.url())).toEqual([op.url('jwks'), 'chrome-error://chromewebdata/']);
  });

  it('signs in silently who is signed in at the provider, and tries once with others', async () => {
    const { app, op, context, newTab } = await opened(adapter, {
      session: { secret: SESSION_SECRET, silentLogin: true },
    });
    const stranger = await newTab('/');
    expect([await who(stranger), stranger.url(), op.count('authorize')]).toEqual(['nobody', `${app.url}/`, 1]);
    await stranger.reload();
    expect([await who(stranger), op.count('authorize')]).toEqual(['nobody', 1]);

    await context.clearCookies();
    await context.addCookies([{ name: 'op-browser-state', value: 'known', url: op.issuer, sameSite: 'Lax' }]);
    const known = await newTab('/?page=2');
    expect([await who(known), known.url(), op.count('authorize')]).toEqual(['alice', `${app.url}/?page=2`, 2]);
    expect(op.requests('authorize').map(({ query }) => query.get('prompt'))).toEqual(['none', 'none']);
  });

  it('refreshes a session while the page calls the API', async () => {
    const api = await Api.start();
    const { app, op, newTab } = await opened(adapter, {
      login: { scope: 'openid offline_access' },
      store: new MemoryStore(),
      routes: { proxy: [{ path: '/api', to: api.url }] },
    });
    const tab = await newTab('/orders');
    const call = () =>
      tab.evaluate(`Promise.all(Array.from({ length: 10 }, (_, index) =>
        fetch('/api/orders/' + index, { headers: { 'X-CSRF': '1' } }).then(({ status }) => status)))`);
    const all = Array.from({ length: 10 }, () => 200);
    expect(await call()).toEqual(all);
    app.clock.advance(3601);
    expect(await call()).toEqual(all);
    expect(await call()).toEqual(all);
    expect(op.requests('token').map(({ form }) => form['grant_type'])).toEqual(['authorization_code', 'refresh_token']);
    const tokens = api.calls.map(({ headers }) => headers.authorization);
    expect([new Set(tokens).size, new Set(tokens.slice(10)).size]).toEqual([2, 1]);
    expect(await tab.evaluate('document.cookie')).not.toContain('session');
  });
});
