import { inspect } from 'node:util';

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { Clock } from '../../../lib/clock/clock.js';
import { AccessTokenError } from '../../../lib/errors/errors.js';
import { ASYMMETRIC_ALGORITHMS } from '../../../lib/jose/algorithms.js';
import { verifyDpopProof, type DpopExpectations } from '../../../lib/resource-server/sender-constraint/dpop-proof.js';
import { jws, privateJwk, type Jwk } from '../../../lib/testing/provider/keys.js';
import { T } from '../../support/clock.js';
import { dpopKey, dpopProof, type DpopKey, type ProofRequest } from '../../support/tokens/dpop.js';

const URL_OF_ORDERS = 'https://api.test/orders';
const TOKEN = 'Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU';
const KEY = dpopKey();
const RSA = dpopKey('RS256');

const make = (request: Partial<ProofRequest> = {}, key: DpopKey = KEY) =>
  dpopProof(key, { url: URL_OF_ORDERS, accessToken: TOKEN, ...request });
const withClaims = (claims: Jwk) => make({ claims });
const withHeader = (header: Jwk) => make({ header });

const EXPECTED: DpopExpectations = {
  method: 'GET',
  url: URL_OF_ORDERS,
  accessToken: TOKEN,
  algorithms: ASYMMETRIC_ALGORITHMS,
  clock: new Clock(() => T * 1000 + 999, 0, 30),
};

/** What a proof is refused with; undefined when it is not. */
async function refusal(proof: string, expected: Partial<DpopExpectations> = {}): Promise<AccessTokenError | undefined> {
  return verifyDpopProof(proof, { ...EXPECTED, ...expected }).then(
    () => undefined,
    (error: unknown) => {
      if (!(error instanceof AccessTokenError)) {
        throw error;
      }
      expect(error.code).toBe('DPOP_PROOF_INVALID');
      expect(error.cause).toMatchObject({ name: 'VerificationError' });
      return error;
    },
  );
}

/** `good`, or the code of what was wrong. */
async function outcome(proof: string, expected: Partial<DpopExpectations> = {}): Promise<string> {
  const error = await refusal(proof, expected);
  return error === undefined ? 'good' : Object(error.cause).code;
}

describe('a DPoP proof', () => {
  it('R1 tells key and identifier', async () => {
    const proof = make({ claims: { jti: 'e1j3V_bKic8-LAEB' } });
    expect(await verifyDpopProof(proof, EXPECTED)).toEqual({
      jkt: KEY.jkt,
      jti: 'e1j3V_bKic8-LAEB',
      nonce: undefined,
    });
  });

  it('R1 tells its nonce', async () => {
    expect(await verifyDpopProof(make({ nonce: 'eyJ7S_zG' }), EXPECTED)).toMatchObject({ nonce: 'eyJ7S_zG' });
  });

  it('R1 is that of RFC 9449, section 7.1', async () => {
    const proof = [
      'eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6Ik',
      'VDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCR',
      'nMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JE',
      'QSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIj',
      'oiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0Z',
      'WRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNF',
      'c05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71E',
      'OptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA',
    ].join('');
    const verified = await verifyDpopProof(proof, {
      ...EXPECTED,
      url: 'https://resource.example.org/protectedresource',
      clock: new Clock(() => 1_562_262_618_000, 0, 30),
    });
    expect(verified).toEqual({
      jkt: '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I',
      jti: 'e1j3V_bKic8-LAEB',
      nonce: undefined,
    });
  });

  it.each(ASYMMETRIC_ALGORITHMS)('R1 may be signed by %s, when that is listed', async (alg) => {
    const proof = make({}, dpopKey(alg));
    expect(await outcome(proof, { algorithms: [alg] })).toBe('good');
    expect(await outcome(proof, { algorithms: ASYMMETRIC_ALGORITHMS.filter((other) => other !== alg) })).toBe(
      'ALG_NOT_ALLOWED',
    );
  });

  it('R1 may be signed by these and no others', () => {
    expect(ASYMMETRIC_ALGORITHMS).toEqual([
      'RS256',
      'RS384',
      'RS512',
      'PS256',
      'PS384',
      'PS512',
      'ES256',
      'ES384',
      'ES512',
      'EdDSA',
      'Ed25519',
    ]);
  });

  it.each<[string, Partial<ProofRequest>]>([
    ['typ in another case and with its tree', { header: { typ: 'application/DPoP+JWT' } }],
    ['more in the header', { header: { kid: 'one', x5t: 'AAAA', cty: 'x', 'https://client.test': true } }],
    ['more claims', { claims: { iss: 'https://client.test', aud: 'x', sub: 1, 'https://client.test': {} } }],
  ])('R18 may have %s', async (_what, request) => {
    expect(await outcome(make(request))).toBe('good');
  });

  it('DPOP-33 may carry a key that says more of itself, whose thumbprint is the same', async () => {
    const jwk = { ...KEY.jwk, kid: 'one', use: 'sig', alg: 'ES256', x5c: ['AAAA'] };
    expect(await verifyDpopProof(withHeader({ jwk }), EXPECTED)).toMatchObject({ jkt: KEY.jkt });
  });

  it('R10 of another key is good and tells that key', async () => {
    const other = dpopKey();
    expect(await verifyDpopProof(make({}, other), EXPECTED)).toMatchObject({ jkt: other.jkt });
  });
});

