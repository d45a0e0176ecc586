import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { compactVerify, decodeJwt, decodeProtectedHeader, importJWK, jwtVerify } from 'jose';

import { Clock } from '../../lib/clock/clock.js';
import { VerificationError } from '../../lib/errors/errors.js';
import { parseCompactJws, payloadSignedWith } from '../../lib/jose/compact-jws.js';
import { verifyJwt, type KeySource } from '../../lib/jose/jwt.js';
import { KeySet } from '../../lib/jose/key-set.js';
import { ID_TOKEN, type Purpose } from '../../lib/jose/purpose.js';
import { secretKey } from '../../lib/jose/secret-key.js';
import { ASYMMETRIC_ALGORITHMS, keyOf, kindOf, signature, type SigningKey } from '../../lib/testing/provider/keys.js';
import { Secret } from '../../lib/values/secret.js';
import { T } from '../support/clock.js';

/** An ID token's purpose by which nobody else may be meant. */
const PURPOSE: Purpose = { ...ID_TOKEN, audience: 'every' };

const SECRET = 'a secret that is as long as the longest of the hashes, 64 bytes or more';
const ALGORITHMS = [...ASYMMETRIC_ALGORITHMS, 'HS256', 'HS384', 'HS512'];

const b64 = (text: string | Uint8Array) => Buffer.from(text).toString('base64url');

function keyFor(alg: string): SigningKey | Uint8Array {
  const kind = kindOf(alg);
  return kind === undefined ? Buffer.from(SECRET) : keyOf(kind);
}

const headerOf = (alg: string) => ({ alg, ...(kindOf(alg) !== undefined && { kid: 'k' }) });
const CLAIMS = { iss: 'https://op.test', sub: 'alice', aud: 'rp1', iat: T, exp: T + 60 };

/** How the texts of a header and of claims, and the bytes of a signature, are written. */
type Spelling = (encoded: string) => string;

interface Parts {
  readonly header: string;
  readonly claims: string;
  readonly spelling?: readonly [Spelling, Spelling, Spelling];
}

/** Signed with the right key, whatever the parts say. */
function signed(alg: string, { header, claims, spelling: [h, c, s] = [same, same, same] }: Parts): string {
  const input = `${h(b64(header))}.${c(b64(claims))}`;
  return `${input}.${s(b64(signature(input, keyFor(alg), alg)))}`;
}

const same: Spelling = (encoded) => encoded;
const padded: Spelling = (encoded) => encoded + '='.repeat((4 - (encoded.length % 4)) % 4);
const spaced: Spelling = (encoded) => `${encoded.slice(0, 3)} \n${encoded.slice(3)}`;
/** The next character carries the same bytes where the last one has bits to spare. */
const withSpareBits: Spelling = (encoded) =>
  encoded.length % 4 === 0 ? encoded : encoded.slice(0, -1) + ALPHABET[ALPHABET.indexOf(encoded.slice(-1)) + 1];

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

const HEADER_CHANGES = [
  ...['RS256', 'ES256', 'HS256', 'none', 'constructor', '', 1, undefined].map((alg) => ({ alg })),
  ...['other', '', null, undefined].map((kid) => ({ kid })),
  ...['JWT', 'application/jwt', 'at+jwt', '', 1, null].map((typ) => ({ typ })),
  ...[[], ['b64'], ['exp'], 'b64', null].map((crit) => ({ crit })),
  ...[true, false, 'true'].map((b64url) => ({ b64: b64url })),
  ...[[[]], [[[[]]]]].map((x) => ({ x })),
  { jku: 'https://evil.test/keys' },
  { crit: ['b64'], b64: true },
];

const CLAIM_CHANGES = [
  ...['https://evil.test', null, undefined].map((iss) => ({ iss })),
  ...[['rp1'], ['rp1', 'evil'], 'evil', [], 1, undefined].map((aud) => ({ aud })),
  ...[T - 29, T - 30, '9', null, undefined].map((exp) => ({ exp })),
  ...[T + 30, T + 31, T - 630, T - 631, -1, undefined].map((iat) => ({ iat })),
  ...[T + 30, T + 31, 'now'].map((nbf) => ({ nbf })),
  { events: {} },
  { sub: undefined },
];

/** JSON of an object with some members changed, with blanks or without; sometimes it is something else. */
function changed(right: object, changes: readonly object[]): fc.Arbitrary<string> {
  const some = fc.array(fc.constantFrom(...changes), { maxLength: 2 });
  return fc.oneof(
    { weight: 12, arbitrary: fc.constant(JSON.stringify(right)) },
    {
      weight: 18,
      arbitrary: fc
        .tuple(some, fc.constantFrom('', '', ' '))
        .map(([all, blank]) => blank + JSON.stringify(Object.assign({}, right, ...all), undefined, blank)),
    },
    fc.constantFrom('[]', '1', '{', ''),
  );
}

