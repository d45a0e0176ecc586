import { describe, expect, it } from '@jest/globals';

import type { SecurityProfileName } from '../../lib/metadata/security-profiles.js';
import { decodeJwt } from '../../lib/testing/provider/keys.js';
import { AuthController, MeController } from '../support/app/app-controllers.js';
import { createApp, onBothAdapters, type Adapter } from '../support/app/apps.js';
import { expectCallbackRefused } from '../support/app/outcomes.js';
import { Browser, type Page } from '../support/browser/browser.js';
import { clientJwks, type Members } from '../support/client/fapi-client.js';
import { closeLater } from '../support/closing.js';
import type { HostileProvider, JwtFault } from '../support/provider/hostile-provider.js';
import { startProvider } from '../support/provider/provider.js';
import { RealProvider } from '../support/provider/real-provider.js';

const SIGNING = 'fapi2-message-signing';
const FAPI1 = 'fapi1-advanced';

/** What the provider has registered; the application leaves out what its profile sets. */
const REGISTERED: Readonly<Record<string, Members>> = {
  'fapi2-security': {
    token_endpoint_auth_method: 'private_key_jwt',
    require_pushed_authorization_requests: true,
    dpop_bound_access_tokens: true,
  },
  [SIGNING]: {
    token_endpoint_auth_method: 'private_key_jwt',
    id_token_signed_response_alg: 'ES256',
    request_object_signing_alg: 'ES256',
    require_pushed_authorization_requests: true,
    dpop_bound_access_tokens: true,
  },
  [FAPI1]: {
    token_endpoint_auth_method: 'private_key_jwt',
    id_token_signed_response_alg: 'ES256',
    request_object_signing_alg: 'ES256',
  },
};

interface Setup {
  readonly client?: Members;
  readonly prepare?: (op: HostileProvider) => void;
}

async function boot(adapter: Adapter, profile: SecurityProfileName, { client, prepare }: Setup = {}) {
  const op = await startProvider();
  op.discovery((document) => ({ ...document, tls_client_certificate_bound_access_tokens: true }));
  prepare?.(op);
  return createApp({
    adapter,
    op,
    controllers: [AuthController, MeController],
    options: { profile, resourceServer: undefined },
    client: { client_secret: undefined, jwks: clientJwks('P-256'), ...client },
    registered: { ...REGISTERED[profile], ...client },
  });
}

const JARM = { authorization_signed_response_alg: 'ES256' };

const responseOf = (answer: Page): string => new URL(answer.location).searchParams.get('response') ?? '';

const withClaims = (change: Members): JwtFault => ({ claims: (claims) => ({ ...claims, ...change }) });

