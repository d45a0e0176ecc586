import { createHash } from 'node:crypto';
import { inspect } from 'node:util';

import { describe, expect, it } from '@jest/globals';

import { Clock } from '../../../lib/clock/clock.js';
import { StoreError } from '../../../lib/errors/errors.js';
import { setCookieBytes } from '../../../lib/nest/cookies.js';
import { SessionStore } from '../../../lib/session/keepers/session-store.js';
import { sessionOptionsSchema, type SessionOptions } from '../../../lib/session/session.options.js';
import type { FoundSession } from '../../../lib/session/session.port.js';
import { MemoryStore } from '../../../lib/storage/memory-store.js';
import { Sealer } from '../../../lib/storage/sealer.js';
import { TokenResponse } from '../../../lib/tokens/token-response.js';
import type { Awaitable } from '../../../lib/values/awaitable.js';
import { validate } from '../../../lib/values/validate.js';
import { ObservedStore, storeLike } from '../../support/store/stores.js';

const T = 1_800_000_000_000;
const NAME = '__Host-oidc-session';
const secret = (letter: string) => letter.repeat(32);

interface Setup {
  readonly options?: Partial<SessionOptions>;
  readonly client?: { readonly name?: string; readonly issuer?: string; readonly client_id?: string };
  readonly time?: { now: number };
  readonly memory?: MemoryStore;
}

/** One replica of an application. */
function replica({ options = {}, client = {}, time = { now: T }, ...given }: Setup = {}) {
  const memory = given.memory ?? new MemoryStore({ now: () => time.now });
  const store = new ObservedStore(memory);
  const oidc = {
    issuer: client.issuer ?? 'https://op.test',
    name: client.name,
    metadata: { client_id: client.client_id ?? 'rp1', redirect_uris: ['https://app.test/auth/callback'] },
    clock: new Clock(() => time.now, 0, 30),
  } as never;
  const {
    secret: secrets,
    tokens = true,
    ...settings
  } = validate(sessionOptionsSchema, { secret: secret('a'), ...options }, 'session');
  const sealer = new Sealer(secrets.map((one) => one.reveal()));
  return { time, memory, store, sessions: new SessionStore(oidc, { ...settings, tokens }, sealer, store) };
}

const requestWith = (cookie: string) => ({ method: 'GET', url: '/', rawHeaders: [], headers: { cookie } });
const NOBODY = requestWith('');
const cleared = (name = NAME) => `${name}=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax`;
const NONE = { setCookies: [cleared()] };

const tokens = new TokenResponse({
  access_token: 'AT-value',
  refresh_token: 'RT-value',
  id_token: 'ID-value',
  token_type: 'Bearer',
  scope: 'openid',
});
const ALICE = { user: { sub: 'alice' }, tokens };

/** The request of a browser after these `Set-Cookie` lines. */
async function after(lines: Awaitable<readonly string[]>) {
  const pairs = (await lines).filter((line) => !line.includes('Max-Age=0')).map((line) => line.split(';')[0]);
  return requestWith(pairs.join('; '));
}

/** What a keeper over a store in this process found. */
const atOnce = (found: Awaitable<FoundSession>): FoundSession => found as FoundSession;

/** Where the store has the session of a request. */
const keyOf = ({ headers }: typeof NOBODY) =>
  `session:${hash(['https://op.test', 'rp1', null, headers.cookie.slice(NAME.length + 1).slice(0, 22)])}`;

const hash = (value: unknown) => createHash('sha256').update(JSON.stringify(value)).digest('base64url');

