import { generateKeyPairSync } from 'node:crypto';

import { describe, expect, it } from '@jest/globals';
import { compactVerify } from 'jose';

import { publicJwk } from '../../lib/jose/jwk.js';
import { decryptionKeys, ownKey, signingKey, signJwt } from '../../lib/jose/own-keys.js';
import { decodeJwt, keyOf, privateJwk, type Jwk, type KeyKind } from '../../lib/testing/provider/keys.js';
import type { JsonObject } from '../../lib/values/json.js';

const json = (jwk: Jwk): JsonObject => JSON.parse(JSON.stringify(jwk));
const jwkOf = (kind: KeyKind, members: Jwk = {}) => json(privateJwk(keyOf(kind), members));
const ownKeys = (...jwks: readonly JsonObject[]) => jwks.flatMap((jwk) => ownKey(jwk) ?? []);

/** The algorithm that is taken, and the name of its key. */
const taken = (jwks: readonly JsonObject[], alg?: string) => {
  const chosen = signingKey(ownKeys(...jwks), alg);
  return chosen && [chosen.alg, chosen.key.kid];
};

describe('the client’s own key', () => {
  it.each<[KeyKind, string]>([
    ['RSA', 'RS256'],
    ['P-256', 'ES256'],
    ['P-384', 'ES384'],
    ['P-521', 'ES512'],
    ['Ed25519', 'EdDSA'],
  ])('of kind %s signs with %s where nothing else is said', async (kind, alg) => {
    expect(taken([jwkOf(kind)])).toEqual([alg, `${kind.toLowerCase()}-1`]);
    const { key } = signingKey(ownKeys(jwkOf(kind)))!;
    const jwt = await signJwt({ iss: 'rp1' }, { alg, kid: key.kid, typ: 'JWT' }, key.key);
    expect(decodeJwt(jwt)).toEqual({ header: { alg, kid: key.kid, typ: 'JWT' }, claims: { iss: 'rp1' } });
    await expect(compactVerify(jwt, keyOf(kind).publicKey, { algorithms: [alg] })).resolves.toBeDefined();
  });

  it.each<[KeyKind, string]>([
    ['RSA', 'RS384'],
    ['RSA', 'PS256'],
    ['RSA', 'PS512'],
    ['Ed25519', 'Ed25519'],
  ])('of kind %s that says it is for %s signs with that', (kind, alg) => {
    expect(taken([jwkOf(kind, { alg })])).toEqual([alg, `${kind.toLowerCase()}-1`]);
  });

  it.each<[string, readonly JsonObject[], string]>([
    ['the first that fits', [jwkOf('P-256', { kid: 'a' }), jwkOf('P-256', { kid: 'b' })], 'ES256'],
    ['not one for encryption', [jwkOf('P-256', { use: 'enc' }), jwkOf('P-256', { kid: 'a' })], 'ES256'],
    [
      'not one that may only decrypt',
      [jwkOf('P-256', { use: undefined, key_ops: ['deriveBits'] }), jwkOf('P-256', { kid: 'a' })],
      'ES256',
    ],
    ['one that may sign', [jwkOf('P-256', { use: undefined, key_ops: ['sign'], kid: 'a' })], 'ES256'],
    ['not one of another kind', [jwkOf('RSA'), jwkOf('P-384'), jwkOf('P-256', { kid: 'a' })], 'ES256'],
    ['not one for another algorithm', [jwkOf('RSA', { alg: 'PS256' }), jwkOf('RSA', { kid: 'a' })], 'RS256'],
    ['not one that is public', [json(keyOf('P-256').jwk), jwkOf('P-256', { kid: 'a' })], 'ES256'],
  ])('is %s', (_what, jwks, alg) => {
    expect(taken(jwks, alg)).toEqual([alg, 'a']);
  });

  it('of kind X25519 signs nothing', () => {
    expect(ownKeys(jwkOf('X25519', { use: undefined }))).toHaveLength(1);
    expect([taken([jwkOf('X25519', { use: undefined })]), taken([jwkOf('X25519')], 'EdDSA')]).toEqual([
      undefined,
      undefined,
    ]);
  });

  it('decrypts by its kind, its use and what it says itself', () => {
    const keys = ownKeys(
      jwkOf('RSA', { use: 'enc', kid: 'rsa' }),
      jwkOf('RSA', { use: 'enc', kid: 'rsa-256', alg: 'RSA-OAEP-256' }),
      jwkOf('RSA', { use: 'sig', kid: 'signs' }),
      jwkOf('RSA', { use: undefined, key_ops: ['sign'], kid: 'signs too' }),
      jwkOf('P-384', { use: undefined, kid: 'ec' }),
      jwkOf('X25519', { use: 'enc', kid: 'x' }),
      jwkOf('Ed25519', { use: undefined, kid: 'ed' }),
    );
    const names = (alg: string) => decryptionKeys(keys, alg).map(({ kid }) => kid);
    expect(names('RSA-OAEP')).toEqual(['rsa']);
    expect(names('RSA-OAEP-256')).toEqual(['rsa', 'rsa-256']);
    expect(names('ECDH-ES+A128KW')).toEqual(['ec', 'x']);
    expect(['RSA1_5', 'dir', 'A128KW', 'RS256', 'toString'].map(names)).toEqual([[], [], [], [], []]);
  });

  it.each<[string, string]>([
    ['HS256', 'HS256'],
    ['none', 'none'],
    ['nothing that we know', 'ES256K'],
    ['what every object has', 'constructor'],
  ])('never signs with %s', (_what, alg) => {
    expect(taken([{ kty: 'oct', k: 'c2VjcmV0', d: 'x' }, jwkOf('RSA'), jwkOf('P-256')], alg)).toBeUndefined();
  });

  const short = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({ format: 'jwk' });

  it.each<[string, JsonObject]>([
    ['a public one', json(keyOf('P-256').jwk)],
    ['a shared one', { kty: 'oct', k: 'c2VjcmV0' }],
    ['no key', { d: 'x' }],
    ['one whose private half is a number', jwkOf('P-256', { d: 1 })],
    ['half a key', json({ ...jwkOf('RSA'), n: undefined })],
    ['an RSA key of less than 2048 bits', json({ ...short })],
  ])('is not %s', (_what, jwk) => {
    expect(ownKey(jwk)).toBeUndefined();
  });

  it('prints nothing of its private half', () => {
    const jwk = jwkOf('P-256');
    expect(JSON.stringify(ownKey(jwk))).not.toContain(jwk['d']);
  });

  it('is shown to others by its public members', () => {
    expect(Object.keys(publicJwk(jwkOf('RSA'))).toSorted()).toEqual(['e', 'kid', 'kty', 'n', 'use']);
    expect(Object.keys(publicJwk(jwkOf('P-256'))).toSorted()).toEqual(['crv', 'kid', 'kty', 'use', 'x', 'y']);
    expect(publicJwk({ kty: 'oct', k: 'c2VjcmV0', kid: 'a' })).toEqual({ kty: 'oct', kid: 'a' });
  });
});
