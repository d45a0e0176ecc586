import { generateKeyPairSync } from 'node:crypto';

import { describe, expect, it } from '@jest/globals';

import { generateKey, jws, keyOf } from '../../lib/testing/provider/keys.js';
import type { Jwk, SigningKey } from '../../lib/testing/provider/keys.js';
import { clientOf, loginWith } from '../support/client/client.js';
import { keysAt, signedBy } from '../support/client/remote-keys.js';
import { CLIENT_SECRET, startProvider } from '../support/provider/provider.js';

const RSA = keyOf('RSA', 'a');
const OTHER_RSA = keyOf('RSA', 'b');
const EC = keyOf('P-256', 'a');
const OTHER_EC = keyOf('P-256', 'b');
const UNNAMED = { kid: undefined };

/** What becomes of a JWT when these are the published keys. */
async function outcome(keys: readonly unknown[], jwt: string) {
  const op = await startProvider();
  op.answer('jwks', { body: { keys } });
  const { outcome: verify, warnings } = keysAt(op);
  return { code: await verify(jwt), warnings };
}

async function expectOutcome(keys: readonly unknown[], jwt: string, code: string): Promise<void> {
  expect(await outcome(keys, jwt)).toEqual({ code, warnings: [] });
}

/** A published key with other members; undefined ones are left out. */
const publish = (key: SigningKey, members: Jwk = {}): Jwk => ({ ...key.jwk, ...members });

function shortKey(modulusLength: number): SigningKey {
  const pair = generateKeyPairSync('rsa', { modulusLength });
  return { kind: 'RSA', kid: 'short', ...pair, jwk: { ...pair.publicKey.export({ format: 'jwk' }), kid: 'short' } };
}

const RSA_KEYS = ['b', 'c', 'd', 'e', 'f'].map((name) => keyOf('RSA', name));

/** The bytes of a modulus behind zeros, which make it look longer and no bigger. */
const padded = (modulus: unknown) =>
  Buffer.concat([Buffer.alloc(200), Buffer.from(String(modulus), 'base64url')]).toString('base64url');

/** Of a token whose claims say who issued it. */
const issued = (claims: object) => jws({ alg: 'ES256', kid: EC.kid }, { sub: 'alice', ...claims }, EC);
const TENANT = '9a0c2d4e-0000-4000-8000-0000000000aa';

describe('the issuer of a key', () => {
  it.each<[string, unknown, object]>([
    ['the one that the JWT names', 'https://op.test', { iss: 'https://op.test' }],
    ['a template of it', 'https://op.test/{tenantid}', { iss: `https://op.test/${TENANT}`, tid: TENANT }],
    ['no URL, such as the name of a certificate’s issuer', 'CN=op', { iss: 'https://op.test' }],
    ['no text', ['https://other.test'], { iss: 'https://op.test' }],
  ])('is %s', async (_what, issuer, claims) => {
    await expectOutcome([publish(EC, { issuer })], issued(claims), 'verified');
  });

  it.each<[string, unknown, object]>([
    ['another', 'https://other.test', { iss: 'https://op.test' }],
    ['another, and the JWT names none', 'https://other.test', {}],
    [
      'a template, and the JWT names another tenant',
      'https://op.test/{tenantid}',
      { iss: 'https://op.test/x', tid: TENANT },
    ],
    ['a template, and the JWT has no tenant', 'https://op.test/{tenantid}', { iss: 'https://op.test/{tenantid}' }],
    ['a template, and the JWT has neither', 'https://op.test/{tenantid}', {}],
  ])('is not good where it is %s', async (_what, issuer, claims) => {
    await expectOutcome([publish(EC, { issuer })], issued(claims), 'KEY_NOT_FOUND');
  });
});

