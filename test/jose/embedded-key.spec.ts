import { generateKeyPairSync } from 'node:crypto';

import { describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { calculateJwkThumbprint } from 'jose';

import { parseCompactJws } from '../../lib/jose/compact-jws.js';
import { embeddedKey } from '../../lib/jose/embedded-key.js';
import { thumbprintOf } from '../../lib/jose/jwk.js';
import { ASYMMETRIC_ALGORITHMS, jws, kindOf, type Jwk, type SigningKey } from '../../lib/testing/provider/keys.js';
import { dpopKey } from '../support/tokens/dpop.js';

const EC = dpopKey('ES256');
const OTHER_EC = dpopKey('ES256');
const RSA = dpopKey('PS256');

const of = (header: Jwk, key: SigningKey | Uint8Array = EC.key, alg?: string) =>
  jws({ alg: 'ES256', jwk: EC.jwk, ...header }, { sub: 'alice' }, key, alg);

/** `verified`, or the code of the refusal. */
async function outcome(jwt: string): Promise<string> {
  try {
    const signed = parseCompactJws(jwt, 16_384);
    await embeddedKey(signed).verify(signed);
    return 'verified';
  } catch (error) {
    expect(error).toMatchObject({ name: 'VerificationError' });
    return Object(error).code;
  }
}

describe('a JWS that carries its key', () => {
  it.each(ASYMMETRIC_ALGORITHMS)('verifies by %s', async (alg) => {
    const { key, jwk } = dpopKey(alg);
    expect(await outcome(of({ alg, jwk }, key))).toBe('verified');
  });

  it.each<[string, Jwk]>([
    ['another kid', { kid: 'another', jwk: { ...EC.jwk, kid: 'one' } }],
    ['a kid', { kid: 'one' }],
    ['use, alg, key_ops and ext', { jwk: { ...EC.jwk, use: 'sig', alg: 'ES256', key_ops: ['verify'], ext: true } }],
    ['certificates, which nobody reads', { x5c: ['AAAA'], x5t: 'AAAA', jwk: { ...EC.jwk, x5c: ['AAAA'] } }],
  ])('verifies beside %s', async (_what, header) => {
    expect(await outcome(of(header))).toBe('verified');
  });

  it.each<[string, unknown]>([
    ['DPOP-09 none', undefined],
    ['DPOP-09 null', null],
    ['DPOP-09 a text', JSON.stringify(EC.jwk)],
    ['DPOP-09 an array', [EC.jwk]],
    ['DPOP-09 an empty object', {}],
    ['DPOP-09 a key set', { keys: [EC.jwk] }],
    ['DPOP-09 one without a coordinate', { ...EC.jwk, y: undefined }],
    ['DPOP-09 one whose coordinate is a number', { ...EC.jwk, x: 1 }],
    ['DPOP-09 one of another curve', { ...EC.jwk, crv: 'P-384' }],
    ['DPOP-09 one of another kind', RSA.jwk],
    ['DPOP-09 one of no kind', { ...EC.jwk, kty: undefined }],
    ['DPOP-09 one of a kind that every object has', { ...EC.jwk, kty: 'constructor' }],
    ['DPOP-11 a symmetric one', { kty: 'oct', k: 'AAAA' }],
    ['one for another algorithm', { ...EC.jwk, alg: 'ES384' }],
    ['one whose algorithm is no text', { ...EC.jwk, alg: null }],
    ['one for encryption', { ...EC.jwk, use: 'enc' }],
    ['one for other operations', { ...EC.jwk, key_ops: ['sign'] }],
  ])('has none that counts: %s', async (_what, jwk) => {
    expect(await outcome(of({ jwk }))).toBe('KEY_NOT_FOUND');
  });

  it('DPOP-11 a symmetric key verifies nothing', async () => {
    const secret = Buffer.from('a secret that both sides would share');
    const jwk = { kty: 'oct', k: secret.toString('base64url') };
    expect(await outcome(of({ alg: 'HS256', jwk }, secret))).toBe('KEY_NOT_FOUND');
    expect(await outcome(of({ alg: 'HS256' }, secret))).toBe('KEY_NOT_FOUND');
  });

  it.each(['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'])(
    'DPOP-10 R9 is refused for the private member %s',
    async (name) => {
      expect(await outcome(of({ jwk: { ...EC.jwk, [name]: 'AAAA' } }))).toBe('KEY_NOT_FOUND');
      expect(await outcome(of({ alg: 'PS256', jwk: { ...RSA.jwk, [name]: null } }, RSA.key))).toBe('KEY_NOT_FOUND');
    },
  );

  it('DPOP-10 R9 is refused for its own private key, which no error tells', async () => {
    const { d, ...jwk } = EC.key.privateKey.export({ format: 'jwk' });
    const signed = parseCompactJws(of({ jwk: { ...jwk, d } }), 8192);
    expect(() => embeddedKey(signed)).toThrow('The JWT carries a private key.');
  });

  it.each(['jku', 'x5u'])('DPOP-42 is refused for %s, even with a good key', async (name) => {
    expect(await outcome(of({ [name]: 'https://evil.test/keys' }))).toBe('KEY_NOT_FOUND');
  });

  it('is refused for a key that is no point of its curve', async () => {
    expect(await outcome(of({ jwk: { ...EC.jwk, x: OTHER_EC.jwk['x'] } }))).toBe('KEY_NOT_FOUND');
  });

  it('DPOP-13 R8 is refused for the signature of another key', async () => {
    expect(await outcome(of({}, OTHER_EC.key))).toBe('SIGNATURE_INVALID');
    expect(await outcome(of({ jwk: OTHER_EC.jwk }))).toBe('SIGNATURE_INVALID');
    const [header, payload] = of({}).split('.');
    expect(await outcome(`${header}.${payload}.${'A'.repeat(86)}`)).toBe('SIGNATURE_INVALID');
    expect(await outcome(`${header}.${payload}.`)).toBe('SIGNATURE_INVALID');
  });

  it.each<[number, string]>([
    [1024, 'KEY_NOT_FOUND'],
    [2040, 'KEY_NOT_FOUND'],
    [2048, 'verified'],
  ])('with an RSA key of %d bits is %s', async (modulusLength, expected) => {
    const pair = generateKeyPairSync('rsa', { modulusLength });
    const jwk: Jwk = pair.publicKey.export({ format: 'jwk' });
    const key: SigningKey = { ...RSA.key, ...pair };
    expect(await outcome(of({ alg: 'RS256', jwk }, key))).toBe(expected);
  });

  it.each<[string, number, string]>([
    ['n', 1366, 'SIGNATURE_INVALID'],
    ['n', 1367, 'KEY_NOT_FOUND'],
    ['e', 6, 'SIGNATURE_INVALID'],
    ['e', 7, 'KEY_NOT_FOUND'],
  ])('whose RSA key has a member %s of %d characters is %s', async (name, length, expected) => {
    const jwk = { ...RSA.jwk, [name]: 'B'.repeat(length) };
    expect(await outcome(of({ alg: 'PS256', jwk }, RSA.key))).toBe(expected);
  });
});

describe('the import of a key', () => {
  const imports = jest.spyOn(crypto.subtle, 'importKey');
  const proofOf = ({ key, jwk }: ReturnType<typeof dpopKey>, members: Jwk = {}) =>
    of({ alg: 'EdDSA', jwk: { ...jwk, ...members } }, key);

  /** The outcomes, and how often a key was imported for them. */
  async function importsFor(
    ...jwts: readonly string[]
  ): Promise<readonly [outcomes: readonly string[], count: number]> {
    imports.mockClear();
    const outcomes: string[] = [];
    for (const jwt of jwts) {
      outcomes.push(await outcome(jwt));
    }
    return [outcomes, imports.mock.calls.length];
  }

  it('is made once for many signatures', async () => {
    const key = dpopKey('EdDSA');
    expect(await importsFor(proofOf(key), proofOf(key))).toEqual([['verified', 'verified'], 1]);
  });

  it('is made for each algorithm that the key verifies by', async () => {
    const { key, jwk } = dpopKey('PS256');
    const signed = ['PS256', 'RS256', 'PS256'].map((alg) => of({ alg, jwk }, key));
    expect(await importsFor(...signed)).toEqual([['verified', 'verified', 'verified'], 2]);
  });

  it('is not kept for a signature that the key did not make', async () => {
    const forged = of({ alg: 'EdDSA', jwk: dpopKey('EdDSA').jwk }, dpopKey('EdDSA').key);
    expect(await importsFor(forged, forged)).toEqual([['SIGNATURE_INVALID', 'SIGNATURE_INVALID'], 2]);
  });

  it('is kept, and a wrong signature is refused none the less', async () => {
    const key = dpopKey('EdDSA');
    const forged = of({ alg: 'EdDSA', jwk: key.jwk }, dpopKey('EdDSA').key);
    expect(await importsFor(proofOf(key), forged)).toEqual([['verified', 'SIGNATURE_INVALID'], 1]);
  });

  it('does not count for the same key with other members', async () => {
    const key = dpopKey('EdDSA');
    expect(await importsFor(proofOf(key), proofOf(key, { use: 'enc' }))).toEqual([['verified', 'KEY_NOT_FOUND'], 1]);
    expect(await importsFor(proofOf(key, { d: 'AAAA' }))).toEqual([['KEY_NOT_FOUND'], 0]);
  });

  it.each<[number, number]>([
    [2048, 1],
    [2049, 2],
  ])('of a JWK of %d characters is made %d times for two signatures', async (length, count) => {
    const key = dpopKey('EdDSA');
    const note = 'x'.repeat(length - JSON.stringify({ ...key.jwk, note: '' }).length);
    const signed = proofOf(key, { note });
    expect(await importsFor(signed, signed)).toEqual([['verified', 'verified'], count]);
  });

  it('is dropped when 1,000 others have been kept since', async () => {
    const key = dpopKey('EdDSA');
    const proofs = Array.from({ length: 1001 }, (_none, index) => proofOf(key, { index }));
    const importsSince = async (others: number) => {
      await importsFor(...proofs.slice(0, 1 + others));
      return (await importsFor(...proofs.slice(0, 1)))[1];
    };
    expect([await importsSince(999), await importsSince(1000)]).toEqual([0, 1]);
  });
});

describe('a thumbprint', () => {
  it('is that of RFC 7638, section 3.1', async () => {
    const n =
      '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw';
    const jwk = { kty: 'RSA', n, e: 'AQAB', alg: 'RS256', kid: '2011-04-29' };
    expect(await thumbprintOf(jwk)).toBe('NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs');
  });

  it('is that of RFC 8037, appendix A.3', async () => {
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' };
    expect(await thumbprintOf(jwk)).toBe('kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k');
  });

  it('DPOP-33 is that of RFC 9449, section 6.1, whatever else the key says of itself', async () => {
    const jwk = {
      x5c: ['AAAA'],
      kid: 'one',
      kty: 'EC',
      x: 'l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs',
      y: '9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA',
      use: 'sig',
      crv: 'P-256',
      alg: 'ES256',
      d: 'AAAA',
    };
    expect(await thumbprintOf(jwk)).toBe('0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I');
  });

  it.each([...new Set(ASYMMETRIC_ALGORITHMS.map(kindOf))])(
    'of a key of kind %s is what jose calculates',
    async (kind) => {
      const { jwk, jkt } = dpopKey(ASYMMETRIC_ALGORITHMS.find((alg) => kindOf(alg) === kind));
      const key = JSON.parse(JSON.stringify(jwk));
      expect(await thumbprintOf(key)).toBe(await calculateJwkThumbprint(key));
      expect(jkt).toBe(await calculateJwkThumbprint(key));
    },
  );

  it('of what is no key is refused', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.jsonValue(),
          fc.record({ kty: fc.constantFrom('EC', 'oct', '__proto__') }),
          fc.constant({ ...EC.jwk, x: '' }),
        ),
        async (value) => {
          const jwk = JSON.parse(JSON.stringify(value));
          await expect(thumbprintOf(jwk)).rejects.toMatchObject({ name: 'VerificationError', code: 'KEY_NOT_FOUND' });
        },
      ),
    );
  });
});
