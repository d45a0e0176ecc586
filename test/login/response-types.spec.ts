import { expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';

import { OidcStrategy, type JsonObject, type LoginTokens, type OidcModuleOptions } from '../../lib/index.js';
import { createApp, onBothAdapters, type Adapter, type AppSetup } from '../support/app/apps.js';
import { expectCallbackRefused } from '../support/app/outcomes.js';
import { Browser, type Page } from '../support/browser/browser.js';
import type { JwtFault, Members } from '../support/provider/hostile-provider.js';
import { startProvider } from '../support/provider/provider.js';

type Login = NonNullable<OidcModuleOptions['login']>;

/** A browser with the provider's answer to a login of a response type. */
async function begun(adapter: Adapter, type: string, fault: JwtFault = {}, setup: Partial<AppSetup> = {}) {
  const app = await createApp({ adapter, client: { response_types: [type] }, ...setup });
  app.op.idToken(fault);
  const browser = new Browser(app);
  const answer = await browser.startLogin({ returnTo: '/me' });
  return { app, browser, answer };
}

const fragmentOf = (answer: Page) => new URLSearchParams(new URL(answer.location).hash.slice(1));

/** Takes the answer back with another fragment. */
const withFragment = async (browser: Browser, answer: Page, change: (fragment: URLSearchParams) => void) => {
  const fragment = fragmentOf(answer);
  change(fragment);
  return browser.submitForm(await browser.follow(answer), { fragment: fragment.toString() });
};

const withClaims = (change: Members): JwtFault => ({ claims: (claims) => ({ ...claims, ...change }) });

/** Changes the ID token of the token endpoint only. */
const behind = (change: Members): JwtFault => ({
  claims: (claims, { endpoint }) => (endpoint === 'token' ? { ...claims, ...change } : claims),
});

let seen: LoginTokens | undefined;

@Injectable()
class SeeingStrategy extends OidcStrategy {
  override validate(claims: JsonObject, tokens: LoginTokens) {
    seen = tokens;
    return { sub: String(claims['sub']), email: claims['email'] ?? null };
  }
}

const SEEING = { extras: { providers: [{ provide: OidcStrategy, useClass: SeeingStrategy }] } };

const ALL = ['code', 'id_token', 'id_token token', 'code id_token', 'code token', 'code id_token token'];
const WITH_ID_TOKEN = ['id_token', 'id_token token', 'code id_token', 'code id_token token'];

onBothAdapters((adapter) => {
  it.each([...ALL.slice(1), 'token id_token', 'id_token code', 'token id_token code'])(
    'C1 B2 logs in with %s, from the fragment',
    async (type) => {
      const app = await createApp({ adapter, client: { response_types: [type, 'code'] } });
      const browser = new Browser(app);
      const start = await browser.get('/auth/login?returnTo=/me');
      const sent = new URL(start.location).searchParams;
      expect([sent.get('response_type'), sent.has('response_mode')]).toEqual([type, false]);
      expect(sent.get('nonce')).toMatch(/^[\w-]{43}$/);
      expect(sent.has('code_challenge')).toBe(type.includes('code'));
      const callback = await browser.finishLogin(await browser.follow(start));
      expect([callback.status, callback.target]).toEqual([303, `${app.url}/me`]);
      expect(browser.jar.names).toEqual(['oidc-session']);
      expect((await browser.get('/me')).json()).toMatchObject({ user: { sub: 'alice' } });
      expect(app.op.count('token')).toBe(type.includes('code') ? 1 : 0);
    },
  );

  it.each(ALL.flatMap((type) => [[type, 'form_post'] as const, [type, 'form_post.jwt'] as const]))(
    'C2 logs in with %s by %s',
    async (type, responseMode) => {
      const op = await startProvider({ host: 'localhost' });
      const setup = { op, publicUrl: 'https://app.test', options: { login: { responseMode } } };
      const { browser, answer } = await begun(adapter, type, {}, { ...setup, client: { response_types: [type] } });
      expect((await browser.finishLogin(answer)).target).toBe('https://app.test/me');
    },
  );

  it.each(WITH_ID_TOKEN)('logs in with %s in a signed response, in the fragment', async (type) => {
    const client = { response_types: [type], authorization_signed_response_alg: 'ES256' };
    const { app, browser, answer } = await begun(adapter, type, {}, { client });
    expect([...fragmentOf(answer).keys()]).toEqual(['response']);
    expect((await browser.finishLogin(answer)).target).toBe(`${app.url}/me`);
  });

  it('D24 takes the claims of the ID token, and asks for no token and no userinfo', async () => {
    const client = { response_types: ['id_token'], scope: 'openid email' };
    const { app, browser, answer } = await begun(adapter, 'id_token', withClaims({ email: 'a@op.test' }), {
      client,
      ...SEEING,
    });
    await browser.finishLogin(answer);
    expect((await browser.get('/me')).json()).toEqual({ user: { sub: 'alice', email: 'a@op.test' } });
    expect([app.op.count('token'), app.op.count('userinfo'), app.op.count('jwks')]).toEqual([0, 0, 1]);
    expect([seen?.access_token, seen?.refresh_token, seen?.scope]).toEqual([undefined, undefined, 'openid email']);
    expect(seen?.id_token).toBe(fragmentOf(answer).get('id_token'));
  });

  it('hands the access token of the response to validate where no code comes with it', async () => {
    const { browser, answer } = await begun(
      adapter,
      'id_token token',
      {},
      {
        client: { response_types: ['id_token token'] },
        ...SEEING,
      },
    );
    await browser.finishLogin(answer);
    expect([seen?.access_token, seen?.token_type, seen?.expires_in, seen?.refresh_token]).toEqual([
      fragmentOf(answer).get('access_token'),
      'Bearer',
      3600,
      undefined,
    ]);
  });

  it.each(['code token', 'code id_token token'])(
    'F7 asks userinfo with the token of the token endpoint: %s',
    async (type) => {
      const options = { login: { userinfo: true } };
      const { app, browser, answer } = await begun(adapter, type, {}, { client: { response_types: [type] }, options });
      app.op.tokenResponse((members) => ({ ...members, access_token: app.op.issue({ scope: 'openid' }) }));
      app.op.idToken({
        claims: ({ at_hash, ...claims }, { endpoint }) => (endpoint === 'token' ? claims : { at_hash, ...claims }),
      });
      expect((await browser.finishLogin(answer)).target).toBe(`${app.url}/me`);
      const front = String(fragmentOf(answer).get('access_token'));
      expect(app.op.requests('userinfo').map(({ headers }) => headers.authorization)).toEqual([
        expect.not.stringContaining(front),
      ]);
    },
  );

  it.each(['code token', 'code id_token token'])(
    'calls nobody with the access token of the response while the ID token is not good: %s',
    async (type) => {
      const options = { login: { userinfo: true } };
      const setup = { client: { response_types: [type] }, options };
      const { app, browser, answer } = await begun(adapter, type, behind({ nonce: 'other' }), setup);
      expectCallbackRefused(await browser.finishLogin(answer), 403, 'NONCE_MISMATCH', app);
      expect([app.op.count('token'), app.op.count('userinfo')]).toEqual([1, 0]);
    },
  );

  it('TXN-17 takes no code that another ID token came with', async () => {
    const { app, browser, answer } = await begun(adapter, 'code id_token');
    const other = fragmentOf(await new Browser(app).startLogin()).get('code') ?? '';
    const response = await withFragment(browser, answer, (fragment) => fragment.set('code', other));
    expectCallbackRefused(response, 403, 'C_HASH_MISMATCH', app);
    expect(app.op.count('token')).toBe(0);
  });

  it('takes no access token that another ID token came with', async () => {
    const { app, browser, answer } = await begun(adapter, 'id_token token');
    const stolen = app.op.issue({ sub: 'mallory' });
    const response = await withFragment(browser, answer, (fragment) => fragment.set('access_token', stolen));
    expectCallbackRefused(response, 403, 'AT_HASH_MISMATCH', app);
  });

  it.each<[string, string, (fragment: URLSearchParams) => void, 400 | 403 | 502, string]>([
    ['code id_token', 'C4 another state', (sent) => sent.set('state', 'other'), 400, 'STATE_MISMATCH'],
    ['code id_token', 'C5 no state', (sent) => sent.delete('state'), 400, 'STATE_MISSING'],
    ['code id_token', 'C6 another iss', (sent) => sent.set('iss', 'https://evil.test'), 400, 'ISS_MISMATCH'],
    ['id_token', 'C6 another iss', (sent) => sent.set('iss', 'https://evil.test'), 400, 'ISS_MISMATCH'],
    ['code token', 'C7 no iss though published', (sent) => sent.delete('iss'), 400, 'ISS_MISSING'],
    [
      'id_token',
      'C7 an error and no iss though published',
      (sent) => ['iss', 'id_token'].forEach((name) => sent.delete(name)),
      400,
      'ISS_MISSING',
    ],
    ['code id_token', 'no code', (sent) => sent.delete('code'), 400, 'CODE_MISSING'],
    ['code id_token', 'no ID token', (sent) => sent.delete('id_token'), 400, 'TOKEN_MISSING'],
    ['id_token token', 'no access token', (sent) => sent.delete('access_token'), 400, 'TOKEN_MISSING'],
    ['id_token', 'a code', (sent) => sent.set('code', 'evil'), 400, 'UNEXPECTED_PARAMETER'],
    ['id_token', 'an access token', (sent) => sent.set('access_token', 'evil'), 400, 'UNEXPECTED_PARAMETER'],
    ['code id_token', 'an access token', (sent) => sent.set('access_token', 'evil'), 400, 'UNEXPECTED_PARAMETER'],
    ['code token', 'an ID token', (sent) => sent.set('id_token', 'evil'), 400, 'UNEXPECTED_PARAMETER'],
    ['code id_token', 'a JWT', (sent) => sent.set('response', 'a.b.c'), 400, 'UNEXPECTED_PARAMETER'],
    ['code id_token', 'two codes', (sent) => sent.append('code', 'b'), 400, 'DUPLICATE_PARAMETER'],
    ['id_token', 'brackets', (sent) => sent.set('id_token[a]', 'b'), 400, 'INVALID_PARAMETER'],
    ['id_token token', 'a long access token', (sent) => sent.set('access_token', 'x'.repeat(70_000)), 400, ''],
    ['id_token token', 'no type of the token', (sent) => sent.delete('token_type'), 502, 'TOKEN_RESPONSE_INVALID'],
    ['id_token token', 'another type', (sent) => sent.set('token_type', 'mac'), 502, 'TOKEN_RESPONSE_INVALID'],
    ['id_token token', 'a lifetime of words', (sent) => sent.set('expires_in', 'long'), 502, 'TOKEN_RESPONSE_INVALID'],
    ['id_token', 'C3 a denial', (sent) => sent.set('error', 'access_denied'), 403, 'OP_ERROR'],
    ['code id_token', 'C3 login_required', (sent) => sent.set('error', 'login_required'), 403, 'OP_ERROR'],
  ])('%s with %s ends without a session', async (type, _what, change, status, code) => {
    const { app, browser, answer } = await begun(adapter, type);
    const response = await withFragment(browser, answer, change);
    if (code === '') {
      expect(response.status).toBe(413);
    } else {
      expectCallbackRefused(response, status, code, app);
    }
    expect([app.op.count('token'), app.op.count('userinfo')]).toEqual([0, 0]);
  });

  it.each(['id_token', 'code id_token'])(
    'AUTHZ-10 needs no iss beside the ID token, which names the issuer: %s',
    async (type) => {
      const { app, browser, answer } = await begun(adapter, type);
      const response = await withFragment(browser, answer, (sent) => sent.delete('iss'));
      expect(response.target).toBe(`${app.url}/me`);
    },
  );

  it('E10 takes an access token whatever the case of its type, and without a lifetime', async () => {
    const { app, browser, answer } = await begun(adapter, 'id_token token');
    const response = await withFragment(browser, answer, (sent) => {
      sent.set('token_type', 'bEARER');
      sent.delete('expires_in');
    });
    expect(response.target).toBe(`${app.url}/me`);
  });

  it('takes no refresh token from a browser', async () => {
    const { browser, answer } = await begun(
      adapter,
      'id_token token',
      {},
      {
        client: { response_types: ['id_token token'] },
        ...SEEING,
      },
    );
    await withFragment(browser, answer, (sent) => sent.set('refresh_token', 'evil'));
    expect(seen?.refresh_token).toBeUndefined();
  });

  it.each<[string, object, Login, string]>([
    ['tokens in the query', { response_types: ['id_token'] }, { responseMode: 'query' }, 'login.responseMode'],
    [
      'tokens in a JWT in the query',
      { response_types: ['code token'] },
      { responseMode: 'query.jwt' },
      'login.responseMode',
    ],
    [
      'a plain response where a signed one is registered',
      { authorization_signed_response_alg: 'ES256' },
      { responseMode: 'query' },
      'login.responseMode',
    ],
    ['a type that no login has', { response_types: ['token'] }, {}, 'client.response_types'],
    [
      'a type without its grant',
      { response_types: ['id_token'], grant_types: ['authorization_code'] },
      {},
      'client.grant_types',
    ],
    [
      'a code without its grant',
      { response_types: ['code id_token'], grant_types: ['implicit'] },
      {},
      'client.grant_types',
    ],
    [
      'bound tokens by the browser',
      { response_types: ['id_token token'], dpop_bound_access_tokens: true },
      {},
      'client.response_types',
    ],
    [
      'unsigned ID tokens by the browser',
      { response_types: ['id_token'], id_token_signed_response_alg: 'none' },
      {},
      'client.id_token_signed_response_alg',
    ],
    ['no nonce', { response_types: ['id_token'] }, { nonce: 'unsupported' }, 'login.nonce'],
    ['userinfo without an access token', { response_types: ['id_token'] }, { userinfo: true }, 'login.userinfo'],
    ['a form on plain http', {}, { responseMode: 'form_post.jwt' }, 'login.responseMode'],
  ])('stops the boot for %s', async (_what, client, login, member) => {
    await expect(createApp({ adapter, client, options: { login } })).rejects.toMatchObject({
      name: 'ConfigError',
      member,
    });
  });
});