describe('the key of a signature', () => {
  it.each<[string, readonly unknown[], string]>([
    [
      'JWKS-06 the only suitable one, where the JWT names none',
      [publish(EC), publish(RSA)],
      signedBy(RSA, 'RS256', UNNAMED),
    ],
    ['A8 the only one, that has no name either', [publish(RSA, UNNAMED)], signedBy(RSA, 'RS256', UNNAMED)],
    ['JWKS-07 the second of two suitable ones', [publish(OTHER_RSA), publish(RSA)], signedBy(RSA, 'RS256', UNNAMED)],
    [
      'A9 the third of three without names',
      [...RSA_KEYS.slice(0, 2), RSA].map((key) => publish(key, UNNAMED)),
      signedBy(RSA, 'RS256', UNNAMED),
    ],
    [
      'JWKS-07 the fourth of four',
      [...RSA_KEYS.slice(0, 3), RSA].map((key) => publish(key)),
      signedBy(RSA, 'RS256', UNNAMED),
    ],
    [
      'JWKS-08 the first of two with one name',
      [publish(EC, { kid: 'k' }), publish(OTHER_EC, { kid: 'k' })],
      signedBy(EC, 'ES256', { kid: 'k' }),
    ],
    [
      'JWKS-08 the second of two with one name',
      [publish(OTHER_EC, { kid: 'k' }), publish(EC, { kid: 'k' })],
      signedBy(EC, 'ES256', { kid: 'k' }),
    ],
    [
      'A7 of two kinds with one name, the one of the algorithm',
      [publish(RSA, { kid: 'k' }), publish(EC, { kid: 'k' })],
      signedBy(EC, 'ES256', { kid: 'k' }),
    ],
    ['without use', [publish(EC, { use: undefined })], signedBy(EC, 'ES256')],
    ['JWKS-11 that may verify', [publish(EC, { key_ops: ['sign', 'verify'] })], signedBy(EC, 'ES256')],
    ['JWKS-12 that is for the algorithm', [publish(RSA, { alg: 'PS384' })], signedBy(RSA, 'PS384')],
    ['for PS256 and RS256 alike', [publish(RSA)], signedBy(RSA, 'PS256')],
    [
      'that is called as the prototype is',
      [publish(EC, { kid: '__proto__' })],
      signedBy(EC, 'ES256', { kid: '__proto__' }),
    ],
    ['whose name is empty', [publish(OTHER_EC), publish(EC, { kid: '' })], signedBy(EC, 'ES256', { kid: '' })],
    ['whose certificate is nonsense', [publish(EC, { x5c: ['x'], x5t: 1 })], signedBy(EC, 'ES256')],
    [
      'JWKS-18 behind malformed ones',
      [
        { kty: 'XYZ' },
        { kty: 'EC' },
        { kty: 'EC', kid: 'p-256-1', crv: 'P-256', x: 'AA', y: 'AA' },
        {},
        { kty: 1 },
        { kty: 'constructor' },
        publish(EC),
      ],
      signedBy(EC, 'ES256'),
    ],
  ])('is %s', (_what, keys, jwt) => expectOutcome(keys, jwt, 'verified'));

  it.each<[string, readonly unknown[], string, string]>([
    [
      'JWKS-07 one of five suitable ones',
      [...RSA_KEYS.slice(0, 4), RSA].map((key) => publish(key)),
      signedBy(RSA, 'RS256', UNNAMED),
      'AMBIGUOUS_KEY',
    ],
    [
      'JWKS-08 one of five with one name',
      [...RSA_KEYS.slice(0, 4), RSA].map((key) => publish(key, { kid: 'k' })),
      signedBy(RSA, 'RS256', { kid: 'k' }),
      'AMBIGUOUS_KEY',
    ],
    ['JWKS-10 one for encryption', [publish(EC, { use: 'enc' })], signedBy(EC, 'ES256'), 'KEY_NOT_FOUND'],
    [
      'JWKS-10 one for encryption, unnamed',
      [publish(EC, { use: 'enc' })],
      signedBy(EC, 'ES256', UNNAMED),
      'KEY_NOT_FOUND',
    ],
    ['JWKS-10 one whose use is a list', [publish(EC, { use: ['sig'] })], signedBy(EC, 'ES256'), 'KEY_NOT_FOUND'],
    ['JWKS-11 one that may encrypt', [publish(EC, { key_ops: ['encrypt'] })], signedBy(EC, 'ES256'), 'KEY_NOT_FOUND'],
    ['JWKS-11 one that may do nothing', [publish(EC, { key_ops: [] })], signedBy(EC, 'ES256'), 'KEY_NOT_FOUND'],
    [
      'JWKS-11 one whose operations are text',
      [publish(EC, { key_ops: 'verify' })],
      signedBy(EC, 'ES256'),
      'KEY_NOT_FOUND',
    ],
    ['JWKS-12 one for another algorithm', [publish(EC, { alg: 'ES384' })], signedBy(EC, 'ES256'), 'KEY_NOT_FOUND'],
    ['JWKS-12 one for RS256 under PS256', [publish(RSA, { alg: 'RS256' })], signedBy(RSA, 'PS256'), 'KEY_NOT_FOUND'],
    ['JWKS-12 one whose algorithm is a number', [publish(EC, { alg: 256 })], signedBy(EC, 'ES256'), 'KEY_NOT_FOUND'],
    [
      'JWKS-13 a shared one',
      [{ kty: 'oct', kid: 'k', k: 'c2VjcmV0' }],
      signedBy(EC, 'ES256', { kid: 'k' }),
      'KEY_NOT_FOUND',
    ],
    ['on another curve than its algorithm', [publish(EC, { crv: 'P-384' })], signedBy(EC, 'ES256'), 'KEY_NOT_FOUND'],
    ['on the curve of Bitcoin', [publish(EC, { crv: 'secp256k1' })], signedBy(EC, 'ES256'), 'KEY_NOT_FOUND'],
    ['off its curve', [publish(EC, { y: OTHER_EC.jwk['y'] })], signedBy(EC, 'ES256'), 'KEY_NOT_FOUND'],
    ['with half a point', [publish(EC, { y: undefined })], signedBy(EC, 'ES256'), 'KEY_NOT_FOUND'],
    ['with a number for a coordinate', [publish(EC, { y: 1 })], signedBy(EC, 'ES256'), 'KEY_NOT_FOUND'],
    ['with another name', [publish(EC)], signedBy(EC, 'ES256', { kid: 'P-256-1' }), 'KEY_NOT_FOUND'],
    ['named by a number', [publish(EC, { kid: 1 })], signedBy(EC, 'ES256', { kid: '1' }), 'KEY_NOT_FOUND'],
    ['without a name, where the JWT names one', [publish(EC, UNNAMED)], signedBy(EC, 'ES256'), 'KEY_NOT_FOUND'],
    ['somebody else’s', [publish(OTHER_EC)], signedBy(EC, 'ES256'), 'SIGNATURE_INVALID'],
    ['somebody else’s, unnamed', [publish(OTHER_EC)], signedBy(EC, 'ES256', UNNAMED), 'KEY_NOT_FOUND'],
  ])('is not %s', (_what, keys, jwt, code) => expectOutcome(keys, jwt, code));

  it.each<[string, number, (jwk: Jwk) => Jwk]>([
    ['of 1024 bits', 1024, (jwk) => jwk],
    ['of 2040 bits', 2040, (jwk) => jwk],
    ['of 1024 bits behind zeros', 1024, (jwk) => ({ ...jwk, n: padded(jwk['n']) })],
  ])('JWKS-17 is not an RSA key %s', async (_what, bits, change) => {
    const key = shortKey(bits);
    await expectOutcome([change(key.jwk)], signedBy(key, 'RS256'), 'KEY_NOT_FOUND');
  });

  it('JWKS-15 is none that is published with its private half, of which an operator is told', async () => {
    const jwk = { ...publish(EC), ...EC.privateKey.export({ format: 'jwk' }) };
    const { code, warnings } = await outcome([jwk, publish(RSA)], signedBy(RSA, 'RS256'));
    expect([code, warnings]).toEqual(['verified', ['private-key-published']]);
    expect((await outcome([jwk], signedBy(EC, 'ES256'))).code).toBe('KEY_NOT_FOUND');
  });

  it('A7 is found among many that can not be used, for every algorithm', async () => {
    const op = await startProvider();
    const curve = generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey.export({ format: 'jwk' });
    op.jwks(({ keys }) => ({
      keys: [
        { ...curve, kid: 'p-256-1', use: 'sig' },
        ...keys.map((jwk) => ({ ...jwk, use: 'enc' })),
        generateKey('Ed25519').jwk,
        OTHER_RSA.jwk,
        ...keys,
        OTHER_EC.jwk,
      ],
    }));
    for (const alg of ['RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA']) {
      const { oidc } = clientOf(op, { metadata: { id_token_signed_response_alg: alg } });
      await expect(loginWith(oidc, op)).resolves.toMatchObject({ idToken: { sub: 'alice' } });
    }
  });
});

