import { expect, it } from '@jest/globals';

import type { ClientMetadata, OidcModuleOptions } from '../../lib/index.js';
import { keyOf, privateJwk } from '../../lib/testing/provider/keys.js';
import { createApp, onBothAdapters } from '../support/app/apps.js';
import { Browser } from '../support/browser/browser.js';
import { closeLater } from '../support/closing.js';
import { RealProvider } from '../support/provider/real-provider.js';

const jwks = { keys: [JSON.parse(JSON.stringify(privateJwk(keyOf('P-256', 'rp1'), { alg: 'ES256' })))] };

const PUSHED: Partial<ClientMetadata> = { require_pushed_authorization_requests: true };
const SIGNED: Partial<ClientMetadata> = { jwks, request_object_signing_alg: 'ES256' };
const BY_KEY: Partial<ClientMetadata> = {
  jwks,
  client_secret: undefined,
  token_endpoint_auth_method: 'private_key_jwt',
};
const REFERENCE = ['client_id', 'request_uri'];

onBothAdapters((adapter) => {
  it.each<[string, Partial<ClientMetadata>, readonly string[] | 'anything', OidcModuleOptions['login']]>([
    ['B12 B13 pushed', PUSHED, REFERENCE, {}],
    ['E4 E5 pushed, with private_key_jwt', { ...PUSHED, ...BY_KEY }, REFERENCE, {}],
    ['F12 F18 pushed, with DPoP and its nonces', { ...PUSHED, dpop_bound_access_tokens: true }, REFERENCE, {}],
    ['B9 as a request object', SIGNED, ['client_id', 'response_type', 'redirect_uri', 'scope', 'request'], {}],
    ['B10 as a request object of the secret', { request_object_signing_alg: 'HS256' }, 'anything', {}],
    [
      'as a request object that is encrypted to its RSA key',
      { ...SIGNED, request_object_encryption_alg: 'RSA-OAEP-256', request_object_encryption_enc: 'A256GCM' },
      'anything',
      {},
    ],
    [
      'pushed as a request object that is encrypted to its EC key',
      { ...PUSHED, ...SIGNED, request_object_encryption_alg: 'ECDH-ES+A128KW' },
      REFERENCE,
      {},
    ],
    [
      'as a request object that is encrypted with the secret',
      { ...SIGNED, request_object_encryption_alg: 'dir', request_object_encryption_enc: 'A128GCM' },
      'anything',
      {},
    ],
    ['B12 pushed as a request object', { ...PUSHED, ...SIGNED }, REFERENCE, {}],
    [
      'FAPI 2: pushed as a request object, with private_key_jwt and DPoP',
      { ...PUSHED, ...BY_KEY, ...SIGNED, require_signed_request_object: true, dpop_bound_access_tokens: true },
      REFERENCE,
      {},
    ],
    [
      'RFC 8707 for a resource',
      {},
      'anything',
      { parameters: { resource: ['https://api.test'] }, scope: 'openid orders:read' },
    ],
    [
      'RFC 8707 pushed, for a resource',
      { ...PUSHED, ...SIGNED },
      REFERENCE,
      { parameters: { resource: ['https://api.test'] }, scope: 'openid orders:read' },
    ],
  ])('a login at oidc-provider is %s', async (_how, client, names, login) => {
    const op = closeLater(await RealProvider.start());
    const app = await createApp({ adapter, op, client: { ...RealProvider.SIGNED, ...client }, options: { login } });
    const browser = new Browser(app);
    const begun = await browser.get('/auth/login');
    const { searchParams } = new URL(begun.location);
    expect(names === 'anything' ? 'anything' : [...searchParams.keys()]).toEqual(names);
    expect((await op.login(browser, { sub: 'alice', returnTo: '/me' })).location).toBe(`${app.url}/me`);
    expect((await browser.get('/me')).json()).toMatchObject({ user: { sub: 'alice' } });
  });
});