describe('a DPoP proof is refused', () => {
  it.each<[string, string]>([
    ['DPOP-06 empty', ''],
    ['DPOP-06 blank', ' '],
    ['DPOP-06 one part', 'abc'],
    ['DPOP-06 three letters', 'a.b.c'],
    ['DPOP-06 two dots', '..'],
    ['R5 words', 'not a JWT'],
    ['R5 three empty objects', 'e30.e30.e30'],
    ['R5 a proof and a space', `${make()} `],
    ['R5 a proof and a dot', `${make()}.`],
    ['R5 a proof in quotes', JSON.stringify(make())],
  ])('that is no JWT: %s', async (_what, proof) => {
    expect(await outcome(proof)).toBe('JWT_MALFORMED');
  });

  it('DPOP-04 beside another one in the same value', async () => {
    expect(await outcome(`${make()}, ${make()}`)).toBe('UNEXPECTED_JWE');
    expect(await outcome(`${make()},${make()}`)).toBe('UNEXPECTED_JWE');
  });

  it('DPOP-06 that is encrypted, or longer than any header', async () => {
    expect(await outcome('a.b.c.d.e')).toBe('UNEXPECTED_JWE');
    expect(await outcome(make({ claims: { more: 'x'.repeat(8192) } }))).toBe('JWT_TOO_LARGE');
  });

  it.each<[string, Jwk, string]>([
    ['R6 typ', { typ: undefined }, 'TYP_MISMATCH'],
    ['R6 alg', { alg: undefined }, 'JWT_MALFORMED'],
    ['R6 DPOP-09 jwk', { jwk: undefined }, 'KEY_NOT_FOUND'],
    ['DPOP-09 jwk, and has a kid', { jwk: undefined, kid: KEY.key.kid }, 'KEY_NOT_FOUND'],
  ])('without %s', async (_what, header, code) => {
    expect(await outcome(withHeader(header))).toBe(code);
  });

  it.each(['jti', 'htm', 'htu', 'iat', 'ath'])('R6 DPOP-22 DPOP-23 DPOP-30 without %s', async (name) => {
    expect(await outcome(withClaims({ [name]: undefined }))).toBe('CLAIM_MISSING');
  });

  it.each(['jwt', 'JWT', 'at+jwt', 'dpop', 'dpop+jwt ', '', null, 1, ['dpop+jwt']])('R7 with typ %j', async (typ) => {
    expect(await outcome(withHeader({ typ }))).toBe('TYP_MISMATCH');
  });

  it('DPOP-08 R8 that is unsigned, even where somebody lists that', async () => {
    const [header, claims] = make({ header: { alg: 'none' } }).split('.');
    const unsigned = `${header}.${claims}.`;
    expect(await outcome(unsigned)).toBe('ALG_NOT_ALLOWED');
    expect(await outcome(unsigned, { algorithms: ['none', 'ES256'] })).toBe('ALG_NOT_ALLOWED');
  });

  it.each(['HS256', 'HS384', 'HS512'])('DPOP-08 with a MAC, even where somebody lists %s', async (alg) => {
    const secret = Buffer.from('a secret that is no secret, of sixty-four bytes: 0123456789abcdef');
    const jwk = { kty: 'oct', k: secret.toString('base64url') };
    const [, claims = ''] = make().split('.');
    const proof = jws({ typ: 'dpop+jwt', alg, jwk }, Buffer.from(claims, 'base64url').toString(), secret);
    expect(await outcome(proof)).toBe('ALG_NOT_ALLOWED');
    expect(await outcome(proof, { algorithms: [alg] })).toBe('ALG_NOT_ALLOWED');
  });

  it.each(['ES256K', 'Ed448', 'RSA1_5', 'constructor', 'es256', 'ES256 '])('DPOP-08 with alg %j', async (alg) => {
    expect(await outcome(make({ header: { alg }, signedBy: KEY }))).toBe('ALG_NOT_ALLOWED');
  });

  it('R8 by RS256 where the list has only what FAPI allows', async () => {
    expect(await outcome(make({}, RSA), { algorithms: ['PS256', 'ES256', 'EdDSA'] })).toBe('ALG_NOT_ALLOWED');
  });

  it.each(['RSA', 'EC', 'Ed25519'])('DPOP-10 R9 with a private key (%s), which no error tells', async (kind) => {
    const alg = kind === 'EC' ? 'ES256' : kind === 'RSA' ? 'RS256' : 'EdDSA';
    const key = dpopKey(alg);
    const { kid: _, use: __, ...jwk } = privateJwk(key.key);
    const error = await refusal(make({ header: { jwk } }, key));
    expect(error?.cause).toMatchObject({ code: 'KEY_NOT_FOUND', message: 'The JWT carries a private key.' });
    expect(inspect(error, { depth: 9 })).not.toContain(String(jwk['d']));
  });

  it('DPOP-11 with a symmetric key', async () => {
    expect(await outcome(withHeader({ jwk: { kty: 'oct', k: 'AAAA' } }))).toBe('KEY_NOT_FOUND');
  });

  it('DPOP-13 R8 that another key signed', async () => {
    expect(await outcome(make({ signedBy: dpopKey() }))).toBe('SIGNATURE_INVALID');
  });

  it('DPOP-13 R8 in which anything was changed', async () => {
    const proof = make();
    const [header, claims, signature] = proof.split('.');
    const [, other] = make({ claims: { htm: 'POST' } }).split('.');
    expect(await outcome(`${header}.${other}.${signature}`, { method: 'POST' })).toBe('SIGNATURE_INVALID');
    expect(await outcome(`${header}.${claims}.${'A'.repeat(86)}`)).toBe('SIGNATURE_INVALID');
    expect(await outcome(`${header}.${claims}.`)).toBe('SIGNATURE_INVALID');
  });

  it.each<[string, unknown]>([
    ['POST', 'GET'],
    ['GET', 'get'],
    ['GET', 'Get'],
    ['HEAD', 'GET'],
    ['GET', 'GET '],
    ['GET', ['GET']],
    ['GET', ''],
    ['GET', null],
  ])('DPOP-14 R11 with %s for htm %j', async (method, htm) => {
    expect(await outcome(withClaims({ htm }), { method })).toBe('HTM_MISMATCH');
  });

  it.each<[string, unknown]>([
    ['DPOP-16 R11 of another path', 'https://api.test/order'],
    ['DPOP-16 of a path below', 'https://api.test/orders/1'],
    ['DPOP-16 of a path with a slash at the end', 'https://api.test/orders/'],
    ['DPOP-16 of a path in another case', 'https://api.test/Orders'],
    ['DPOP-16 of another host', 'https://evil.test/orders'],
    ['DPOP-16 of another scheme', 'http://api.test/orders'],
    ['DPOP-16 of another port', 'https://api.test:8443/orders'],
    ['DPOP-20 that is no URI', 'foo'],
    ['DPOP-20 that is a path', '/orders'],
    ['DPOP-20 that has an encoded slash in its host', 'https://api.test%2Forders'],
    ['DPOP-20 that names a user', 'https://u@api.test/orders'],
    ['DPOP-20 of javascript', 'javascript:alert(1)'],
    ['DPOP-20 that is no text', ['https://api.test/orders']],
    ['DPOP-20 that is null', null],
    ['DPOP-20 that is empty', ''],
  ])('%s', async (_what, htu) => {
    expect(await outcome(withClaims({ htu }))).toBe('HTU_MISMATCH');
  });

  it.each([
    ['https://api.test/a%2Fb', 'https://api.test/a/b'],
    ['https://api.test/a/b', 'https://api.test/a%2Fb'],
  ])('DPOP-18 made for %s, of %s', async (htu, url) => {
    expect(await outcome(withClaims({ htu }), { url })).toBe('HTU_MISMATCH');
  });

  it('DPOP-20 with an htu that is none, also where the request has none', async () => {
    expect(await outcome(withClaims({ htu: 'foo' }), { url: 'foo' })).toBe('HTU_MISMATCH');
    expect(await outcome(withClaims({ htu: 'foo' }), { url: 'bar' })).toBe('HTU_MISMATCH');
  });

  it.each<[unknown, string]>([
    ['1800000000', 'CLAIM_INVALID'],
    [null, 'CLAIM_INVALID'],
    [true, 'CLAIM_INVALID'],
    [[T], 'CLAIM_INVALID'],
    [-1, 'CLAIM_INVALID'],
    [0, 'TOO_OLD'],
    [1e13, 'CLAIM_INVALID'],
    [T * 1000, 'NOT_YET_VALID'],
  ])('DPOP-22 with iat %j', async (iat, code) => {
    expect(await outcome(withClaims({ iat }))).toBe(code);
  });

  it('DPOP-22 with iat 1e999', async () => {
    const [, claims = ''] = make().split('.');
    const text = Buffer.from(claims, 'base64url').toString().replace('1800000000', '1e999');
    const proof = jws({ typ: 'dpop+jwt', alg: 'ES256', jwk: KEY.jwk }, text, KEY.key);
    expect(await outcome(proof)).toBe('CLAIM_INVALID');
  });

  it.each<[string, unknown]>([
    ['that is empty', ''],
    ['of 257 characters', 'x'.repeat(257)],
    ['that is a number', 7],
    ['that is null', null],
    ['that is an array', ['a']],
  ])('DPOP-23 with a jti %s', async (_what, jti) => {
    expect(await outcome(withClaims({ jti }))).toBe('CLAIM_INVALID');
  });

  it('DPOP-23 with a jti of 10 KB', async () => {
    expect(await outcome(withClaims({ jti: 'x'.repeat(10_240) }))).toBe('JWT_TOO_LARGE');
  });

  it.each<[string, unknown]>([
    ['DPOP-30 R17 of another token', 'n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg'],
    ['DPOP-30 with padding', 'fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo='],
    ['DPOP-30 whose left-over bits are set', 'fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEp'],
    ['DPOP-30 in hexadecimal', '7d41f23b6af66770d9e7712c36b5816f4c565e868dcb9f4888a080aa4b26404a'],
    ['DPOP-30 that is empty', ''],
    ['DPOP-30 that is no text', 7],
    ['DPOP-30 that is null', null],
    ['DPOP-30 that is the token', TOKEN],
    ['DPOP-31 over the whole credentials', 'flAwo5Y3oIGYMc9aPtQrGL44PSsgvv4CdQJz2GzXcE0'],
  ])('%s', async (_what, ath) => {
    expect(await outcome(withClaims({ ath }))).toBe('ATH_MISMATCH');
  });

  it('DPOP-30 R17 with another token than the request has', async () => {
    expect(await outcome(make(), { accessToken: `${TOKEN}.` })).toBe('ATH_MISMATCH');
    expect(await outcome(make({ accessToken: `DPoP ${TOKEN}` }))).toBe('ATH_MISMATCH');
  });

  it.each([7, null, ['a'], {}, true])('with the nonce %j', async (nonce) => {
    expect(await outcome(withClaims({ nonce }))).toBe('CLAIM_INVALID');
  });

  it.each<[string, Jwk, string]>([
    ['crit', { crit: ['exp'], exp: 1 }, 'UNSUPPORTED_CRIT'],
    ['crit for what it does not have', { crit: [] }, 'UNSUPPORTED_CRIT'],
    ['b64', { b64: false }, 'UNSUPPORTED_CRIT'],
    ['jku', { jku: 'https://evil.test/keys' }, 'KEY_NOT_FOUND'],
    ['jku instead of jwk', { jku: 'https://evil.test/keys', jwk: undefined }, 'KEY_NOT_FOUND'],
    ['x5u', { x5u: 'https://evil.test/key' }, 'KEY_NOT_FOUND'],
    ['x5c instead of jwk', { x5c: ['AAAA'], jwk: undefined }, 'KEY_NOT_FOUND'],
  ])('DPOP-42 with %s', async (_what, header, code) => {
    expect(await outcome(withHeader(header))).toBe(code);
  });

  it('DPOP-44 that is an access token', async () => {
    const claims = { iss: 'https://op.test', aud: 'https://api.test', sub: 'alice', exp: T + 60, iat: T, jti: '1' };
    const header = { typ: 'at+jwt', alg: 'ES256', kid: KEY.key.kid };
    expect(await outcome(jws(header, claims, KEY.key))).toBe('TYP_MISMATCH');
    expect(await outcome(jws({ ...header, typ: 'dpop+jwt' }, claims, KEY.key))).toBe('KEY_NOT_FOUND');
    expect(await outcome(TOKEN)).toBe('JWT_MALFORMED');
  });

  it('R5 whatever text it is, and with nothing but that', async () => {
    const [header = '', claims = '', signature = ''] = make().split('.');
    const part = fc.oneof(
      fc.constantFrom(header, claims, signature, '', 'e30', 'bnVsbA', 'W10'),
      fc.jsonValue().map((value) => Buffer.from(JSON.stringify(value)).toString('base64url')),
      fc
        .record({ typ: fc.constant('dpop+jwt'), alg: fc.constant('ES256'), jwk: fc.jsonValue() })
        .map((value) => Buffer.from(JSON.stringify(value)).toString('base64url')),
      fc.string(),
    );
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('.')),
    );
    await fc.assert(
      fc.asyncProperty(text, async (proof) => {
        fc.pre(proof !== `${header}.${claims}.${signature}`);
        expect(await refusal(proof)).toBeInstanceOf(AccessTokenError);
      }),
      { numRuns: 1000 },
    );
  });

  it('R6 whatever else its claims are, and with nothing but that', async () => {
    const names = fc.constantFrom('jti', 'htm', 'htu', 'ath', 'iat', 'nonce', 'exp', 'nbf');
    await fc.assert(
      fc.asyncProperty(names, fc.jsonValue(), async (name, value) => {
        fc.pre(typeof value !== 'string' && typeof value !== 'number');
        expect(await refusal(withClaims({ [name]: value }))).toBeInstanceOf(AccessTokenError);
      }),
      { numRuns: 300 },
    );
  });
});

