import { createHash, publicEncrypt, randomBytes } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CompactEncrypt } from 'jose';

import { VerificationError } from '../../lib/errors/errors.js';
import { Decryption } from '../../lib/jose/decryption.js';
import { ownKey } from '../../lib/jose/own-keys.js';
import {
  generateKey,
  keyOf,
  privateJwk,
  type Jwk,
  type KeyKind,
  type SigningKey,
} from '../../lib/testing/provider/keys.js';
import type { JsonObject } from '../../lib/values/json.js';
import { Secret } from '../../lib/values/secret.js';
import { jwe } from '../support/tokens/jwe.js';

const JWS = 'eyJhbGciOiJFUzI1NiJ9.e30.AA';
const SECRET = 'a secret of both sides, at least sixty-four bytes long, for all algorithms';

const PRIVATE: readonly (readonly [string, KeyKind])[] = [
  ['RSA-OAEP', 'RSA'],
  ['RSA-OAEP-256', 'RSA'],
  ['RSA-OAEP-384', 'RSA'],
  ['RSA-OAEP-512', 'RSA'],
  ...['ECDH-ES', 'ECDH-ES+A128KW', 'ECDH-ES+A192KW', 'ECDH-ES+A256KW'].flatMap((alg) =>
    (['P-256', 'P-384', 'P-521', 'X25519'] as const).map((kind) => [alg, kind] as const),
  ),
];

const CONTENT = ['A128CBC-HS256', 'A192CBC-HS384', 'A256CBC-HS512', 'A128GCM', 'A192GCM', 'A256GCM'];

const jwkOf = (key: SigningKey, members: Jwk = {}): JsonObject =>
  JSON.parse(JSON.stringify(privateJwk(key, { use: 'enc', ...members })));

const decryptionBy = (alg: string, enc: string, ...jwks: readonly JsonObject[]) =>
  new Decryption({ alg, enc }, { privateKeys: jwks.flatMap((jwk) => ownKey(jwk) ?? []), secret: new Secret(SECRET) });

const encrypted = (header: { alg: string; enc: string; kid?: string; cty?: string }, key: SigningKey | Uint8Array) =>
  new CompactEncrypt(Buffer.from(JWS))
    .setProtectedHeader(header)
    .encrypt(key instanceof Uint8Array ? key : key.publicKey);

/** What was decrypted, or the code of the refusal. */
const outcome = (decryption: Decryption, text: string): Promise<unknown> =>
  decryption.decrypt(text, 8192).then(
    ({ jws }) => jws,
    ({ code }: { code?: unknown }) => code,
  );

