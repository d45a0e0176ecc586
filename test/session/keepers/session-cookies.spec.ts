import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';

import { Clock } from '../../../lib/clock/clock.js';
import { setCookieBytes } from '../../../lib/nest/cookies.js';
import { Responses } from '../../../lib/nest/responses.js';
import { ClientSessions } from '../../../lib/session/client-sessions.js';
import { OidcSession } from '../../../lib/session/oidc-session.js';
import { SessionCookies } from '../../../lib/session/keepers/session-cookies.js';
import { sessionOptionsSchema, type SessionOptions } from '../../../lib/session/session.options.js';
import { Sealer } from '../../../lib/storage/sealer.js';
import { TokenResponse, type TokenResponseMembers } from '../../../lib/tokens/token-response.js';
import type { JsonValue } from '../../../lib/values/json.js';
import { validate } from '../../../lib/values/validate.js';

const T = 1_800_000_000_000;
const NAME = '__Host-oidc-session';
const secret = (letter: string) => letter.repeat(32);
/** Where a session is sealed for, and nowhere else. */
const PLACE = JSON.stringify([NAME, 'https://op.test', 'rp1']);

const parse = (options: unknown) => validate(sessionOptionsSchema, options, 'session');

/** The sessions of one application, with a clock that can be set. */
function application(options: Partial<SessionOptions> = {}, client: { name?: string; redirect_uris?: string[] } = {}) {
  const time = { now: T };
  const oidc = {
    issuer: 'https://op.test',
    name: client.name,
    metadata: { client_id: 'rp1', redirect_uris: client.redirect_uris ?? ['https://app.test/auth/callback'] },
    clock: new Clock(() => time.now, 0, 30),
    endSessionUrl: ({ id_token_hint }: { id_token_hint?: string }) =>
      Promise.resolve(`https://op.test/end?${id_token_hint}`),
  } as never;
  const { secret: secrets, ...settings } = parse({ secret: secret('a'), ...options });
  const { tokens = false } = settings;
  const sessions = new SessionCookies(oidc, { ...settings, tokens }, new Sealer(secrets.map((one) => one.reveal())));
  const responses = new Responses({ httpAdapter: undefined } as never);
  return {
    time,
    sessions,
    session: new OidcSession(new ClientSessions(() => sessions, {} as never, oidc), oidc, responses),
  };
}

const requestWith = (cookie: string) => ({ method: 'GET', url: '/', rawHeaders: [], headers: { cookie } });
const NOBODY = requestWith('');

const tokensOf = (members: Partial<TokenResponseMembers> = {}) =>
  new TokenResponse({ access_token: 'AT-value', token_type: 'Bearer', scope: 'openid', ...members });

/** The `Cookie` header after these `Set-Cookie` lines. */
function cookieHeader(lines: readonly string[], before = ''): string {
  const jar = new Map(before.split('; ').filter(Boolean).map(pair));
  for (const line of lines) {
    const [name, value] = pair(line.split('; ')[0] ?? '');
    if (line.includes('; Max-Age=0;')) {
      jar.delete(name);
    } else {
      jar.set(name, value);
    }
  }
  return [...jar].map((entry) => entry.join('=')).join('; ');
}

function pair(text: string): [string, string] {
  const [name = '', value = ''] = text.split('=');
  return [name, value];
}

const namesOf = (lines: readonly string[]) => lines.map((line) => line.split('=')[0]);
const cleared = (...names: string[]) =>
  names.map((name) => `${name}=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax`);