describe('a DPoP proof fits the request', () => {
  it.each<[string, string, string]>([
    ['DPOP-17 R12 with a query and a fragment in htu', 'https://api.test/orders?x=1#y', 'https://api.test/orders'],
    ['DPOP-17 R12 with a query in the request', 'https://api.test/orders', 'https://api.test/orders?x=1&y=/../z'],
    ['DPOP-17 with another query', 'https://api.test/orders?x=1', 'https://api.test/orders?x=2'],
    ['DPOP-18 with what is equivalent', 'https://API.test:443/a/%7Eb', 'https://api.test/a/~b'],
    ['DPOP-18 the other way round', 'https://api.test/a/~b', 'https://API.test:443/a/%7eb'],
    ['DPOP-18 with dot segments', 'https://api.test/a/../a', 'https://api.test/a'],
    ['R13 with upper case', 'HTTPS://API.TEST/orders', 'https://api.test/orders'],
    ['R13 with the default port', 'https://api.test:443/orders', 'https://api.test/orders'],
    ['at the root without a slash', 'https://api.test', 'https://api.test/'],
  ])('%s', async (_what, htu, url) => {
    expect(await outcome(withClaims({ htu }), { url })).toBe('good');
  });

  it.each(['GET', 'POST', 'PATCH', 'QUERY', 'M-SEARCH'])('DPOP-14 by %s', async (method) => {
    expect(await outcome(make({ method }), { method })).toBe('good');
  });

  it('DPOP-14 by a method in lower case, which is another one', async () => {
    expect(await outcome(make({ method: 'get' }), { method: 'get' })).toBe('good');
  });

  it('DPOP-23 with a jti of 256 characters', async () => {
    expect(await outcome(withClaims({ jti: 'x'.repeat(256) }))).toBe('good');
  });
});