/** A JWT that is signed with the right key after something was changed. */
function changedBefore(alg: string): fc.Arbitrary<string> {
  const spelling = fc.oneof(
    { weight: 20, arbitrary: fc.constant(same) },
    fc.constantFrom(padded, spaced, withSpareBits),
  );
  return fc
    .record({
      header: changed(headerOf(alg), HEADER_CHANGES),
      claims: changed(CLAIMS, CLAIM_CHANGES),
      spelling: fc.tuple(spelling, spelling, spelling),
    })
    .map((parts) => signed(alg, parts));
}

/** A good JWT whose text somebody changed on its way. */
function changedAfter(alg: string): fc.Arbitrary<string> {
  const right = signed(alg, { header: JSON.stringify(headerOf(alg)), claims: JSON.stringify(CLAIMS) });
  const others = ALGORITHMS.concat('none').map((other) => b64(JSON.stringify({ ...headerOf(alg), alg: other })));
  const part = fc.oneof(fc.constantFrom(...right.split('.'), ...others, '', 'e30'), fc.base64String());
  return fc.oneof(
    fc
      .tuple(fc.nat(right.length), fc.nat(2), fc.constantFrom('', ...ALPHABET, ...'.=+/ \n\0é'))
      .map(([at, removed, put]) => right.slice(0, at) + put + right.slice(at + removed)),
    fc.tuple(fc.nat(2), part).map(([at, put]) => right.split('.').with(at, put).join('.')),
    fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => parts.join('.')),
  );
}

/** What a JWT says, read as loosely as anybody could. */
interface Loose {
  readonly parts: readonly string[];
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** The rules of ours that jose has not, and whether a JWT that jose takes breaks them. */
const STRICTER: Readonly<Record<string, (jwt: Loose) => boolean>> = {
  JWT_MALFORMED: ({ parts, header }) =>
    parts.some((part) => /[^\w-]/.test(part) || b64(Buffer.from(part, 'base64url')) !== part) ||
    JSON.stringify(header).includes('[[[[') ||
    header['kid'] === null,
  UNSUPPORTED_CRIT: ({ header }) => 'crit' in header || 'b64' in header,
  TYP_MISMATCH: ({ header: { typ } }) => typ !== undefined && !/^(application\/)?jwt$/i.test(String(typ)),
  KEY_NOT_FOUND: ({ header: { kid } }) => kid !== undefined && kid !== 'k',
  AUD_MISMATCH: ({ claims }) => Array.isArray(claims['aud']) && claims['aud'].includes('evil'),
  UNEXPECTED_CLAIM: ({ claims }) => 'events' in claims,
};

/** Ours: `accepted`, or the code. */
async function ours(alg: string, jwt: string): Promise<string> {
  const key = keyFor(alg);
  const error: unknown = await verifyJwt(jwt, PURPOSE, {
    issuer: 'https://op.test',
    audience: ['rp1'],
    algorithms: [alg],
    clock: new Clock(() => T * 1000, 0, 30),
    keys: () => (key instanceof Uint8Array ? secretKey(new Secret(SECRET)) : published(key)),
  }).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error === undefined || error instanceof VerificationError).toBe(true);
  return error instanceof VerificationError ? error.code : 'accepted';
}

function published(key: SigningKey): KeySource {
  const set = KeySet.parse(JSON.parse(JSON.stringify({ keys: [{ ...key.jwk, kid: 'k' }] })));
  return {
    verify: async (jws) => {
      const candidates = await set.candidates(jws);
      const payload = await payloadSignedWith(candidates, jws);
      if (payload === undefined) {
        throw new VerificationError(candidates.length === 0 ? 'KEY_NOT_FOUND' : 'SIGNATURE_INVALID', 'refused');
      }
      return payload;
    },
  };
}

/** Whether jose accepts the signature, and whether it accepts the claims too. */
async function theirs(alg: string, jwt: string) {
  const ring = keyFor(alg);
  const key = ring instanceof Uint8Array ? ring : ring.publicKey;
  const options = { algorithms: [alg] };
  const acceptsSignature = await resolves(compactVerify(jwt, key, options));
  const acceptsClaims = await resolves(
    jwtVerify(jwt, key, {
      ...options,
      issuer: 'https://op.test',
      audience: 'rp1',
      currentDate: new Date(T * 1000),
      clockTolerance: 30,
      maxTokenAge: 600,
      requiredClaims: ['sub', 'exp'],
    }),
  );
  return { acceptsSignature, acceptsClaims };
}