describe('SessionStore', () => {
  it('SESS-15 sets one cookie of an id and a key, in less than 200 bytes', async () => {
    const { sessions } = replica();
    const lines = await sessions.start(NOBODY, { user: 'x'.repeat(20_000), tokens });
    expect(lines).toEqual([
      expect.stringMatching(/^__Host-oidc-session=[\w-]{65}; Path=\/; HttpOnly; Secure; SameSite=Lax$/),
    ]);
    expect(setCookieBytes(lines)).toBeLessThan(200);
  });

  it('gives back what it was started with, at every replica, and at once where the store is here', async () => {
    const { sessions, memory } = replica();
    const identity = { sub: 'alice', sid: 'S1' };
    const request = await after(sessions.start(NOBODY, { ...ALICE, identity }));
    const found = atOnce(replica({ memory }).sessions.find(request));
    expect(found).toMatchObject({ session: { user: { sub: 'alice' }, identity, expiresAt: T + 28_800_000 } });
    expect(found.session?.tokens).toMatchObject({ access_token: 'AT-value', refresh_token: 'RT-value' });
    expect([found.session?.tokens.id_token, found.setCookies]).toEqual(['ID-value', []]);
  });

  it('keeps no access and no refresh token where session.tokens is off, and any ID token', async () => {
    const { sessions } = replica({ options: { tokens: false } });
    const long = new TokenResponse({ access_token: 'a', token_type: 'Bearer', scope: 's', id_token: 'i'.repeat(9000) });
    const { session } = await sessions.find(await after(sessions.start(NOBODY, { user: 'alice', tokens: long })));
    expect([session?.tokens.access_token, session?.tokens.id_token]).toEqual([undefined, 'i'.repeat(9000)]);
  });

  it('SESS-36 asks the store for nobody', async () => {
    const { sessions, store } = replica();
    expect(await sessions.find(NOBODY)).toEqual({ setCookies: [] });
    expect(await sessions.find(requestWith('other=1'))).toEqual({ setCookies: [] });
    for (const value of ['', 'x', 'a'.repeat(64), 'a'.repeat(66), `${'a'.repeat(64)}+`]) {
      expect(await sessions.find(requestWith(`${NAME}=${value}`))).toEqual(NONE);
    }
    expect(store.calls).toEqual([]);
  });

  it('SESS-28 two of one name are none, in either order', async () => {
    const { sessions } = replica();
    const { cookie } = (await after(sessions.start(NOBODY, ALICE))).headers;
    for (const header of [`${cookie}; ${NAME}=evil`, `${NAME}=evil; ${cookie}`, `${cookie}; ${cookie}`]) {
      expect(await sessions.find(requestWith(header))).toEqual(NONE);
    }
  });

  it('a dump of the store opens nothing and names nobody', async () => {
    const written: string[] = [];
    const { sessions, store, memory } = replica();
    store.set = (key, value, lifetime) => {
      written.push(key, value);
      memory.set(key, value, lifetime);
    };
    const { cookie } = (await after(sessions.start(NOBODY, ALICE))).headers;
    const [key = '', sealed = ''] = written;
    const own = cookie.slice(-43);
    expect(key).toBe(keyOf(requestWith(cookie)));
    expect(key + sealed).not.toMatch(/alice|value/);
    expect(sealed).not.toContain(own);
    // Neither the secret alone nor the cookie alone opens it.
    expect(new Sealer([secret('a')]).open('stored session', key, sealed, T).status).toBe('invalid');
    expect(new Sealer([own]).open('stored session', key, sealed, T).status).toBe('invalid');
  });

  it('SESS-25 REDIS-06 what a writer puts there is none and is deleted, and no session of another opens', async () => {
    const { sessions, memory } = replica();
    const request = await after(sessions.start(NOBODY, ALICE));
    const other = await sessions.find(await after(sessions.start(NOBODY, { ...ALICE, user: 'bob' })));
    const key = keyOf(request);
    const { stored = '' } = await sessions.find(request);
    for (const written of ['{', 'null', '"x"', '', `${stored.slice(0, -2)}AA`, String(other.stored)]) {
      memory.set(key, written, 10_000);
      expect(await sessions.find(request)).toEqual(NONE);
      expect(memory.get(key)).toBeUndefined();
    }
  });

  it('SESS-33 what another version sealed is no session', async () => {
    const { sessions, memory } = replica();
    const request = await after(sessions.start(NOBODY, ALICE));
    const key = keyOf(request);
    const own = request.headers.cookie.slice(-43);
    for (const value of [null, 1, 'text', {}, { user: 'alice' }]) {
      memory.set(key, new Sealer([secret('a')]).with(own, 9999).seal('stored session', key, value, T + 1), 10_000);
      expect(await sessions.find(request)).toEqual(NONE);
    }
  });

  it('SESS-10 SESS-12 a login has an id of its own, and ends the session that it replaces', async () => {
    const { sessions } = replica();
    const planted = await after(sessions.start(NOBODY, { ...ALICE, user: 'attacker' }));
    const victim = await after(sessions.start(planted, ALICE));
    expect(victim.headers.cookie).not.toBe(planted.headers.cookie);
    expect(await sessions.find(planted)).toEqual(NONE);
    expect((await sessions.find(victim)).session?.user).toEqual({ sub: 'alice' });
    const unknown = requestWith(`${NAME}=${'k'.repeat(65)}`);
    expect((await after(sessions.start(unknown, ALICE))).headers.cookie).not.toContain('kkk');
  });

  it('SESS-13 a copy of the cookie is none after the end', async () => {
    const { sessions } = replica();
    const request = await after(sessions.start(NOBODY, ALICE));
    expect(sessions.clear(request)).toEqual([cleared()]);
    await sessions.end(request);
    await sessions.end(NOBODY);
    expect(await sessions.find(request)).toEqual(NONE);
  });

  it('clears what a session in cookies left', async () => {
    const { sessions } = replica();
    const before = requestWith(`${NAME}=large; ${NAME}.1=parts`);
    expect((await sessions.start(before, ALICE)).slice(1)).toEqual([cleared(`${NAME}.1`)]);
    expect(await sessions.find(before)).toEqual({ setCookies: [cleared(), cleared(`${NAME}.1`)] });
  });

  it('SESS-04 is sealed anew by the newest secret, under the same cookie and with the same end', async () => {
    const before = replica();
    const request = await after(before.sessions.start(NOBODY, ALICE));
    const { sessions, time } = replica({ options: { secret: [secret('b'), secret('a')] }, memory: before.memory });
    time.now = T + 1000;
    const { session, setCookies } = await sessions.find(request);
    expect([session?.expiresAt, setCookies]).toEqual([T + 28_800_000, []]);
    const later = replica({ options: { secret: secret('b') }, memory: before.memory });
    expect((await later.sessions.find(request)).session?.expiresAt).toBe(T + 28_800_000);
    expect(await before.sessions.find(request)).toEqual(NONE);
  });

  it('renews a session for every later request, with the same cookie and the same end', async () => {
    const { sessions, time } = replica();
    const request = await after(sessions.start(NOBODY, ALICE));
    time.now = T + 1000;
    const fresh = new TokenResponse({ access_token: 'AT-new', token_type: 'Bearer', scope: 'openid' });
    expect(await sessions.renew(request, await sessions.find(request), { tokens: fresh })).toEqual([]);
    const { session } = await sessions.find(request);
    expect([session?.tokens.access_token, session?.user, session?.expiresAt]).toEqual([
      'AT-new',
      { sub: 'alice' },
      T + 28_800_000,
    ]);
  });

  it('SESS-35 no writer brings back what has ended, or what another has written over', async () => {
    const { sessions } = replica();
    const request = await after(sessions.start(NOBODY, ALICE));
    const [one, other] = [await sessions.find(request), await sessions.find(request)];
    expect(await sessions.renew(request, one, { user: 'first' })).toEqual([]);
    expect(await sessions.renew(request, other, { user: 'second' })).toBeUndefined();
    const late = await sessions.find(request);
    expect(late.session?.user).toBe('first');
    await sessions.end(request);
    expect(await sessions.renew(request, late, { user: 'third' })).toBeUndefined();
    expect(await sessions.find(request)).toEqual(NONE);
  });

  it('SESS-08 ends at its absolute limit, however it is used', async () => {
    const { sessions, time } = replica({ options: { absoluteLifetime: 600, idleLifetime: 120 } });
    const request = await after(sessions.start(NOBODY, ALICE));
    for (let minute = 0; minute < 10; minute += 1) {
      time.now = T + minute * 60_000;
      expect((await sessions.find(request)).session?.user).toEqual({ sub: 'alice' });
    }
    time.now = T + 599_999;
    expect((await sessions.find(request)).session).toBeDefined();
    time.now = T + 600_000;
    expect(await sessions.find(request)).toEqual(NONE);
  });

  it('SESS-09 ends when it was idle for so long, and writes a use down when half of it has passed', async () => {
    const { sessions, store, time } = replica({ options: { idleLifetime: 100 } });
    const request = await after(sessions.start(NOBODY, ALICE));
    store.calls.length = 0;
    time.now = T + 49_999;
    await sessions.find(request);
    expect(store.calls).toEqual(['get session']);
    time.now = T + 50_000;
    await sessions.find(request);
    expect(store.calls).toEqual(['get session', 'get session', 'replace session']);
    time.now = T + 149_999;
    expect((await sessions.find(request)).session).toBeDefined();
    time.now = T + 249_999;
    expect(await sessions.find(request)).toEqual(NONE);
  });

  it('SESS-09 without rolling is over so long after the login', async () => {
    const { sessions, time } = replica({ options: { idleLifetime: 100, rolling: false } });
    const request = await after(sessions.start(NOBODY, ALICE));
    time.now = T + 99_999;
    expect((await sessions.find(request)).session).toBeDefined();
    time.now = T + 100_000;
    expect(await sessions.find(request)).toEqual(NONE);
  });

  it('NEST-15 is a session of its client alone', async () => {
    const { sessions, memory } = replica({ client: { name: 'one' } });
    const request = await after(sessions.start(NOBODY, ALICE));
    const renamed = (name: string) => requestWith(request.headers.cookie.replace('-one=', `${name}=`));
    for (const [client, name] of [
      [{ name: 'two' }, '-two'],
      [{}, ''],
      [{ name: 'one', issuer: 'https://other.test' }, '-one'],
      [{ name: 'one', client_id: 'rp2' }, '-one'],
    ] as const) {
      expect((await replica({ client, memory }).sessions.find(renamed(name))).session).toBeUndefined();
    }
  });

  it('SESS-30 does not start what is larger than a session can be', async () => {
    const { sessions } = replica();
    await expect(sessions.start(NOBODY, { user: 'x'.repeat(100_000), tokens })).rejects.toMatchObject({
      code: 'SESSION_TOO_LARGE',
    });
  });

  it('INJ-16 shows no secret, however it is printed', async () => {
    const { sessions } = replica();
    const request = await after(sessions.start(NOBODY, ALICE));
    const found = await sessions.find(request);
    const shown = inspect([found, sessions], { depth: 9, showHidden: true }) + JSON.stringify(found);
    expect(shown).not.toMatch(/(AT|ID|RT)-value|a{32}/);
    expect(shown).not.toContain(request.headers.cookie.slice(-43));
  });

  it('REDIS-02 REDIS-08 REDIS-09 says of each call that the store is away', async () => {
    const { sessions, store } = replica();
    const request = await after(sessions.start(NOBODY, ALICE));
    const found = await sessions.find(request);
    store.fails = () => true;
    const calls = [
      () => sessions.find(request),
      () => sessions.start(request, ALICE),
      () => sessions.renew(request, found, {}),
      () => sessions.end(request),
    ];
    for (const call of calls) {
      await expect((async () => call())()).rejects.toBeInstanceOf(StoreError);
    }
    store.fails = () => false;
    expect((await sessions.find(request)).session).toBeDefined();
  });

  it('REDIS-11 looks once more where the store is far away and may lag behind', async () => {
    const { sessions, store, memory } = replica();
    const request = await after(sessions.start(NOBODY, ALICE));
    let lags = 1;
    Object.assign(
      store,
      storeLike(memory, { get: (key) => Promise.resolve(lags-- > 0 ? undefined : memory.get(key)) }),
    );
    expect((await sessions.find(request)).session?.user).toEqual({ sub: 'alice' });
    lags = 2;
    expect(await sessions.find(request)).toEqual(NONE);
  });
});