describe('the key of an HMAC', () => {
  const { publicKey, jwk } = keyOf('RSA');
  const shared = Buffer.from('a key of thirty-two bytes or more, published');

  it.each<[string, Uint8Array]>([
    ['JWKS-13 a shared one among the published', shared],
    ['JWKS-14 the public one as PEM', Buffer.from(publicKey.export({ type: 'spki', format: 'pem' }))],
    ['JWKS-14 the public one as PEM of PKCS 1', Buffer.from(publicKey.export({ type: 'pkcs1', format: 'pem' }))],
    ['JWKS-14 the public one as DER', publicKey.export({ type: 'spki', format: 'der' })],
    ['JWKS-14 the public one as JSON', Buffer.from(JSON.stringify(jwk))],
    ['JWKS-14 nothing', Buffer.alloc(0)],
  ])('is not %s', async (_what, secret) => {
    const op = await startProvider();
    op.jwks(({ keys }) => ({ keys: [{ kty: 'oct', kid: 'rsa-1', k: shared.toString('base64url') }, ...keys] }));
    op.idToken({ header: () => ({ alg: 'HS256', kid: 'rsa-1' }), sign: secret });
    for (const [metadata, code] of [
      [{}, 'ALG_NOT_ALLOWED'],
      [{ id_token_signed_response_alg: 'RS256' }, 'ALG_NOT_ALLOWED'],
      [{ id_token_signed_response_alg: 'HS256' }, 'SIGNATURE_INVALID'],
    ] as const) {
      const { oidc } = clientOf(op, { metadata });
      await expect(loginWith(oidc, op)).rejects.toMatchObject({ name: 'VerificationError', code });
    }
  });

  it('is the client secret where HS256 is registered', async () => {
    const op = await startProvider();
    op.idToken({ sign: Buffer.from(CLIENT_SECRET) });
    const { oidc } = clientOf(op, { metadata: { id_token_signed_response_alg: 'HS256' } });
    await expect(loginWith(oidc, op)).resolves.toMatchObject({ idToken: { sub: 'alice' } });
    expect(op.count('jwks')).toBe(0);
  });
});
