import { expect, it } from '@jest/globals';

import { OidcClient, OidcSession, type ClientMetadata } from '../../lib/index.js';
import { createApp, onBothAdapters, SESSION_SECRET } from '../support/app/apps.js';
import { Browser } from '../support/browser/browser.js';
import { closeLater } from '../support/closing.js';
import { RealProvider } from '../support/provider/real-provider.js';
import { decodeJwt, keyOf, privateJwk, type KeyKind } from '../support/tokens/keys.js';

const KINDS: readonly KeyKind[] = ['RSA', 'P-256', 'X25519'];

/** One key of each of the kinds, for encryption. */
const keys = (kinds = KINDS): ClientMetadata['jwks'] => ({
  keys: kinds.map((kind) => JSON.parse(JSON.stringify(privateJwk(keyOf(kind, 'client'), { use: 'enc' })))),
});

onBothAdapters((adapter) => {
  it.each<[string, string | undefined, readonly KeyKind[]]>([
    ['RSA-OAEP-256', 'A256GCM', ['RSA']],
    ['RSA-OAEP', undefined, ['RSA']],
    ['ECDH-ES', undefined, ['P-256']],
    ['ECDH-ES+A128KW', 'A256CBC-HS512', ['P-256']],
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
        jwks: keys(kinds),
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
});
