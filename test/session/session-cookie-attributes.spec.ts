import { describe, expect, it } from '@jest/globals';

import { MemoryStore, type OidcModuleOptions } from '../../lib/index.js';
import type { SessionOptions } from '../../lib/session/session.options.js';
import { createApp, onBothAdapters, SESSION_SECRET, type Adapter } from '../support/app/apps.js';
import { Browser } from '../support/browser/browser.js';

async function boot(
  adapter: Adapter,
  session: Partial<SessionOptions>,
  { publicUrl = 'https://app.example.test', ...options }: Partial<OidcModuleOptions> & { publicUrl?: string } = {},
) {
  return createApp({ adapter, publicUrl, options: { ...options, session: { secret: SESSION_SECRET, ...session } } });
}

/** The lines of a login that set something, without their values. */
async function linesOf(app: Awaited<ReturnType<typeof boot>>, path = '/auth/login'): Promise<readonly string[]> {
  const browser = new Browser(app);
  const start = await browser.startLogin({ path });
  const { setCookies } = await browser.finishLogin(start);
  return setCookies.filter((line) => !line.includes('Max-Age=0;')).map((line) => line.replace(/=[\w-]+;/, ';'));
}

onBothAdapters((adapter) => {
  describe.each(['store', 'cookie'] as const)('the cookie of a session in a %s', (keep) => {
    const store = new MemoryStore();

    it.each([
      [{ sameSite: 'strict' }, '__Host-oidc-session; Path=/; HttpOnly; Secure; SameSite=Strict', 0],
      [{ sameSite: 'none' }, '__Host-oidc-session; Path=/; HttpOnly; Secure; SameSite=None', 1],
      [
        { sameSite: 'none', partitioned: true },
        '__Host-oidc-session; Path=/; HttpOnly; Secure; Partitioned; SameSite=None',
        1,
      ],
      [
        { domain: 'example.test' },
        '__Secure-oidc-session; Domain=example.test; Path=/; HttpOnly; Secure; SameSite=Lax',
        1,
      ],
    ] as const)('SESS-15 SESS-16 with %p is %p', async (cookie, line, warnings) => {
      const app = await boot(adapter, { keep, cookie }, { store });
      expect(await linesOf(app)).toEqual([line]);
      expect(app.logs.filter(({ text }) => text.includes('session.cookie:'))).toHaveLength(warnings);
    });

    it('ends with the browser unless it is asked otherwise, and with the session then', async () => {
      const forgotten = '__Host-oidc-session; Path=/; HttpOnly; Secure; SameSite=Lax';
      const kept = '__Host-oidc-session; Max-Age=28800; Path=/; HttpOnly; Secure; SameSite=Lax';
      const asked = '/auth/login?remember=true';
      for (const [persistent, path, line] of [
        [undefined, asked, forgotten],
        [false, asked, forgotten],
        [true, '/auth/login', kept],
        ['on-request', asked, kept],
        ['on-request', '/auth/login', forgotten],
        ['on-request', '/auth/login?remember=1', forgotten],
        ['on-request', '/auth/login?remember=true&remember=true', forgotten],
      ] as const) {
        const app = await boot(adapter, { keep, ...(persistent !== undefined && { persistent }) }, { store });
        expect([persistent, path, await linesOf(app, path)]).toEqual([persistent, path, [line]]);
      }
    });
  });

  it('in a frame the login has its cookie there as well', async () => {
    const app = await boot(adapter, { cookie: { sameSite: 'none', partitioned: true } });
    const [line] = (await new Browser(app).get('/auth/login')).setCookies;
    expect(line).toMatch(/; Max-Age=4200; Path=\/; HttpOnly; Secure; Partitioned; SameSite=None$/);
  });

  it('for a domain the login stays at its own host', async () => {
    const app = await boot(adapter, { cookie: { domain: 'example.test' } });
    const [line] = (await new Browser(app).get('/auth/login')).setCookies;
    expect(line).toMatch(/^__Host-oidc-login\.\S+; Max-Age=4200; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
  });

  it.each([
    ['sameSite', { sameSite: 'none' }, 'http'],
    ['sameSite', { sameSite: 'none', partitioned: true }, 'http'],
    ['partitioned', { partitioned: true }, 'https'],
    ['domain', { domain: 'other.test' }, 'https'],
    ['domain', { domain: 'ple.test' }, 'https'],
    ['domain', { domain: '.example.test' }, 'https'],
    ['domain', { domain: 'test' }, 'https'],
    ['domain', { domain: 'example.test; x=y' }, 'https'],
  ] as const)('SESS-16 %s stops the boot with %p on %s', async (member, cookie, scheme) => {
    const publicUrl = scheme === 'https' ? 'https://app.example.test' : undefined;
    const boots = createApp({
      adapter,
      ...(publicUrl !== undefined && { publicUrl }),
      options: { session: { secret: SESSION_SECRET, cookie } },
    });
    await expect(boots).rejects.toMatchObject({ name: 'ConfigError', member: `session.cookie.${member}` });
  });

  it.each([
    ['in cookies alone', {}, 1],
    ['in cookies, with a store for those that were ended', { store: new MemoryStore() }, 0],
    ['on the machine of a developer', { publicUrl: 'http://127.0.0.1:3000' }, 0],
  ] as const)('SESS-13 sessions %s: what no logout can end is a warning', async (_, options, warnings) => {
    const app = await boot(adapter, { keep: 'cookie' }, options);
    const lines = app.logs.filter(({ level, text }) => level === 'warn' && text.includes('copied cookie'));
    expect(lines).toHaveLength(warnings);
  });

  it('SESS-09 renews a cookie that outlives the browser with what is left of the absolute lifetime', async () => {
    const app = await boot(adapter, { keep: 'cookie', persistent: true, idleLifetime: 600, absoluteLifetime: 3600 });
    const browser = new Browser(app);
    await browser.login();
    app.clock.advance(300);
    const { setCookies } = await browser.get('/me');
    expect(setCookies.map((line) => line.replace(/=[\w-]+;/, ';'))).toEqual([
      '__Host-oidc-session; Max-Age=3300; Path=/; HttpOnly; Secure; SameSite=Lax',
    ]);
  });
});
