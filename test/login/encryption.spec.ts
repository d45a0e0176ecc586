import { expect, it } from '@jest/globals';

import { MemoryStore, OidcClient, OidcSession, type ClientMetadata } from '../../lib/index.js';
import { decodeJwt, keyOf, privateJwk, type KeyKind } from '../../lib/testing/provider/keys.js';
import { createApp, onBothAdapters, SESSION_SECRET } from '../support/app/apps.js';
import { expectCallbackRefused, expectDependency } from '../support/app/outcomes.js';
import { Browser } from '../support/browser/browser.js';
import { closeLater } from '../support/closing.js';
import type { JwtFault, ResponseFault } from '../support/provider/hostile-provider.js';
import { RealProvider } from '../support/provider/real-provider.js';
import { jwe } from '../support/tokens/jwe.js';

/** One key of each of the kinds, for encryption. */
const keys = (...kinds: readonly KeyKind[]): ClientMetadata['jwks'] => ({
  keys: kinds.map((kind) => JSON.parse(JSON.stringify(privateJwk(keyOf(kind, 'client'), { use: 'enc' })))),
});

const RSA = keyOf('RSA', 'client');
const HEADER = { alg: 'RSA-OAEP-256', enc: 'A256GCM' };

onBothAdapters((adapter) => {
  it.each<[string, string | undefined, readonly KeyKind[]]>([
    ['RSA-OAEP-256', 'A256GCM', ['RSA']],
    ['RSA-OAEP', undefined, ['RSA']],
    ['ECDH-ES', undefined, ['P-256']],
    ['ECDH-ES+A128KW', 'A256CBC-HS512', ['P-256']],
    ['ECDH-ES', 'A128GCM', ['X25519']],
    ['dir', 'A256GCM', []],
    ['A128KW', 'A128GCM', []],
    ['A256GCMKW', undefined, []],
  ])('a login and a logout at a real provider that encrypts by %s and %s', async (alg, enc, kinds) => {
    const op = closeLater(await RealProvider.start());
    const app = await createApp({
      adapter,
      op,
      client: {
        ...RealProvider.SIGNED,
        jwks: keys(...kinds),
        userinfo_signed_response_alg: 'ES256',
        id_token_encrypted_response_alg: alg,
        id_token_encrypted_response_enc: enc,
        userinfo_encrypted_response_alg: alg,
        userinfo_encrypted_response_enc: enc,
        introspection_encrypted_response_alg: alg,
        introspection_encrypted_response_enc: enc,
      },
      options: {
        login: { scope: 'openid profile', userinfo: true },
        session: { secret: SESSION_SECRET, tokens: true },
        discovery: { when: 'boot' },
      },
    });
    const browser = new Browser(app);
    expect((await op.login(browser, { sub: 'alice', returnTo: '/me' })).location).toBe(`${app.url}/me`);
    expect((await browser.get('/me')).json()).toMatchObject({ user: { sub: 'alice' } });

    const headers = { cookie: browser.jar.header(app.url, { isCrossSite: false, isSafe: true }) };
    const session = await app.nest.get(OidcSession).read({ headers, rawHeaders: [], method: 'GET', url: '/' });
    expect(decodeJwt(String(session?.tokens.id_token))).toMatchObject({
      header: { alg: 'ES256' },
      claims: { sub: 'alice' },
    });

    const { access_token = '' } = session?.tokens ?? {};
    const oidc = app.nest.get(OidcClient);
    expect(await oidc.userinfo(access_token, 'alice')).toMatchObject({ sub: 'alice', name: 'alice of the test' });

    expect((await app.call('/orders', await op.clientCredentials('orders:read'))).status).toBe(200);
    expect(await oidc.introspect('unknown')).toEqual({ active: false });

    const { url } = (await browser.post('/auth/logout')).json();
    expect((await op.logout(browser, String(url))).location).toBe(`${app.url}/`);
  });

  it('H9 a logout token that a real provider encrypts ends the session', async () => {
    const op = closeLater(await RealProvider.start());
    const url = 'https://app.test';
    const app = await createApp({
      adapter,
      op,
      controllers: [],
      publicUrl: url,
      client: {
        ...RealProvider.SIGNED,
        jwks: keys('RSA'),
        id_token_encrypted_response_alg: HEADER.alg,
        backchannel_logout_uri: `${url}/auth/backchannel-logout`,
        backchannel_logout_session_required: true,
        post_logout_redirect_uris: [`${url}/auth/logged-out`],
      },
      options: { routes: true, store: new MemoryStore(), login: { scope: 'openid' } },
    });
    op.reaches.set(url, app.address);
    const browser = new Browser(app);
    await op.login(browser);
    expect((await browser.get('/auth/me')).status).toBe(200);
    const back = new URLSearchParams({ client_id: 'rp1', post_logout_redirect_uri: `${url}/auth/logged-out` });
    await op.logout(browser, `${op.issuer}/session/end?${back.toString()}`);
    expect([(await browser.get('/auth/me')).status, app.refusals.at(-1)?.cause]).toMatchObject([
      401,
      { code: 'SESSION_MISSING' },
    ]);
  });

  it.each<[string, JwtFault, string]>([
    ['IDT-46 only signed', { encrypt: 'none' }, 'ENCRYPTION_REQUIRED'],
    ['IDT-47 unsigned inside', { header: (h) => ({ ...h, alg: 'none' }), sign: 'none' }, 'ALG_NOT_ALLOWED'],
    [
      'D23 encrypted by RSA1_5',
      { encrypt: (jwt) => jwe({ ...HEADER, alg: 'RSA1_5' }, jwt, RSA.publicKey) },
      'ALG_NOT_ALLOWED',
    ],
    ['IDT-49 compressed', { encrypt: (jwt) => jwe({ ...HEADER, zip: 'DEF' }, jwt, RSA.publicKey) }, 'ALG_NOT_ALLOWED'],
    [
      'IDT-50 changed',
      { encrypt: async (_jwt, right) => (await right()).replace(/.{22}$/, 'A'.repeat(22)) },
      'DECRYPTION_FAILED',
    ],
  ])('an ID token that is %s signs nobody in', async (_what, fault, code) => {
    const app = await createApp({
      adapter,
      client: {
        jwks: keys('RSA'),
        id_token_encrypted_response_alg: HEADER.alg,
        id_token_encrypted_response_enc: HEADER.enc,
      },
    });
    app.op.idToken(fault);
    const browser = new Browser(app);
    expectCallbackRefused(await browser.login(), 403, code, app);
    expect(browser.jar.names).toEqual([]);
    app.op.reset();
    expect((await browser.login({ returnTo: '/me' })).target).toBe(`${app.url}/me`);
  });

  it.each<[string, ResponseFault, string]>([
    ['that is only signed', { encrypt: 'none' }, 'ENCRYPTION_REQUIRED'],
    ['that is JSON', { as: 'json' }, 'ENCRYPTION_REQUIRED'],
    ['that is unsigned inside', { header: (h) => ({ ...h, alg: 'none' }), sign: 'none' }, 'ALG_NOT_ALLOWED'],
    ['to another client', { encrypt: (jwt) => jwe(HEADER, jwt, keyOf('RSA', 'other').publicKey) }, 'DECRYPTION_FAILED'],
  ])('SINTRO-28 an introspection %s is 503 and reaches no handler', async (_what, fault, code) => {
    const app = await createApp({
      adapter,
      client: {
        jwks: keys('RSA'),
        introspection_encrypted_response_alg: HEADER.alg,
        introspection_encrypted_response_enc: HEADER.enc,
      },
    });
    const token = app.op.issue();
    app.op.introspectionResponse(fault);
    expectDependency(app, await app.call('/orders', token), code);
    expect(app.handled).toEqual([]);
    app.op.reset();
    expect((await app.call('/orders', token)).status).toBe(200);
  });
});