describe('the time of a DPoP proof', () => {
  it.each<[string, number, string]>([
    ['DPOP-21 R14 an hour ago', -3600, 'TOO_OLD'],
    ['DPOP-21 91 seconds ago', -91, 'TOO_OLD'],
    ['DPOP-21 90.001 seconds ago', -90.001, 'TOO_OLD'],
    ['DPOP-21 90 seconds ago', -90, 'good'],
    ['R15 10 seconds ago', -10, 'good'],
    ['DPOP-21 now', 0, 'good'],
    ['R15 in 10 seconds', 10, 'good'],
    ['DPOP-21 in 30 seconds', 30, 'good'],
    ['DPOP-21 in 30.001 seconds', 30.001, 'NOT_YET_VALID'],
    ['DPOP-21 in 31 seconds', 31, 'NOT_YET_VALID'],
    ['DPOP-21 R14 in an hour', 3600, 'NOT_YET_VALID'],
  ])('%s', async (_what, seconds, code) => {
    expect(await outcome(make({ at: T + seconds }))).toBe(code);
  });

  it.each<[number, string]>([
    [-61, 'TOO_OLD'],
    [-60, 'good'],
    [0, 'good'],
    [1, 'NOT_YET_VALID'],
  ])('DPOP-21 without tolerance, %d seconds from now: %s', async (seconds, code) => {
    const clock = new Clock(() => T * 1000 + 999, 0, 0);
    expect(await outcome(make({ at: T + seconds }), { clock })).toBe(code);
  });

  it('DPOP-21 is judged with the skew', async () => {
    const clock = new Clock(() => T * 1000, -100, 30);
    expect(await outcome(make(), { clock })).toBe('NOT_YET_VALID');
    expect(await outcome(make({ at: T - 190 }), { clock })).toBe('good');
  });

  it.each<[string, Jwk, string]>([
    ['DPOP-43 exp in the past', { exp: T - 30 }, 'EXPIRED'],
    ['DPOP-43 exp within the tolerance', { exp: T - 29 }, 'good'],
    ['DPOP-43 nbf in the future', { nbf: T + 31 }, 'NOT_YET_VALID'],
    ['DPOP-43 nbf within the tolerance', { nbf: T + 30 }, 'good'],
    ['DPOP-43 exp that is no time', { exp: '1800000300' }, 'CLAIM_INVALID'],
    ['DPOP-43 nbf that is no time', { nbf: null }, 'CLAIM_INVALID'],
    ['R15 nbf now and exp in five minutes', { nbf: T, exp: T + 300 }, 'good'],
    ['DPOP-43 exp in five minutes, which makes an old proof no younger', { iat: T - 91, exp: T + 300 }, 'TOO_OLD'],
  ])('%s', async (_what, claims, code) => {
    expect(await outcome(withClaims(claims))).toBe(code);
  });
});
