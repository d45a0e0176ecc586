import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import type { OperatorEvent } from '../../lib/events/operator-events.js';
import { cutPrefixOf, relocated } from '../../lib/login/relocation.js';
import { Sites } from '../../lib/nest/sites.js';
import { createApp, onBothAdapters, type Adapter, type AppSetup } from '../support/app/apps.js';
import { expectCallbackRefused } from '../support/app/outcomes.js';
import { Browser } from '../support/browser/browser.js';
import { closeLater } from '../support/closing.js';
import { freePort } from '../support/ports.js';
import { RealProvider } from '../support/provider/real-provider.js';

const redirectUriOf = (url: string) => new URL(url).searchParams.get('redirect_uri');

/** An application under two domains, and a browser that finds both. */
async function underTwoDomains(adapter: Adapter, setup: Partial<AppSetup> = {}) {
  const client = {
    redirect_uris: ['https://a.test/auth/callback', 'https://b.test/auth/callback'],
    post_logout_redirect_uris: ['https://a.test/', 'https://b.test/bye', 'https://b.test/'],
  };
  const app = await createApp({ adapter, publicUrl: 'https://a.test', client, ...setup });
  const browser = new Browser(app);
  browser.knows('https://b.test', app.address);
  browser.knows('https://www.b.test', app.address);
  return { app, browser };
}