onBothAdapters((adapter) => {
  describe('a login that keeps fapi2-message-signing', () => {
    it('B11 B12 B13 C8 is asked for in a signed request object, and answered by a signed response', async () => {
      const app = await boot(adapter, SIGNING, { client: JARM });
      const browser = new Browser(app);
      const start = await browser.get('/auth/login?returnTo=/me');
      expect([...new URL(start.location).searchParams.keys()]).toEqual(['client_id', 'request_uri']);
      const { form } = app.op.last('par');
      expect(Object.keys(form).toSorted()).toEqual([
        'client_assertion',
        'client_assertion_type',
        'client_id',
        'request',
      ]);
      const now = app.clock.seconds;
      expect(decodeJwt(form['request'] ?? '')).toEqual({
        header: expect.objectContaining({ alg: 'ES256', typ: 'oauth-authz-req+jwt' }),
        claims: expect.objectContaining({
          iss: 'rp1',
          aud: app.op.issuer,
          iat: now,
          nbf: now,
          exp: now + 300,
          response_type: 'code',
          response_mode: 'jwt',
          code_challenge_method: 'S256',
          redirect_uri: `${app.url}/auth/callback`,
          scope: 'openid',
        }),
      });
      const answer = await browser.follow(start);
      expect(decodeJwt(responseOf(answer)).header['alg']).toBe('ES256');
      expect((await browser.finishLogin(answer)).target).toBe(`${app.url}/me`);
      expect((await browser.get('/me')).json()).toMatchObject({ user: { sub: 'alice' } });
    });

    it.each<[string, JwtFault]>([
      ['C9 that is not signed', { header: () => ({ alg: 'none' }), sign: 'none' }],
      ['C9 of a stranger', { sign: 'stranger' }],
      ['that is signed with RS256', { header: (header) => ({ ...header, alg: 'RS256' }) }],
      ['C10 of another issuer', withClaims({ iss: 'https://op.test1' })],
      ['C10 for another client', withClaims({ aud: 'rp11' })],
      ['C11 without an end', withClaims({ exp: undefined })],
    ])('takes no response %s', async (_, fault) => {
      const app = await boot(adapter, SIGNING, { client: JARM });
      app.op.authorizationJwt(fault);
      const browser = new Browser(app);
      const answer = await browser.startLogin({ returnTo: '/me' });
      expectCallbackRefused(await browser.finishLogin(answer), 400, 'JARM_INVALID', app);
      expect(app.op.count('token')).toBe(0);
    });

    it('takes no plain response', async () => {
      const app = await boot(adapter, SIGNING, { client: JARM });
      const browser = new Browser(app);
      const answer = await browser.startLogin({ returnTo: '/me' });
      const { code, state, iss } = Object(decodeJwt(responseOf(answer)).claims);
      const plain = new URLSearchParams({ code, state, iss }).toString();
      expectCallbackRefused(await browser.get(`/auth/callback?${plain}`), 400, 'JARM_REQUIRED', app);
      expect(app.op.count('token')).toBe(0);
    });
  });

  describe('a login that keeps fapi1-advanced', () => {
    it('B9 B11 C1 is asked for in a signed request object, and answered with an ID token', async () => {
      const app = await boot(adapter, FAPI1);
      const browser = new Browser(app);
      const start = await browser.get('/auth/login?returnTo=/me');
      const sent = Object.fromEntries(new URL(start.location).searchParams);
      expect(sent).toEqual({
        client_id: 'rp1',
        response_type: 'code id_token',
        redirect_uri: `${app.url}/auth/callback`,
        scope: 'openid',
        request: expect.any(String),
      });
      const now = app.clock.seconds;
      expect(decodeJwt(sent['request'] ?? '')).toEqual({
        header: expect.objectContaining({ alg: 'ES256' }),
        claims: expect.objectContaining({
          aud: app.op.issuer,
          nbf: now,
          exp: now + 300,
          response_type: 'code id_token',
          nonce: expect.any(String),
          state: expect.any(String),
        }),
      });
      const callback = await browser.finishLogin(await browser.follow(start));
      expect(callback.target).toBe(`${app.url}/me`);
      expect((await browser.get('/me')).json()).toMatchObject({ user: { sub: 'alice' } });
    });

    it.each<[string, Members, string]>([
      ['D14 a wrong s_hash', { s_hash: 'wrong' }, 'S_HASH_MISMATCH'],
      ['D14 no s_hash', { s_hash: undefined }, 'CLAIM_MISSING'],
      ['D11 a wrong c_hash', { c_hash: 'wrong' }, 'C_HASH_MISMATCH'],
      ['D11 no c_hash', { c_hash: undefined }, 'CLAIM_MISSING'],
    ])('takes no response whose ID token has %s', async (_, change, code) => {
      const app = await boot(adapter, FAPI1);
      app.op.idToken(withClaims(change));
      const browser = new Browser(app);
      const callback = await browser.finishLogin(await browser.startLogin({ returnTo: '/me' }));
      expect([callback.target === `${app.url}/me`, app.lastCode]).toEqual([false, code]);
      expect([app.op.count('token'), app.op.count('userinfo')]).toEqual([0, 0]);
    });

    it('D19 takes no ID token that is signed with RS256', async () => {
      const app = await boot(adapter, FAPI1);
      app.op.idToken({ header: (header) => ({ ...header, alg: 'RS256', kid: app.op.key('RS256').kid }) });
      const browser = new Browser(app);
      await browser.finishLogin(await browser.startLogin({ returnTo: '/me' }));
      expect([app.lastCode, app.op.count('token')]).toEqual(['ALG_NOT_ALLOWED', 0]);
    });

    it('B12 C8 is pushed as a signed request object where that is registered, and answered by a signed response', async () => {
      const pushed = { ...JARM, require_pushed_authorization_requests: true };
      const app = await boot(adapter, FAPI1, { client: pushed });
      const browser = new Browser(app);
      const answer = await browser.startLogin({ returnTo: '/me' });
      const { claims } = decodeJwt(app.op.last('par').form['request'] ?? '');
      expect(claims).toMatchObject({
        response_type: 'code',
        response_mode: 'jwt',
        code_challenge: expect.any(String),
        code_challenge_method: 'S256',
      });
      expect((await browser.finishLogin(answer)).target).toBe(`${app.url}/me`);
    });
  });

  describe('at another implementation', () => {
    const SIGNED = { id_token_signed_response_alg: 'ES256' };

    it.each<[SecurityProfileName, '1.0 Final' | '2.0', Members, readonly string[]]>([
      ['fapi2-security', '2.0', {}, ['code', 'iss', 'state']],
      [SIGNING, '2.0', JARM, ['response']],
      [FAPI1, '1.0 Final', { grant_types: ['authorization_code', 'implicit'] }, ['code', 'id_token', 'state']],
      [FAPI1, '1.0 Final', JARM, ['response']],
    ])('logs in by %s at one that holds its clients to FAPI %s, with %j', async (profile, fapi, client, names) => {
      const op = closeLater(await RealProvider.start());
      op.fapi = fapi;
      const key = { keys: clientJwks('P-256').keys.map((jwk) => ({ ...jwk, alg: 'ES256' })) };
      const app = await createApp({
        adapter,
        op,
        publicUrl: 'https://app.test',
        options: {
          profile,
          resourceServer: undefined,
          // It ends no TLS, where it would see certificates.
          server: { tls_client_certificate_bound_access_tokens: true },
        },
        controllers: [AuthController, MeController],
        client: { client_secret: undefined, jwks: key, ...SIGNED, ...client },
        registered: {
          ...REGISTERED[profile],
          response_types: profile === FAPI1 && client !== JARM ? ['code id_token'] : ['code'],
          require_signed_request_object: profile !== 'fapi2-security',
        },
      });
      const browser = new Browser(app);
      const answer = await op.startLogin(browser, { sub: 'bob', returnTo: '/me' });
      const { search, hash } = new URL(answer.location);
      expect([...new URLSearchParams(hash.slice(1) || search).keys()].toSorted()).toEqual(names);
      expect((await browser.finishLogin(answer)).target).toBe('https://app.test/me');
      expect((await browser.get('/me')).json()).toMatchObject({ user: { sub: 'bob' } });
    });
  });

  it('does not ask for s_hash without a profile', async () => {
    const app = await createApp({ adapter, client: { response_types: ['code id_token'] } });
    app.op.idToken(withClaims({ s_hash: undefined }));
    const browser = new Browser(app);
    const callback = await browser.finishLogin(await browser.startLogin({ returnTo: '/me' }));
    expect(callback.target).toBe(`${app.url}/me`);
  });
});