describe('a JWE', () => {
  it.each(PRIVATE)('by %s to a key of kind %s is decrypted, whatever encrypts its content', async (alg, kind) => {
    for (const enc of CONTENT) {
      const text = await encrypted({ alg, enc, cty: 'JWT' }, keyOf(kind));
      expect(await outcome(decryptionBy(alg, enc, jwkOf(keyOf(kind))), text)).toBe(JWS);
    }
  });

  it.each<[string, string, string, number]>([
    ['A128KW', 'A128GCM', 'sha256', 16],
    ['A192KW', 'A128GCM', 'sha256', 24],
    ['A256KW', 'A128CBC-HS256', 'sha256', 32],
    ['A128GCMKW', 'A128GCM', 'sha256', 16],
    ['A192GCMKW', 'A128GCM', 'sha256', 24],
    ['A256GCMKW', 'A256CBC-HS512', 'sha256', 32],
    ['dir', 'A128GCM', 'sha256', 16],
    ['dir', 'A192GCM', 'sha256', 24],
    ['dir', 'A256GCM', 'sha256', 32],
    ['dir', 'A128CBC-HS256', 'sha256', 32],
    ['dir', 'A192CBC-HS384', 'sha384', 48],
    ['dir', 'A256CBC-HS512', 'sha512', 64],
  ])('by %s and %s is decrypted by the first bytes of the %s of the secret', async (alg, enc, hash, length) => {
    const key = createHash(hash).update(SECRET).digest().subarray(0, length);
    expect(await outcome(decryptionBy(alg, enc), await encrypted({ alg, enc }, key))).toBe(JWS);
  });

  it('tells its header to who has to compare claims', async () => {
    const text = await encrypted({ alg: 'RSA-OAEP', enc: 'A128GCM', kid: 'rsa-1' }, keyOf('RSA'));
    const decryption = decryptionBy('RSA-OAEP', 'A128GCM', jwkOf(keyOf('RSA')));
    expect(await decryption.decrypt(text, 8192)).toEqual({
      jws: JWS,
      header: { alg: 'RSA-OAEP', enc: 'A128GCM', kid: 'rsa-1' },
    });
  });

  it.each<[string, string]>([
    ['RSA-OAEP', 'A256GCM'],
    ['RSA-OAEP-256', 'A128GCM'],
    ['dir', 'A256GCM'],
  ])('by %s and %s is refused where RSA-OAEP-256 and A256GCM are registered', async (alg, enc) => {
    const key = alg === 'dir' ? randomBytes(32) : keyOf('RSA').publicKey;
    const decryption = decryptionBy('RSA-OAEP-256', 'A256GCM', jwkOf(keyOf('RSA')));
    expect(await outcome(decryption, jwe({ alg, enc }, JWS, key))).toBe('ALG_NOT_ALLOWED');
  });

  it.each<[string, unknown, string]>([
    ['as JWT', 'JWT', JWS],
    ['as jwt', 'jwt', JWS],
    ['as application/jwt', 'application/JWT', JWS],
    ['as JSON', 'json', 'TYP_MISMATCH'],
    ['as a JWK Set', 'jwk-set+json', 'TYP_MISMATCH'],
    ['as a number', 1, 'TYP_MISMATCH'],
  ])('that names its content %s', async (_what, cty, expected) => {
    const decryption = decryptionBy('RSA-OAEP', 'A256GCM', jwkOf(keyOf('RSA')));
    const text = jwe({ alg: 'RSA-OAEP', enc: 'A256GCM', cty }, JWS, keyOf('RSA').publicKey);
    expect(await outcome(decryption, text)).toBe(expected);
  });

  it('D23 by RSA1_5 is refused, and so is one that says so of itself', async () => {
    const key = keyOf('RSA').publicKey;
    const decryption = decryptionBy('RSA-OAEP', 'A128CBC-HS256', jwkOf(keyOf('RSA')));
    const enc = 'A128CBC-HS256';
    expect(await outcome(decryption, jwe({ alg: 'RSA1_5', enc }, JWS, key))).toBe('ALG_NOT_ALLOWED');
    expect(await outcome(decryption, jwe({ alg: 'RSA-OAEP', enc }, JWS, key, { alg: 'RSA1_5' }))).toBe(
      'DECRYPTION_FAILED',
    );
  });

  it('IDT-49 that is compressed is refused before it is decrypted', async () => {
    const bomb = deflateRawSync(Buffer.alloc(10_000_000));
    const text = jwe({ alg: 'RSA-OAEP', enc: 'A256GCM', zip: 'DEF' }, bomb, keyOf('RSA').publicKey);
    const decryption = decryptionBy('RSA-OAEP', 'A256GCM', jwkOf(keyOf('RSA')));
    expect(bomb.length).toBeLessThan(13_000);
    expect(await outcome(decryption, text)).toBe('ALG_NOT_ALLOWED');
  });
});