function resolves(promise: Promise<unknown>): Promise<boolean> {
  return promise.then(
    () => true,
    () => false,
  );
}

describe.each(ALGORITHMS)('a JWT by %s', (alg) => {
  it('is accepted if jose accepts it, and no rule that jose has not refuses it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(changedBefore(alg), changedAfter(alg)), async (jwt) => {
        const { acceptsSignature, acceptsClaims } = await theirs(alg, jwt);
        const outcome = await ours(alg, jwt);
        if (outcome === 'accepted') {
          expect([acceptsSignature, acceptsClaims]).toEqual([true, true]);
        } else if (acceptsClaims) {
          const loose = { parts: jwt.split('.'), header: decodeProtectedHeader(jwt), claims: decodeJwt(jwt) };
          expect([outcome, STRICTER[outcome]?.(loose)]).toEqual([outcome, true]);
        } else if (acceptsSignature) {
          expect(['SIGNATURE_INVALID', 'ALG_NOT_ALLOWED']).not.toContain(outcome);
        }
      }),
      { numRuns: 300 },
    );
  });

  const header = JSON.stringify(headerOf(alg));
  const claims = JSON.stringify(CLAIMS);

  it('is accepted by both, with blanks in its JSON too', async () => {
    for (const parts of [
      { header, claims },
      { header: ` ${header}\n`, claims: `\t${claims} ` },
    ]) {
      const jwt = signed(alg, parts);
      expect([await ours(alg, jwt), (await theirs(alg, jwt)).acceptsClaims]).toEqual(['accepted', true]);
    }
  });

  it.each<[string, string, Parts]>([
    ['in padded base64', 'JWT_MALFORMED', { header: `${header}    `, claims, spelling: [padded, padded, padded] }],
    ['with blanks in its base64', 'JWT_MALFORMED', { header, claims, spelling: [same, same, spaced] }],
    ['with critical b64', 'UNSUPPORTED_CRIT', { header: headerWith(alg, { crit: ['b64'], b64: true }), claims }],
    ['with b64', 'UNSUPPORTED_CRIT', { header: headerWith(alg, { b64: true }), claims }],
    ['of another type', 'TYP_MISMATCH', { header: headerWith(alg, { typ: 'at+jwt' }), claims }],
    ['with a deep header', 'JWT_MALFORMED', { header: headerWith(alg, { x: [[[[]]]] }), claims }],
    [
      'longer than its purpose allows',
      'JWT_TOO_LARGE',
      { header, claims: `${claims}${' '.repeat(PURPOSE.maxLength)}` },
    ],
    ['for others too', 'AUD_MISMATCH', { header, claims: JSON.stringify({ ...CLAIMS, aud: ['rp1', 'evil'] }) }],
    ['of another kind', 'UNEXPECTED_CLAIM', { header, claims: JSON.stringify({ ...CLAIMS, events: {} }) }],
  ])('%s is refused as %s, where jose accepts it', async (_what, code, parts) => {
    const jwt = signed(alg, parts);
    expect([await ours(alg, jwt), (await theirs(alg, jwt)).acceptsClaims]).toEqual([code, true]);
  });
});

function headerWith(alg: string, members: object): string {
  return JSON.stringify({ ...headerOf(alg), ...members });
}

describe('the payload that a key signed', () => {
  const right = signed('ES256', { header: headerWith('ES256', {}), claims: JSON.stringify(CLAIMS) });
  const parsed = parseCompactJws(right, 8192);
  it.each<[string, object, string]>([
    ['the form', { compact: 'e30' }, 'JWT_MALFORMED'],
    ['the algorithm', { alg: 'ES384' }, 'ALG_NOT_ALLOWED'],
  ])('is an error where jose reads %s in another way than we did', async (_what, members, code) => {
    const key = await importJWK(keyOf('P-256').jwk, 'ES256');
    expect(Buffer.from((await payloadSignedWith([key], parsed)) ?? '').toString()).toBe(JSON.stringify(CLAIMS));
    await expect(payloadSignedWith([key], { ...parsed, ...members })).rejects.toMatchObject({
      name: 'VerificationError',
      code,
    });
  });

  it.each(ALGORITHMS.filter((alg) => alg !== 'ES256'))('is none for a key that is for %s', async (alg) => {
    const ring = keyFor(alg);
    const key = ring instanceof Uint8Array ? ring : await importJWK(ring.jwk, alg);
    expect(await payloadSignedWith([key], parsed)).toBeUndefined();
  });
});
