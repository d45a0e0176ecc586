import { expect, it } from '@jest/globals';

import { decodeJwt, jws, keyOf } from '../../lib/testing/provider/keys.js';
import { createApp, onBothAdapters, type Adapter, type AppSetup } from '../support/app/apps.js';
import { expectCallbackRefused, expectNoSecrets } from '../support/app/outcomes.js';
import { Browser, type Page } from '../support/browser/browser.js';
import { T } from '../support/clock.js';
import type { JwtFault, Members } from '../support/provider/hostile-provider.js';
import { CLIENT_SECRET, startProvider } from '../support/provider/provider.js';

const REGISTERED = { authorization_signed_response_alg: 'RS256' };

async function begun(adapter: Adapter, fault: JwtFault = {}, setup: Partial<AppSetup> = {}) {
  const app = await createApp({ adapter, client: REGISTERED, ...setup });
  app.op.authorizationJwt(fault);
  const browser = new Browser(app);
  const answer = await browser.startLogin({ returnTo: '/me' });
  return { app, browser, answer };
}

const responseOf = (answer: Page) => new URL(answer.location).searchParams.get('response') ?? '';

const withClaims = (change: Members): JwtFault => ({ claims: (claims) => ({ ...claims, ...change }) });

const corrupted = (jwt: string) => jwt.slice(0, -8) + (jwt.at(-8) === 'A' ? 'B' : 'A') + jwt.slice(-7);

