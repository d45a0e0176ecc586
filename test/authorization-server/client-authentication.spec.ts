import { expect, it } from '@jest/globals';

import type { ClientMetadata } from '../../lib/metadata/client-metadata.js';
import { ASYMMETRIC_ALGORITHMS, decodeJwt, keyOf, kindOf, privateJwk } from '../../lib/testing/provider/keys.js';
import { clientOf, rejection } from '../support/client/client.js';
import { T } from '../support/clock.js';
import type { HostileProvider } from '../support/provider/hostile-provider.js';
import { CLIENT_SECRET, startProvider } from '../support/provider/provider.js';

const EC = keyOf('P-256', 'client');
const RSA = keyOf('RSA', 'client');
const ED = keyOf('Ed25519', 'client');

function registered(...jwks: object[]): Partial<ClientMetadata> {
  return { client_secret: undefined, jwks: { keys: jwks } } as unknown as Partial<ClientMetadata>;
}

/** What the provider saw of a request with client credentials. */
async function seen(metadata: Partial<ClientMetadata>, op?: HostileProvider) {
  const provider = op ?? (await startProvider());
  const { oidc } = clientOf(provider, { metadata });
  const tokens = await oidc.clientCredentials({ scope: 'orders:read' });
  expect(tokens.scope).toBe('orders:read');
  return provider.last('token');
}

it('E2 TOK-22 client_secret_basic encodes each half, and the body has no secret', async () => {
  for (const text of ['a:b', '100%', 'a+b', 'a b', `!"#$&'()*,/;<=>?@[\\]^\`{|}~`]) {
    const client_secret = `${text}-${'x'.repeat(32)}`;
    const request = await seen({ client_id: text, client_secret });
    const [, credentials = ''] = /^Basic (.+)$/.exec(String(request.headers.authorization)) ?? [];
    const halves = Buffer.from(credentials, 'base64').toString().split(':');
    expect(halves.map((half) => new URLSearchParams(`x=${half}`).get('x'))).toEqual([text, client_secret]);
    expect(request.form).toEqual({ grant_type: 'client_credentials', scope: 'orders:read' });
  }
});

it('TOK-22 a secret that is not ASCII comes to the provider as it is', async () => {
  const client_secret = 'пароль-🔑-密码-пароль-🔑-密码-пароль';
  const { headers } = await seen({ client_secret });
  const [, half] = Buffer.from(String(headers.authorization).slice(6), 'base64').toString().split(':');
  expect(new URLSearchParams(`x=${half}`).get('x')).toBe(client_secret);
});

it('E3 client_secret_post sends both in the body, and no header', async () => {
  const request = await seen({ token_endpoint_auth_method: 'client_secret_post' });
  expect(request.form).toMatchObject({ client_id: 'rp1', client_secret: CLIENT_SECRET });
  expect(request.headers.authorization).toBeUndefined();
});

it('E3 none sends its name only', async () => {
  const request = await seen({ client_secret: undefined });
  expect(request.form).toEqual({ grant_type: 'client_credentials', scope: 'orders:read', client_id: 'rp1' });
  expect(request.headers.authorization).toBeUndefined();
});

it.each<[string, Partial<ClientMetadata>, object]>([
  ['client_secret_jwt', { token_endpoint_auth_method: 'client_secret_jwt' }, { alg: 'HS256' }],
  [
    'client_secret_jwt with HS384',
    { token_endpoint_auth_method: 'client_secret_jwt', token_endpoint_auth_signing_alg: 'HS384' },
    { alg: 'HS384' },
  ],
  [
    'client_secret_jwt with HS512',
    { token_endpoint_auth_method: 'client_secret_jwt', token_endpoint_auth_signing_alg: 'HS512' },
    { alg: 'HS512' },
  ],
  ['private_key_jwt with an EC key', registered(privateJwk(EC)), { alg: 'ES256', kid: EC.kid }],
  ['private_key_jwt with an RSA key', registered(privateJwk(RSA)), { alg: 'RS256', kid: RSA.kid }],
  ['private_key_jwt with an Edwards key', registered(privateJwk(ED)), { alg: 'EdDSA', kid: ED.kid }],
  ['private_key_jwt as the key says', registered(privateJwk(RSA, { alg: 'PS256' })), { alg: 'PS256', kid: RSA.kid }],
  [
    'private_key_jwt as registered',
    { ...registered(privateJwk(EC), privateJwk(RSA)), token_endpoint_auth_signing_alg: 'PS256' },
    { alg: 'PS256', kid: RSA.kid },
  ],
  [
    'private_key_jwt with the key for signatures',
    registered(privateJwk(EC, { use: 'enc' }), privateJwk(RSA)),
    { alg: 'RS256', kid: RSA.kid },
  ],
  ...ASYMMETRIC_ALGORITHMS.map((alg): [string, Partial<ClientMetadata>, object] => {
    const key = keyOf(kindOf(alg) ?? 'RSA', 'client');
    return [
      `private_key_jwt with ${alg}`,
      { ...registered(privateJwk(key)), token_endpoint_auth_signing_alg: alg },
      { alg, kid: key.kid },
    ];
  }),
])('E4 E5 E6 %s makes an assertion for this issuer, once', async (_what, metadata, header) => {
  const op = await startProvider();
  const first = await seen(metadata, op);
  const assertion = decodeJwt(String(first.form['client_assertion']));
  expect(assertion.header).toEqual(header);
  expect(assertion.claims).toEqual({
    iss: 'rp1',
    sub: 'rp1',
    aud: op.issuer,
    jti: expect.stringMatching(/^[\w-]{36}$/),
    iat: T,
    exp: T + 60,
  });
  expect(first.form).toMatchObject({
    client_id: 'rp1',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
  });
  expect(first.headers.authorization).toBeUndefined();
  const second = decodeJwt(String((await seen(metadata, op)).form['client_assertion']));
  expect(second.claims['jti']).not.toBe(assertion.claims['jti']);
});

it('what we sign says the time with our skew', async () => {
  const op = await startProvider();
  const { oidc } = clientOf(op, { metadata: registered(privateJwk(EC)), settings: { skew: -20 } });
  await oidc.clientCredentials();
  expect(decodeJwt(String(op.last('token').form['client_assertion'])).claims).toMatchObject({
    iat: T - 20,
    exp: T + 40,
  });
});

it('each endpoint is authenticated at as it is registered', async () => {
  const op = await startProvider();
  const metadata = {
    ...registered(privateJwk(EC)),
    client_secret: CLIENT_SECRET,
    introspection_endpoint_auth_method: 'private_key_jwt',
    revocation_endpoint_auth_method: 'client_secret_post',
  } as const;
  const { oidc } = clientOf(op, { metadata });
  const token = op.issue();
  await oidc.clientCredentials();
  await oidc.introspect(token);
  await oidc.revoke(token, 'access_token');
  const methods = ['token', 'introspect', 'revoke'].map(
    (endpoint) => Object(op.last(endpoint).notes['authentication']).method,
  );
  expect(methods).toEqual(['client_secret_basic', 'private_key_jwt', 'client_secret_post']);
  expect(op.isKnown(token)).toBe(false);
});

it('A13 a method that the server refuses is not changed for another', async () => {
  const op = await startProvider();
  const { oidc } = clientOf(op);
  op.register({ client_id: 'rp1', client_secret: CLIENT_SECRET, token_endpoint_auth_method: 'client_secret_post' });
  expect(await rejection(oidc.clientCredentials())).toMatchObject({ name: 'OAuthError', code: 'CLIENT_MISCONFIGURED' });
  expect(op.count('token')).toBe(1);
});