describe('IDT-50 a JWE with something wrong behind its header', () => {
  const header = { alg: 'RSA-OAEP', enc: 'A128CBC-HS256' };
  const right = jwe(header, JWS, keyOf('RSA').publicKey);
  const decryption = decryptionBy(header.alg, header.enc, jwkOf(keyOf('RSA')));

  const changed = (part: number, change: (bytes: Buffer) => Uint8Array) =>
    right
      .split('.')
      .map((text, index) =>
        index === part ? Buffer.from(change(Buffer.from(text, 'base64url'))).toString('base64url') : text,
      )
      .join('.');
  const flipped = (bytes: Buffer) => bytes.map((byte, at) => (at === bytes.length >> 1 ? byte ^ 1 : byte));

  const halfKey = publicEncrypt({ key: keyOf('RSA').publicKey, oaepHash: 'sha1' }, randomBytes(16));

  it.each<[string, string]>([
    ['a wrong encrypted key', changed(1, flipped)],
    ['an encrypted key for another client', jwe(header, JWS, keyOf('RSA', 'other').publicKey)],
    ['no encrypted key', changed(1, () => Buffer.alloc(0))],
    ['a short encrypted key', changed(1, (bytes) => bytes.subarray(1))],
    ['an encrypted key of random bytes', jwe(header, JWS, randomBytes(32), { encryptedKey: randomBytes(256) })],
    ['a content key of half the length', jwe(header, JWS, randomBytes(32), { encryptedKey: halfKey })],
    ['a wrong IV', changed(2, flipped)],
    ['an IV of a wrong length', changed(2, (bytes) => bytes.subarray(1))],
    ['a wrong ciphertext', changed(3, flipped)],
    ['a ciphertext of a wrong length', changed(3, (bytes) => bytes.subarray(1))],
    ['a wrong tag', changed(4, flipped)],
    ['half a tag', changed(4, (bytes) => bytes.subarray(8))],
    ['wrong padding under a wrong tag', changed(3, (bytes) => bytes.subarray(0, -16))],
  ])('such as %s is refused with the one code', async (_what, text) => {
    const refusal = await decryption.decrypt(text, 8192).catch((error: Error & { code?: string }) => error);
    expect(refusal).toBeInstanceOf(VerificationError);
    expect({ ...refusal, text: String(refusal), cause: Object(refusal).cause }).toEqual({
      name: 'VerificationError',
      code: 'DECRYPTION_FAILED',
      text: 'VerificationError: The JWT can not be decrypted.',
      cause: undefined,
    });
  });

  it.each<[string, unknown]>([
    ['that is missing', undefined],
    ['that is text', 'x'],
    ['of another kind', { kty: 'OKP', crv: 'P-256', x: 'AA' }],
    ['that is on no curve', { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA' }],
    ['that is private', jwkOf(keyOf('P-256', 'ephemeral'))],
  ])('or an ephemeral key %s is refused', async (_what, epk) => {
    const text = jwe({ alg: 'ECDH-ES', enc: 'A256GCM', epk }, JWS, randomBytes(32));
    const code = await outcome(decryptionBy('ECDH-ES', 'A256GCM', jwkOf(keyOf('P-256'))), text);
    expect(['DECRYPTION_FAILED', 'KEY_NOT_FOUND']).toContain(code);
  });
});

describe('the key that decrypts', () => {
  const [alg, enc] = ['RSA-OAEP-256', 'A256GCM'];
  const old = keyOf('RSA', 'old');
  const current = keyOf('RSA', 'current');
  const to = (key: SigningKey, kid?: string) => encrypted({ alg, enc, ...(kid !== undefined && { kid }) }, key);

  it.each<[string, JsonObject]>([
    ['for encryption', jwkOf(current)],
    ['without use', jwkOf(current, { use: undefined })],
    ['for this algorithm', jwkOf(current, { alg })],
    ['that may unwrap keys', jwkOf(current, { use: undefined, key_ops: ['unwrapKey'] })],
  ])('is one %s', async (_what, jwk) => {
    expect(await outcome(decryptionBy(alg, enc, jwk), await to(current))).toBe(JWS);
  });

  it.each<[string, JsonObject]>([
    ['for signatures', jwkOf(current, { use: 'sig' })],
    ['for another algorithm', jwkOf(current, { alg: 'RSA-OAEP' })],
    ['that may only sign', jwkOf(current, { use: undefined, key_ops: ['sign'] })],
    ['whose operations are none', jwkOf(current, { key_ops: 'decrypt' })],
    ['of another kind', jwkOf(keyOf('P-256'), { kid: 'rsa-1' })],
    ['of another name', jwkOf(current, { kid: 'other' })],
  ])('is none %s', async (_what, jwk) => {
    expect(await outcome(decryptionBy(alg, enc, jwk), await to(current, 'rsa-1'))).toBe('KEY_NOT_FOUND');
  });

  it('is an old one too, as long as it is registered', async () => {
    const keys = [jwkOf(current, { kid: 'new' }), jwkOf(old, { kid: 'old' })];
    const both = decryptionBy(alg, enc, ...keys);
    const texts = await Promise.all([to(current), to(old), to(current, 'new'), to(old, 'old')]);
    for (const text of texts) {
      expect(await outcome(both, text)).toBe(JWS);
    }
    expect(await outcome(decryptionBy(alg, enc, jwkOf(current, { kid: 'new' })), await to(old, 'old'))).toBe(
      'KEY_NOT_FOUND',
    );
  });

  it('is the one that is named, and no other is tried', async () => {
    const both = decryptionBy(alg, enc, jwkOf(current, { kid: 'new' }), jwkOf(old, { kid: 'old' }));
    expect(await outcome(both, await to(old, 'new'))).toBe('DECRYPTION_FAILED');
  });

  it('may have no name of its own', async () => {
    const nameless = decryptionBy(alg, enc, jwkOf(current, { kid: undefined }));
    expect(await outcome(nameless, await to(current, 'its thumbprint'))).toBe(JWS);
  });

  it('is one of four at most', async () => {
    const keys = Array.from({ length: 5 }, (_none, index) => jwkOf(generateKey('P-256', `k${index}`)));
    const by = (count: number) => decryptionBy('ECDH-ES', enc, ...keys.slice(0, count));
    const text = await encrypted({ alg: 'ECDH-ES', enc }, keyOf('P-256', 'stranger'));
    expect([await outcome(by(4), text), await outcome(by(5), text)]).toEqual(['DECRYPTION_FAILED', 'AMBIGUOUS_KEY']);
  });

  it('is on the curve of the ephemeral key', async () => {
    const others = ['P-384', 'P-521', 'X25519'] as const;
    const keys = others.map((kind) => jwkOf(keyOf(kind)));
    const text = await encrypted({ alg: 'ECDH-ES', enc }, keyOf('P-256'));
    expect(await outcome(decryptionBy('ECDH-ES', enc, ...keys), text)).toBe('KEY_NOT_FOUND');
    expect(await outcome(decryptionBy('ECDH-ES', enc, ...keys, jwkOf(keyOf('P-256'))), text)).toBe(JWS);
  });

  it('is the secret alone where it is shared, and there must be one', async () => {
    const without = new Decryption({ alg: 'dir', enc }, { privateKeys: [], secret: undefined });
    expect(await outcome(without, jwe({ alg: 'dir', enc }, JWS, randomBytes(32)))).toBe('KEY_NOT_FOUND');
    expect(await outcome(decryptionBy('dir', enc), jwe({ alg: 'dir', enc }, JWS, randomBytes(32)))).toBe(
      'DECRYPTION_FAILED',
    );
  });
});

describe('one character of a JWE', () => {
  const characters = [...'ABCDabcd0189-_.=+/ \n', '\0', 'é'];

  it.each<[string, string, SigningKey | Uint8Array]>([
    ['RSA-OAEP-256', 'A128CBC-HS256', keyOf('RSA')],
    ['ECDH-ES', 'A128GCM', keyOf('P-256')],
    ['dir', 'A256GCM', createHash('sha256').update(SECRET).digest()],
  ])('by %s and %s is what makes it decrypt', async (alg, enc, key) => {
    const text = await encrypted({ alg, enc }, key);
    const decryption = decryptionBy(alg, enc, ...(key instanceof Uint8Array ? [] : [jwkOf(key)]));
    expect(await outcome(decryption, text)).toBe(JWS);
    const places = fc.tuple(fc.nat(text.length - 1), fc.constantFrom(...characters));
    const refused = async (other: string): Promise<void> => {
      const error: unknown = await decryption.decrypt(other, 8192).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(VerificationError);
    };
    await fc.assert(
      fc.asyncProperty(places, async ([at, character]) => {
        fc.pre(text[at] !== character);
        await refused(text.slice(0, at) + character + text.slice(at + 1));
        await refused(text.slice(0, at) + text.slice(at + 1));
        await refused(text.slice(0, at) + character + text.slice(at));
      }),
      { numRuns: 200 },
    );
  });
});