describe('SessionCookies', () => {
  it('SESS-15 starts a session in one cookie with every protection', () => {
    const { sessions } = application();
    const [line = '', ...more] = sessions.start(NOBODY, { user: { sub: 'alice' }, tokens: tokensOf() });
    expect(line).toMatch(/^__Host-oidc-session=[\w-]+; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
    expect(more).toEqual([]);
  });

  it('gives back what it was started with', () => {
    const { sessions } = application({ tokens: true });
    const members = { scope: 'openid a', expires_at: 1_800_003_600, id_token: 'ID-value', refresh_token: 'RT-value' };
    const user: JsonValue = { sub: 'alice', roles: ['a'], nothing: null };
    const cookie = cookieHeader(sessions.start(NOBODY, { user, tokens: tokensOf(members) }));
    const { session, setCookies } = sessions.find(requestWith(cookie));
    expect(session).toEqual({ user, tokens: expect.any(TokenResponse), expiresAt: T + 28_800_000 });
    const { access_token, token_type, scope, expires_at, id_token, refresh_token } = session?.tokens ?? tokensOf();
    expect({ access_token, token_type, scope, expires_at, id_token, refresh_token }).toEqual({
      access_token: 'AT-value',
      token_type: 'Bearer',
      ...members,
    });
    expect(setCookies).toEqual([]);
    expect(sessions.find(requestWith(cookie)).session).toBeDefined();
  });

  describe('without session.tokens', () => {
    const members = { id_token: 'ID-value', refresh_token: 'RT-value', expires_at: 1_800_003_600 };

    it('keeps what was granted and the ID token, and nothing that an API takes', async () => {
      const { sessions, session } = application();
      const request = requestWith(cookieHeader(sessions.start(NOBODY, { user: 'alice', tokens: tokensOf(members) })));
      const { scope, id_token, access_token, refresh_token, token_type, expires_at, dpop_key } =
        (await session.read(request))?.tokens ?? tokensOf();
      expect([scope, id_token]).toEqual(['openid', 'ID-value']);
      expect([access_token, refresh_token, token_type, expires_at, dpop_key]).toEqual(Array(5).fill(undefined));
    });

    it('SESS-37 seals nothing of the others', () => {
      const { sessions } = application();
      const [, value = ''] = pair(cookieHeader(sessions.start(NOBODY, { user: 'alice', tokens: tokensOf(members) })));
      expect(new Sealer([secret('a')]).open('session', `${PLACE} 1`, value, T)).toMatchObject({
        value: { user: 'alice', tokens: { scope: 'openid', id_token: 'ID-value' } },
      });
    });

    // With 250 bytes for the login's own cookie the answer sets 3,600.
    it.each([
      [2350, 3350, true],
      [2351, 198, false],
      [40_000, 198, false],
    ])('keeps an ID token of %i bytes where all of it has room', async (length, bytes, isKept) => {
      const { sessions, session } = application();
      const id_token = 'i'.repeat(length);
      const lines = sessions.start(NOBODY, { user: 'alice', tokens: tokensOf({ id_token }) });
      expect(setCookieBytes(lines)).toBe(bytes);
      expect((await session.read(requestWith(cookieHeader(lines))))?.tokens.id_token).toBe(
        isKept ? id_token : undefined,
      );
    });

    it('is sealed anew as it is', async () => {
      const cookie = cookieHeader(application().sessions.start(NOBODY, { user: 'alice', tokens: tokensOf(members) }));
      const { sessions, session } = application({ secret: [secret('b'), secret('a')] });
      const renewed = requestWith(cookieHeader(sessions.find(requestWith(cookie)).setCookies, cookie));
      expect(sessions.find(renewed).setCookies).toEqual([]);
      expect((await session.read(renewed))?.tokens).toMatchObject({ scope: 'openid', id_token: 'ID-value' });
    });
  });

  it('knows the login that started it, and not a long way', () => {
    const { sessions } = application();
    const startedBy = (returnTo: string) => {
      const session = { user: 'alice', tokens: tokensOf(), startedBy: { login: 'hash', returnTo } };
      return sessions.find(requestWith(cookieHeader(sessions.start(NOBODY, session)))).session?.startedBy;
    };
    expect(startedBy(`/${'a'.repeat(255)}`)).toEqual({ login: 'hash', returnTo: `/${'a'.repeat(255)}` });
    expect(startedBy(`/${'a'.repeat(256)}`)).toBeUndefined();
  });

  it.each([true, false])('INJ-16 shows no token, however it is printed, with session.tokens %p', (keepsTokens) => {
    const { sessions } = application({ tokens: keepsTokens });
    const tokens = tokensOf({ id_token: 'ID-value', refresh_token: 'RT-value' });
    const { session } = sessions.find(requestWith(cookieHeader(sessions.start(NOBODY, { user: 'alice', tokens }))));
    expect(inspect(session, { depth: 9, showHidden: true }) + JSON.stringify(session)).not.toMatch(/(AT|ID|RT)-value/);
    expect(inspect(sessions, { depth: 9, showHidden: true })).not.toContain(secret('a'));
  });

  it('SESS-36 nobody has no session and gets no cookie', () => {
    const { sessions } = application();
    expect(sessions.find(NOBODY)).toEqual({ setCookies: [] });
    expect(sessions.find(requestWith('other=1'))).toEqual({ setCookies: [] });
  });

  it('SESS-01 what was altered is no session, and is cleared', () => {
    const { sessions } = application();
    const cookie = cookieHeader(sessions.start(NOBODY, { user: 'alice', tokens: tokensOf() }));
    for (const other of [
      cookie.slice(0, -1),
      `${cookie}A`,
      `${NAME}=`,
      `${NAME}=garbage`,
      cookie.replace('=A', '=B'),
    ]) {
      expect(sessions.find(requestWith(other))).toEqual({ setCookies: cleared(NAME) });
      expect(sessions.find(requestWith(other)).session).toBeUndefined();
    }
  });

  it('SESS-04 reads what an older secret sealed, and seals it anew with the same end', () => {
    const before = application();
    const cookie = cookieHeader(before.sessions.start(NOBODY, { user: 'alice', tokens: tokensOf() }));
    const { sessions, time } = application({ secret: [secret('b'), secret('a')] });
    time.now = T + 1000;
    const { session, setCookies } = sessions.find(requestWith(cookie));
    expect(session).toMatchObject({ user: 'alice', expiresAt: T + 28_800_000 });
    const after = application({ secret: secret('b') });
    const renewed = after.sessions.find(requestWith(cookieHeader(setCookies, cookie)));
    expect(renewed.session).toMatchObject({ user: 'alice', expiresAt: T + 28_800_000 });
    expect(renewed.setCookies).toEqual([]);
    expect(after.sessions.find(requestWith(cookie))).toEqual({ setCookies: cleared(NAME) });
  });

  it('renews a session with other tokens, and with the same end', () => {
    const { sessions, time } = application({ tokens: true });
    const cookie = cookieHeader(sessions.start(NOBODY, { user: 'alice', tokens: tokensOf() }));
    time.now = T + 1000;
    const found = sessions.find(requestWith(cookie));
    const tokens = tokensOf({ access_token: 'AT-new' });
    const lines = sessions.renew(requestWith(cookie), found, { tokens }) ?? [];
    expect(sessions.renew(NOBODY, sessions.find(NOBODY), { tokens })).toBeUndefined();
    const renewed = sessions.find(requestWith(cookieHeader(lines, cookie))).session;
    expect([renewed?.user, renewed?.tokens.access_token, renewed?.expiresAt]).toEqual([
      'alice',
      'AT-new',
      T + 28_800_000,
    ]);
  });

  it('SESS-08 ends at its absolute limit, however it is used', () => {
    const { sessions, time } = application({ absoluteLifetime: 600 });
    const cookie = cookieHeader(sessions.start(NOBODY, { user: 'alice', tokens: tokensOf() }));
    for (let minute = 0; minute < 10; minute += 1) {
      time.now = T + minute * 60_000;
      expect(sessions.find(requestWith(cookie)).setCookies).toEqual([]);
      expect(sessions.find(requestWith(cookie)).session).toBeDefined();
    }
    time.now = T + 599_999;
    expect(sessions.find(requestWith(cookie)).session).toBeDefined();
    time.now = T + 600_000;
    expect(sessions.find(requestWith(cookie))).toEqual({ setCookies: cleared(NAME) });
  });

  it('SESS-12 a new login leaves nothing of the session before', () => {
    const { sessions } = application();
    const large = sessions.start(NOBODY, { user: 'a'.repeat(6000), tokens: tokensOf() });
    expect(namesOf(large)).toEqual([NAME, `${NAME}.1`, `${NAME}.2`]);
    const first = cookieHeader(large);
    const second = sessions.start(requestWith(first), { user: 'bob', tokens: tokensOf() });
    expect(second.slice(1)).toEqual(cleared(`${NAME}.1`, `${NAME}.2`));
    const { session } = sessions.find(requestWith(cookieHeader(second, first)));
    expect(session?.user).toBe('bob');
  });

  it('SESS-20 SESS-24 SESS-25 reads all parts or none', () => {
    const { sessions } = application();
    const start = (letter: string, length: number) =>
      cookieHeader(sessions.start(NOBODY, { user: letter.repeat(length), tokens: tokensOf() })).split('; ');
    const [a0 = '', a1 = '', a2 = ''] = start('a', 6000);
    const [b0 = '', b1 = '', b2 = ''] = start('b', 6000);
    const [c0 = '', c1 = ''] = start('c', 3500);
    const names = [NAME, `${NAME}.1`, `${NAME}.2`];
    expect(sessions.find(requestWith([a2, a1, a0].join('; '))).session?.user).toBe('a'.repeat(6000));
    expect(sessions.find(requestWith([a0, a2].join('; ')))).toEqual({ setCookies: cleared(NAME, `${NAME}.2`) });
    expect(sessions.find(requestWith([a1, a2].join('; '))).session).toBeUndefined();
    for (const [x, y, z] of [
      [c0, c1, a2],
      [a0, b1, a2],
      [b0, b1, a2],
      [a0, a1, b2],
    ]) {
      expect(sessions.find(requestWith([x, y, z].join('; ')))).toEqual({ setCookies: cleared(...names) });
    }
  });

  it('SESS-28 two of one name are none, in either order', () => {
    const { sessions } = application();
    const cookie = cookieHeader(sessions.start(NOBODY, { user: 'alice', tokens: tokensOf() }));
    for (const header of [`${cookie}; ${NAME}=evil`, `${NAME}=evil; ${cookie}`, `${cookie}; ${cookie}`]) {
      expect(sessions.find(requestWith(header))).toEqual({ setCookies: cleared(NAME) });
    }
  });

  it('SESS-30 SESS-31 does not start what three cookies can not hold', () => {
    const { sessions } = application();
    const start = (length: number) => sessions.start(NOBODY, { user: 'x'.repeat(length), tokens: tokensOf() });
    expect(start(8000).join('').length).toBeLessThan(12_288);
    expect(() => start(40_000)).toThrow(expect.objectContaining({ code: 'SESSION_TOO_LARGE' }));
  });

  it('SESS-33 what another version sealed is no session', () => {
    const { sessions } = application();
    const sealer = new Sealer([secret('a')]);
    for (const value of [null, 1, 'text', {}, { user: 'alice' }, { user: 'alice', tokens: { access_token: 1 } }]) {
      const sealed = sealer.seal('session', `${PLACE} 1`, value, T + 1);
      expect(sessions.find(requestWith(`${NAME}=${sealed}`))).toEqual({ setCookies: cleared(NAME) });
    }
  });

  it('SESS-37 seals the user and the tokens, nothing else', () => {
    const { sessions } = application({ tokens: true });
    const [, value = ''] = pair(cookieHeader(sessions.start(NOBODY, { user: 'alice', tokens: tokensOf() })));
    expect(new Sealer([secret('a')]).open('session', `${PLACE} 1`, value, T)).toMatchObject({
      value: { user: 'alice', tokens: { access_token: 'AT-value', token_type: 'Bearer', scope: 'openid' } },
    });
  });

  it('SESS-40 takes no login transaction for a session', () => {
    const { sessions } = application();
    const value = { user: 'alice', tokens: { access_token: 'a', token_type: 'Bearer', scope: '' } };
    const sealed = new Sealer([secret('a')]).seal('login transaction', `${PLACE} 1`, value, T + 1);
    expect(sessions.find(requestWith(`${NAME}=${sealed}`)).session).toBeUndefined();
  });

  it('NEST-15 the session of one client is none of another', () => {
    const one = application({}, { name: 'one' });
    const two = application({}, { name: 'two' });
    const cookie = cookieHeader(one.sessions.start(NOBODY, { user: 'alice', tokens: tokensOf() }));
    expect(cookie).toMatch(/^__Host-oidc-session-one=/);
    expect(one.sessions.find(requestWith(cookie)).session).toBeDefined();
    expect(two.sessions.find(requestWith(cookie)).session).toBeUndefined();
    expect(two.sessions.find(requestWith(cookie.replace('-one=', '-two='))).session).toBeUndefined();
  });

  it('on loopback http the cookie has no prefix and is not Secure', () => {
    const { sessions } = application({}, { redirect_uris: ['http://127.0.0.1:3000/cb'] });
    const [line] = sessions.start(NOBODY, { user: 'alice', tokens: tokensOf() });
    expect(line).toMatch(/^oidc-session=[\w-]+; Path=\/; HttpOnly; SameSite=Lax$/);
  });
});

describe('OidcSession', () => {
  it('hints at the ID token of the session that ends', async () => {
    const { sessions, session } = application();
    const tokens = tokensOf({ id_token: 'ID-value' });
    const request = requestWith(cookieHeader(sessions.start(NOBODY, { user: 'alice', tokens })));
    expect((await session.read(request))?.user).toBe('alice');
    expect(await session.endSessionUrl(request)).toBe('https://op.test/end?ID-value');
    expect(await session.read(NOBODY)).toBeUndefined();
  });
});

describe('session options', () => {
  it('have their defaults', () => {
    const { secret: secrets, absoluteLifetime, tokens } = parse({ secret: secret('a') });
    expect(tokens).toBeUndefined();
    expect(secrets.map((one) => one.reveal())).toEqual([secret('a')]);
    expect(absoluteLifetime).toBe(28_800);
  });

  it('INJ-17 are printed without their secrets', () => {
    expect(inspect(parse({ secret: [secret('a')] }), { depth: 9 })).not.toContain('aaaa');
  });

  it('refuse a secret of less than 32 bytes, and do not print it', () => {
    const refusals = [
      ['', 'session.secret: must be at least 32 bytes, as `openssl rand -base64 32` makes them'],
      ['short-secret', 'session.secret: must be at least 32 bytes, as `openssl rand -base64 32` makes them'],
      [
        [secret('a'), 'short-secret'],
        'session.secret.1: must be at least 32 bytes, as `openssl rand -base64 32` makes them',
      ],
      [[], 'session.secret: must hold at least one secret'],
      [12, 'session.secret: must be a text'],
    ];
    for (const [wrong, message] of refusals) {
      expect(() => parse({ secret: wrong })).toThrow(expect.objectContaining({ message }));
    }
    expect(() => parse({ secret: 'ü'.repeat(16) })).not.toThrow();
    expect(() => parse({})).toThrow('session.secret: is required');
  });

  it('refuse a lifetime that is none', () => {
    for (const absoluteLifetime of [0, -1, 1.5, Number.NaN, '600']) {
      expect(() => parse({ secret: secret('a'), absoluteLifetime })).toThrow(/^session\.absoluteLifetime/);
    }
    expect(() => parse({ secret: secret('a'), domain: 'app.test' })).toThrow('session.domain: there is no such option');
  });
});