onBothAdapters((adapter) => {
  describe('a login at another host than its redirect URI’s', () => {
    it('is sent to the right one, with its query, and says so', async () => {
      const op = closeLater(await RealProvider.start());
      const app = await createApp({ adapter, op });
      const browser = new Browser(app);
      const local = app.url.replace('127.0.0.1', 'localhost');
      browser.knows(local, app.address);
      const sent = await browser.get(`${local}/auth/login?returnTo=%2Fme&x=1`);
      expect([sent.status, sent.target, sent.setCookies]).toEqual([
        303,
        `${app.url}/auth/login?returnTo=%2Fme&x=1&relocated=1`,
        [],
      ]);
      expect(sent.header('cache-control')).toBe('no-store');
      expect(app.logs.filter(({ level }) => level === 'warn').map(({ message }) => message)).toContainEqual(
        `A login began at "${new URL(local).host}", which is in no redirect URI, and was sent to ${app.url}: cookies are ` +
          'not found from one host at another. Link to that host, or register a redirect URI for this one.',
      );
      const path = `${local}/auth/login?returnTo=%2Fme`;
      const end = await op.login(browser, { path: (await browser.get(path)).location });
      expect(end.target).toBe(`${app.url}/me`);
      expect((await browser.get('/me')).status).toBe(200);
    });

    it('is sent to an origin of ours only, whatever the request says', async () => {
      const app = await createApp({ adapter, publicUrl: 'https://app.test' });
      const hosts = [
        'evil.test',
        'app.test.evil.test',
        'app.test@evil.test',
        'evil.test/app.test',
        'app.test.',
        '[::1]',
      ];
      for (const host of hosts) {
        const { status, headers } = await app.get('/auth/login', { host });
        expect([host, status, headers['location']]).toEqual([host, 303, ['https://app.test/auth/login?relocated=1']]);
      }
      const repeated = app.logs.filter(({ message }) => message.startsWith('A login began at'));
      expect(repeated.map(({ level }) => level)).toEqual(['warn', 'debug', 'debug', 'debug', 'debug', 'debug']);
    });

    it('begins there after all where a proxy rewrites Host, and ends well', async () => {
      const app = await createApp({ adapter, publicUrl: 'https://app.test' });
      const browser = new Browser(app);
      const headers = { host: 'app:3000' };
      const sent = await browser.get('/auth/login?returnTo=/me', { headers });
      expect(sent.target).toBe('https://app.test/auth/login?returnTo=/me&relocated=1');
      const begun = await browser.follow(sent, { headers });
      expect(redirectUriOf(begun.location)).toBe('https://app.test/auth/callback');
      const end = await browser.finishLogin(await browser.follow(begun), { headers });
      expect(end.target).toBe('https://app.test/me');
      expect((await browser.get('/me', { headers })).status).toBe(200);
      expect(app.logs.map(({ message }) => message)).toContainEqual(
        'Logins at https://app.test come with the host "app:3000": a proxy writes it, so that each takes one redirect more. ' +
          'Let it pass Host on (nginx: proxy_set_header Host $host), or X-Forwarded-Host to an application that trusts it.',
      );
    });

    it.each(['relocated', 'relocated=', 'relocated=1&relocated=1', 'relocated[]=x&relocated=2'])(
      'is not sent twice: %s',
      async (query) => {
        const app = await createApp({ adapter });
        const answer = await app.get(`/auth/login?${query}`, { host: 'evil.test' });
        expect(answer.header('location')).toContain(`${app.op.issuer}/`);
      },
    );

    it.each<[string, boolean, string]>([
      ['begins where a trusted proxy names the right one', true, 'op'],
      ['is sent on where nobody trusts who names the right one', false, 'https://app.test/auth/login?relocated=1'],
    ])('%s', async (_what, trustProxy, expected) => {
      const app = await createApp({ adapter, publicUrl: 'https://app.test', trustProxy });
      const answer = await app.get('/auth/login', { host: 'app:3000', 'x-forwarded-host': 'app.test' });
      expect(answer.header('location')?.replace(new RegExp(`^${app.op.issuer}.*`), 'op')).toBe(expected);
    });

    it('is sent to the public path behind a proxy that cuts a prefix off', async () => {
      const client = { redirect_uris: ['https://app.test/shop/auth/callback'] };
      const options = { login: { callbackPath: '/auth/callback' } };
      const app = await createApp({ adapter, publicUrl: 'https://app.test', client, options });
      const answer = await app.get('/auth/login', { host: 'www.app.test' });
      expect(answer.header('location')).toBe('https://app.test/shop/auth/login?relocated=1');
    });

    it('begins there where nobody knows its public path', async () => {
      const client = { redirect_uris: ['https://app.test/signed-in'] };
      const options = { login: { callbackPath: '/auth/callback' } };
      const app = await createApp({ adapter, publicUrl: 'https://app.test', client, options });
      const answer = await app.get('/auth/login', { host: 'app:3000' });
      expect(redirectUriOf(answer.header('location') ?? '')).toBe('https://app.test/signed-in');
    });
  });

  describe('an application under several domains', () => {
    it('has logins, cookies, return URLs and logouts at each', async () => {
      const op = closeLater(await RealProvider.start());
      const client = {
        redirect_uris: ['https://a.test/auth/callback', 'https://b.test/auth/callback'],
        post_logout_redirect_uris: ['https://a.test/', 'https://b.test/bye'],
      };
      const app = await createApp({ adapter, op, publicUrl: 'https://a.test', client });
      const browser = new Browser(app);
      browser.knows('https://b.test', app.address);
      const byDomain = [
        ['https://a.test', 'https://b.test/me', 'https://a.test/', 'https://a.test/'],
        ['https://b.test', 'https://b.test/me', 'https://b.test/me', 'https://b.test/bye'],
      ] as const;
      for (const [origin, returnTo, ends, bye] of byDomain) {
        const begun = await browser.get(`${origin}/auth/login`);
        expect(redirectUriOf(begun.location)).toBe(`${origin}/auth/callback`);
        expect((await op.login(browser, { path: `${origin}/auth/login`, returnTo })).target).toBe(ends);
        expect((await browser.get(`${origin}/me`)).status).toBe(200);
        const { url } = (await browser.post(`${origin}/auth/logout`, {}, { from: origin })).json();
        expect(new URL(String(url)).searchParams.get('post_logout_redirect_uri')).toBe(bye);
        expect((await browser.get(`${origin}/me`)).status).toBe(401);
      }
    });

    it('exchanges the code with the redirect URI that was sent', async () => {
      const { app, browser } = await underTwoDomains(adapter);
      await browser.login({ path: 'https://b.test/auth/login' });
      expect(app.op.last('token').form['redirect_uri']).toBe('https://b.test/auth/callback');
      expect(browser.jar.all.map(({ name, host }) => [name, host])).toEqual([['__Host-oidc-session', 'b.test']]);
      expect((await browser.get('https://a.test/me')).status).toBe(401);
    });

    it('refuses a response that comes to another of them, though its cookie were there', async () => {
      const { app, browser } = await underTwoDomains(adapter);
      const answer = await browser.startLogin({ path: 'https://b.test/auth/login' });
      const elsewhere = answer.location.replace('b.test', 'a.test');
      expectCallbackRefused(await browser.get(elsewhere), 400, 'NO_TRANSACTION', app);
      const [cookie] = browser.jar.startingWith('__Host-oidc-login');
      browser.jar.plant(cookie?.name ?? '', cookie?.value ?? '', 'https://a.test');
      expectCallbackRefused(await browser.get(elsewhere), 400, 'TRANSACTION_INVALID', app);
      expect(app.op.count('token')).toBe(0);
      // At once with the right one it is refused as well.
      browser.jar.plant(cookie?.name ?? '', cookie?.value ?? '', 'https://a.test');
      const [wrong, right] = await Promise.all([browser.get(elsewhere), browser.get(answer.location)]);
      expect([wrong.status, right.status]).toEqual([400, 303]);
    });

    it('sends a host that is unknown to the first of them, or to that without www', async () => {
      const { app, browser } = await underTwoDomains(adapter);
      expect((await app.get('/auth/login', { host: 'c.test' })).header('location')).toBe(
        'https://a.test/auth/login?relocated=1',
      );
      const sent = await browser.get('https://www.b.test/auth/login?returnTo=/me');
      expect(sent.target).toBe('https://b.test/auth/login?returnTo=/me&relocated=1');
      expect((await browser.login({ path: sent.location })).target).toBe('https://b.test/me');
    });

    it('tells domains apart that differ by the port only', async () => {
      const port = await freePort();
      const client = { redirect_uris: ['https://a.test/auth/callback', `https://a.test:${port}/auth/callback`] };
      const { app, browser } = await underTwoDomains(adapter, { client });
      browser.knows(`https://a.test:${port}`, app.address);
      const answer = await browser.startLogin({ path: `https://a.test:${port}/auth/login` });
      expect(answer.location).toContain(`https://a.test:${port}/auth/callback`);
      // The cookie is sent to both ports.
      expectCallbackRefused(
        await browser.get(answer.location.replace(`:${port}`, '')),
        400,
        'TRANSACTION_INVALID',
        app,
      );
    });

    it('has cookies by the scheme of each redirect URI', async () => {
      const client = { redirect_uris: ['https://a.test/auth/callback', 'http://localhost:3000/auth/callback'] };
      const { app, browser } = await underTwoDomains(adapter, { client });
      browser.knows('http://localhost:3000', app.address);
      await browser.login();
      expect(browser.jar.names).toEqual(['__Host-oidc-session']);
      await browser.login({ path: 'http://localhost:3000/auth/login' });
      expect(browser.jar.all.map(({ name, host, secure }) => [name, host, secure])).toEqual([
        ['__Host-oidc-session', 'a.test', true],
        ['oidc-session', 'localhost', false],
      ]);
      expect((await browser.get('http://localhost:3000/me')).status).toBe(200);
      // What somebody else could plant at the https domain is not read there.
      const { value } = browser.jar.get('oidc-session') ?? { value: '' };
      for (const name of ['oidc-session', '__Host-oidc-session']) {
        expect((await app.get('/me', { cookie: `${name}=${value}` })).status).toBe(401);
      }
      expect(app.logs.map(({ message }) => message)).toContain(
        'The redirect URI is http: cookies are not Secure at localhost:3000. For development only.',
      );
    });

    it('clears what is too much by the names of its domain', async () => {
      const client = { redirect_uris: ['https://a.test/auth/callback', 'http://localhost:3000/auth/callback'] };
      const { app } = await underTwoDomains(adapter, { client });
      const cookie = Array.from(
        { length: 31 },
        (_, index) => `oidc-login.${1_800_000_000_000 + index}.${String(index).padStart(16, 'a')}=x`,
      ).join('; ');
      const cleared = async (host: string) => (await app.get('/me', { cookie, host })).setCookies.length;
      expect([await cleared('localhost:3000'), await cleared('a.test')]).toEqual([1, 0]);
    });

    it('has no form_post where one of them is http', async () => {
      const client = { redirect_uris: ['https://a.test/auth/callback', 'http://localhost:3000/auth/callback'] };
      const options = { login: { responseMode: 'form_post' } } as const;
      await expect(underTwoDomains(adapter, { client, options })).rejects.toThrow(
        'login.responseMode: can be form_post only where the redirect URIs are https',
      );
    });
  });
});