onBothAdapters((adapter) => {
  it.each(['RS256', 'ES256', 'PS384', 'EdDSA', 'HS256'])('JARM-01 C8 logs in with a response by %s', async (alg) => {
    const client = { authorization_signed_response_alg: alg };
    const { app, browser, answer } = await begun(adapter, {}, { client });
    expect([...new URL(answer.location).searchParams.keys()]).toEqual(['response']);
    expect(decodeJwt(responseOf(answer))).toEqual({
      header: expect.objectContaining({ alg }),
      claims: {
        iss: app.op.issuer,
        aud: 'rp1',
        exp: app.clock.seconds + 600,
        code: expect.any(String),
        state: expect.any(String),
      },
    });
    expect((await browser.finishLogin(answer)).target).toBe(`${app.url}/me`);
    expect((await browser.get('/me')).json()).toMatchObject({ user: { sub: 'alice' } });
  });

  it('asks for it, where the registration does', async () => {
    const app = await createApp({ adapter, client: REGISTERED });
    const start = new URL((await new Browser(app).get('/auth/login')).location);
    expect([start.searchParams.get('response_mode'), start.searchParams.get('response_type')]).toEqual(['jwt', 'code']);
  });

  it.each(['query.jwt', 'form_post.jwt', 'fragment.jwt', 'jwt'] as const)('logs in by %s', async (responseMode) => {
    const op = await startProvider({ host: 'localhost' });
    const setup = { op, client: {}, publicUrl: 'https://app.test', options: { login: { responseMode } } };
    const { browser, answer } = await begun(adapter, {}, setup);
    expect((await browser.finishLogin(answer)).target).toBe('https://app.test/me');
    expect(browser.jar.names).toEqual(['__Host-oidc-session']);
  });

  it.each([{}, { rawBody: true }, { bodyParser: false }])('takes a form with a JWT in it, with %p', async (parser) => {
    const op = await startProvider({ host: 'localhost' });
    const options = { login: { responseMode: 'form_post.jwt' as const } };
    const { browser, answer } = await begun(adapter, {}, { op, publicUrl: 'https://app.test', options, ...parser });
    expect(browser.jar.startingWith('__Host-oidc-login.')[0]?.sameSite).toBe('none');
    expect((await browser.finishLogin(answer)).target).toBe('https://app.test/me');
  });

  it('JARM-02 takes no plain response, though its state is right, and uses up no login', async () => {
    const { app, browser, answer } = await begun(adapter);
    const { code, state, iss } = Object(decodeJwt(responseOf(answer)).claims);
    const plain = new URLSearchParams({ code, state, iss }).toString();
    expectCallbackRefused(await browser.get(`/auth/callback?${plain}`), 400, 'JARM_REQUIRED', app);
    const error = new URLSearchParams({ error: 'access_denied', state, iss }).toString();
    expectCallbackRefused(await browser.get(`/auth/callback?${error}`), 400, 'JARM_REQUIRED', app);
    expectCallbackRefused(await browser.get('/auth/callback'), 400, 'MISSING_RESPONSE', app);
    expect(app.op.count('token')).toBe(0);
    expect((await browser.finishLogin(answer)).target).toBe(`${app.url}/me`);
  });

  it.each<[string, JwtFault]>([
    ['JARM-04 C9 unsigned', { header: () => ({ alg: 'none' }), sign: 'none' }],
    ['JARM-05 C9 of a stranger', { sign: 'stranger' }],
    ['JARM-05 C9 with a broken signature', { sign: corrupted }],
    ['JARM-05 signed by another algorithm than the registered one', { header: (h) => ({ ...h, alg: 'PS256' }) }],
    ['JARM-05 signed with our secret', { header: () => ({ alg: 'HS256' }), sign: Buffer.from(CLIENT_SECRET) }],
    ['JARM-06 C10 without iss', withClaims({ iss: undefined })],
    ['JARM-06 C10 of another issuer', withClaims({ iss: 'https://evil.test' })],
    ['JARM-07 C10 without aud', withClaims({ aud: undefined })],
    ['JARM-07 C10 for another client', withClaims({ aud: 'rp11' })],
    ['JARM-07 for a list of others', withClaims({ aud: ['rp2', 'rp3'] })],
    ['JARM-08 C11 without exp', withClaims({ exp: undefined })],
    ['JARM-08 C11 that is over', withClaims({ exp: 1 })],
    ['whose exp is no time', withClaims({ exp: 'tomorrow' })],
    ['that is an ID token', withClaims({ nonce: 'n' })],
    ['of another kind', { header: (h) => ({ ...h, typ: 'at+jwt' }) }],
    ['with an extension', { header: (h) => ({ ...h, crit: ['exp'] }) }],
  ])('a response %s is 400, and no code is sent anywhere', async (_what, fault) => {
    const { app, browser, answer } = await begun(adapter, fault);
    const response = await browser.finishLogin(answer);
    expectCallbackRefused(response, 400, 'JARM_INVALID', app);
    expect(app.refusals.at(-1)?.cause).toMatchObject({ cause: { name: 'VerificationError' } });
    expect([app.op.count('token'), app.op.count('userinfo')]).toEqual([0, 0]);
    expectNoSecrets(app, response, [responseOf(answer), String(decodeJwt(responseOf(answer)).claims['code'])]);
  });

  it.each<[string, number, boolean]>([
    ['a second before', -1, true],
    ['at', 0, false],
  ])('JARM-08 %s the tolerated end of its exp', async (_what, seconds, isIn) => {
    const { app, browser, answer } = await begun(adapter, withClaims({ exp: T }));
    app.clock.advance(30 + seconds);
    const response = await browser.finishLogin(answer);
    expect(response.status).toBe(isIn ? 303 : 400);
  });

  it.each([[['rp1']], [['rp1', 'https://api.test']]])('JARM-07 takes a list of audiences %j', async (aud) => {
    const { app, browser, answer } = await begun(adapter, withClaims({ aud }));
    expect((await browser.finishLogin(answer)).target).toBe(`${app.url}/me`);
  });

  it.each<[string, Members, string]>([
    ['JARM-09 another state', { state: 'other' }, 'STATE_MISMATCH'],
    ['JARM-09 no state', { state: undefined }, 'STATE_MISSING'],
    ['an empty state', { state: '' }, 'STATE_MISSING'],
    ['a list of states', { state: ['a'] }, 'STATE_MISSING'],
  ])('%s is refused before anything else is believed', async (_what, change, code) => {
    const { app, browser, answer } = await begun(adapter, { ...withClaims(change), sign: 'stranger' });
    app.op.forgetRequests();
    expectCallbackRefused(await browser.finishLogin(answer), 400, code, app);
    expect(app.op.count()).toBe(0);
    // That login is as good as before.
    expect(browser.jar.startingWith('oidc-login.')).toHaveLength(1);
  });

  it.each<[string, Members, 400 | 403 | 502, string]>([
    ['JARM-10 C3 a denial', { error: 'access_denied', code: undefined }, 403, 'OP_ERROR'],
    ['an error beside a code', { error: 'access_denied' }, 403, 'OP_ERROR'],
    ['a fault of ours', { error: 'invalid_request', code: undefined }, 502, 'OP_ERROR'],
    ['neither code nor error', { code: undefined }, 400, 'CODE_MISSING'],
    ['a code that is a number of things', { code: ['a', 'b'] }, 400, 'CODE_MISSING'],
    ['a code that is not ASCII', { code: 'é' }, 400, 'INVALID_PARAMETER'],
    ['an access token', { access_token: 'evil' }, 400, 'UNEXPECTED_PARAMETER'],
    ['an ID token', { id_token: 'evil' }, 400, 'UNEXPECTED_PARAMETER'],
    ['another response', { response: 'a.b.c' }, 400, 'UNEXPECTED_PARAMETER'],
  ])('%s in a good JWT ends that login', async (_what, change, status, code) => {
    const { app, browser, answer } = await begun(adapter, withClaims(change));
    expectCallbackRefused(await browser.finishLogin(answer), status, code, app);
    expect([app.op.count('token'), browser.jar.names]).toEqual([0, []]);
  });

  it.each([
    ['JARM-15 twice', (jwt: string) => `?response=${jwt}&response=${jwt}`, 'DUPLICATE_PARAMETER'],
    ['beside a code', (jwt: string) => `?response=${jwt}&code=x`, 'UNEXPECTED_PARAMETER'],
    ['beside an error', (jwt: string) => `?response=${jwt}&error=x`, 'UNEXPECTED_PARAMETER'],
    ['that is none', () => '?response=nothing', 'JARM_INVALID'],
    ['of three empty parts', () => '?response=..', 'JARM_INVALID'],
    ['JARM-12 that is encrypted, and no encryption is registered', () => '?response=e30.a.b.c.d', 'JARM_INVALID'],
    ['whose payload is a list', () => `?response=${jws({ alg: 'RS256' }, '[]', keyOf('RSA'))}`, 'JARM_INVALID'],
    ['JARM-14 of many dots', () => `?response=${'.'.repeat(8000)}`, 'JARM_INVALID'],
  ])('a JWT %s is 400 and uses up no login', async (_what, query, code) => {
    const { app, browser, answer } = await begun(adapter);
    expectCallbackRefused(await browser.get(`/auth/callback${query(responseOf(answer))}`), 400, code, app);
    expect(app.op.count('token')).toBe(0);
    expect((await browser.finishLogin(answer)).target).toBe(`${app.url}/me`);
  });

  it.each([
    ['100 KB', 'x'.repeat(102_400), 413],
    ['60,000 dots', '.'.repeat(60_000), 400],
  ])('JARM-14 refuses a form with %s at once', async (_what, response, status) => {
    const op = await startProvider({ host: 'localhost' });
    const options = { login: { responseMode: 'form_post.jwt' as const } };
    const { app, browser } = await begun(adapter, {}, { op, publicUrl: 'https://app.test', options });
    expect((await browser.post('/auth/callback', { response }, { from: op.issuer })).status).toBe(status);
    expect(app.op.count('token')).toBe(0);
  });

  it('JARM-05 takes no key of another server, and lets strangers fetch keys once in half a minute', async () => {
    const { app, browser, answer } = await begun(adapter, { header: (header) => ({ ...header, kid: 'unknown' }) });
    const state = String(decodeJwt(responseOf(answer)).claims['state']);
    expectCallbackRefused(await browser.copy().finishLogin(answer), 400, 'JARM_INVALID', app);
    const fetched = app.op.count('jwks');
    const other = jws({ alg: 'RS256', kid: 'another' }, { iss: app.op.issuer, aud: 'rp1', state }, keyOf('RSA'));
    expectCallbackRefused(await browser.copy().get(`/auth/callback?response=${other}`), 400, 'JARM_INVALID', app);
    expect(app.op.count('jwks')).toBe(fetched);
  });

  it('A10 fetches the keys again for a key that is new', async () => {
    const { app, browser } = await begun(adapter);
    await browser.login();
    app.clock.advance(60);
    app.op.rotate();
    expect((await browser.login({ returnTo: '/me' })).target).toBe(`${app.url}/me`);
  });

  it('is 503 while the keys can not be had', async () => {
    const { app, browser, answer } = await begun(adapter);
    app.op.answer('jwks', { status: 503 });
    expectCallbackRefused(await browser.finishLogin(answer), 503, 'UPSTREAM_UNAVAILABLE', app);
    expect(app.op.count('token')).toBe(0);
  });

  it('a callback that comes twice is one login', async () => {
    const { app, browser, answer } = await begun(adapter);
    const pages = await Promise.all([browser.copy().get(answer.location), browser.copy().get(answer.location)]);
    expect(pages.map(({ status }) => status)).toEqual([303, 303]);
    expect(app.op.count('token')).toBe(1);
  });

  it('begins no other login with a response that came to another path', async () => {
    const { app, browser, answer } = await begun(adapter);
    const elsewhere = await browser.get(`/auth/login${new URL(answer.location).search}`);
    expectCallbackRefused(elsewhere, 502, 'CALLBACK_PATH_MISMATCH', app);
    expect((await browser.get('/auth/login?response=nothing')).location).toMatch(/\/authorize\?/);
    expect((await browser.finishLogin(answer)).target).toBe(`${app.url}/me`);
  });
});