describe('relocated', () => {
  const login = (url: string, method = 'GET') => ({ method, url, rawHeaders: [], headers: { host: 'evil.test' } });
  const sites = Sites.of({ metadata: { redirect_uris: ['https://app.test/cb'] } }).map(({ origin }) => ({
    origin,
    cutPrefix: '',
  }));
  const targetOf = (url: string, method?: string) => relocated(login(url, method), sites, { report: () => {} });

  it('leads nowhere else, however the request line is written', () => {
    const hosts = (url: string) => new URL(targetOf(url) ?? 'https://app.test').host;
    for (const url of [
      '.evil.test/',
      '@evil.test/',
      ':80@evil.test',
      '//evil.test',
      '/\\evil.test',
      '*',
      '',
      '/%0d%0ax',
    ]) {
      expect([url, hosts(url)]).toEqual([url, 'app.test']);
    }
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (url) => hosts(url) === 'app.test'));
  });

  it('leaves out a query that no redirect can carry', () => {
    expect(targetOf(`/login?returnTo=/${'a'.repeat(2048)}`)).toBe('https://app.test/login?relocated=1');
    expect(targetOf('/login?returnTo=%0d%0aX')).toBe('https://app.test/login?relocated=1');
  });

  it('sends no form elsewhere', () => {
    expect(['GET', 'HEAD', 'POST', 'PUT'].map((method) => targetOf('/login', method) !== undefined)).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  it('reports nothing where it sends nobody', () => {
    const events: OperatorEvent[] = [];
    const operator = { report: (event: OperatorEvent) => void events.push(event) };
    expect(relocated({ ...login('/login'), headers: {} }, sites, operator)).toBeUndefined();
    expect(relocated(login('/login', 'POST'), sites, operator)).toBeUndefined();
    expect(events).toEqual([]);
  });

  it('knows the prefix that a proxy cuts off', () => {
    expect([cutPrefixOf('/cb'), cutPrefixOf('/shop/cb', '/cb'), cutPrefixOf('/shop/cb', '/auth/cb')]).toEqual([
      '',
      '/shop',
      undefined,
    ]);
  });
});
