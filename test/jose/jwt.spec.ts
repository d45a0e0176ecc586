import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { Clock } from '../../lib/clock/clock.js';
import { audiencesOf, verifyJwt } from '../../lib/jose/jwt.js';
import { ID_TOKEN, INTROSPECTION, USERINFO, type Purpose } from '../../lib/jose/purpose.js';
import { jws, type Jwk } from '../../lib/testing/provider/keys.js';
import { T } from '../support/clock.js';

interface Held {
  readonly audience?: readonly string[];
  readonly skew?: number;
  readonly tolerance?: number;
  readonly header?: Jwk;
}

/** What becomes of unsigned claims: `verified`, or the code. Signatures have their own tests. */
async function outcome(
  purpose: Purpose,
  claims: object,
  { audience = ['rp1'], skew = 0, tolerance = 30, header = {} }: Held = {},
): Promise<string> {
  const [type] = purpose.types;
  const jwt = jws({ alg: 'none', ...(type !== undefined && { typ: type }), ...header }, claims, undefined);
  return verifyJwt(jwt, purpose, {
    issuer: 'https://op.test',
    audience,
    algorithms: ['none'],
    clock: new Clock(() => T * 1000 + 999, skew, tolerance),
    keys: () => {
      throw new Error('An unsecured JWT has no key.');
    },
  }).then(
    () => 'verified',
    (error: unknown) => Object(error).code,
  );
}

const CLAIMS = { iss: 'https://op.test', sub: 'alice', aud: 'rp1', iat: T, exp: T + 60 };

describe('the audience of a JWT', () => {
  it('is all ours, where every value has to be', async () => {
    const purpose: Purpose = { ...ID_TOKEN, audience: 'every' };
    const name: fc.Arbitrary<string> = fc.constantFrom('rp1', 'api', 'evil', 'RP1', '');
    const aud = fc.oneof(name, fc.array(fc.oneof({ weight: 9, arbitrary: name }, fc.jsonValue())), fc.jsonValue());
    await fc.assert(
      fc.asyncProperty(aud, fc.uniqueArray(name), async (value, audience) => {
        let isRight = true;
        let values = 0;
        for (const one of Array.isArray(value) ? value : [value]) {
          values += 1;
          isRight &&= typeof one === 'string' && audience.indexOf(one) >= 0;
        }
        const expected = isRight && values > 0 ? 'verified' : 'AUD_MISMATCH';
        expect(await outcome(purpose, { ...CLAIMS, aud: value }, { audience })).toBe(expected);
      }),
      { numRuns: 500 },
    );
  });

  it.each<[unknown, readonly string[]]>([
    ['rp1', ['rp1']],
    [
      ['rp1', 'rp2'],
      ['rp1', 'rp2'],
    ],
    [['rp1', 2], []],
    [[], []],
    [undefined, []],
    [null, []],
    [7, []],
    [{ rp1: 1 }, []],
  ])('%j has the values %j', (aud, values) => {
    expect(audiencesOf(aud === undefined ? undefined : JSON.parse(JSON.stringify(aud)))).toEqual(values);
  });
});

describe('the times of a JWT', () => {
  const near = (around: number) => fc.integer({ min: -700, max: 700 }).map((seconds) => around + seconds);
  const fraction = fc.constantFrom(0, 0, 0.25, 0.5, 0.999);
  const time = fc.option(
    fc.tuple(near(T), fraction).map(([seconds, part]) => seconds + part),
    { nil: undefined },
  );

  it('are held against a clock with its skew and tolerance', async () => {
    const skews = fc.integer({ min: -400, max: 400 });
    const tolerances = fc.integer({ min: 0, max: 300 });
    const times = fc.record({ exp: time, nbf: time, iat: time });
    const purpose: Purpose = { ...ID_TOKEN, required: [] };
    await fc.assert(
      fc.asyncProperty(times, skews, tolerances, async ({ exp, nbf, iat }, skew, tolerance) => {
        const now = T + skew;
        let expected = 'verified';
        if (iat !== undefined && iat + 600 + tolerance < now) expected = 'TOO_OLD';
        if (iat !== undefined && iat - tolerance > now) expected = 'NOT_YET_VALID';
        if (nbf !== undefined && nbf - tolerance > now) expected = 'NOT_YET_VALID';
        if (exp !== undefined && exp + tolerance <= now) expected = 'EXPIRED';
        const { exp: _, ...claims } = CLAIMS;
        expect(await outcome(purpose, { ...claims, exp, nbf, iat }, { skew, tolerance })).toBe(expected);
      }),
      { numRuns: 2000 },
    );
  });

  it('that are no NumericDate are refused', async () => {
    const isDate = (value: unknown) => typeof value === 'number' && value >= 0 && value <= 8.64e12;
    const names = fc.constantFrom('exp', 'nbf', 'iat');
    await fc.assert(
      fc.asyncProperty(names, fc.oneof(fc.jsonValue(), fc.double(), fc.integer()), async (name, value) => {
        fc.pre(!isDate(JSON.parse(JSON.stringify(value))));
        // What JSON has no word for is written as null.
        expect(await outcome(ID_TOKEN, { ...CLAIMS, [name]: value })).toBe('CLAIM_INVALID');
      }),
    );
  });
});

describe('the purpose of a JWT', () => {
  const KINDS: Readonly<Record<string, { readonly purpose: Purpose; readonly header: Jwk; readonly claims: object }>> =
    {
      'ID token': { purpose: ID_TOKEN, header: {}, claims: { ...CLAIMS, nonce: 'n', at_hash: 'h' } },
      'userinfo response': {
        purpose: USERINFO,
        header: {},
        claims: { iss: CLAIMS.iss, aud: CLAIMS.aud, sub: 'alice', name: 'Alice' },
      },
      'introspection response': {
        purpose: INTROSPECTION,
        header: { typ: 'token-introspection+jwt' },
        claims: { iss: CLAIMS.iss, aud: CLAIMS.aud, iat: T, token_introspection: { active: true } },
      },
      'authorization response': {
        purpose: ID_TOKEN,
        header: {},
        claims: { iss: CLAIMS.iss, aud: CLAIMS.aud, exp: T + 60, code: 'c', state: 's' },
      },
      'logout token': {
        purpose: ID_TOKEN,
        header: { typ: 'logout+jwt' },
        claims: { ...CLAIMS, sid: 's', jti: 'j', events: {} },
      },
      'logout token without a type': {
        purpose: ID_TOKEN,
        header: {},
        claims: { ...CLAIMS, sid: 's', jti: 'j', events: {} },
      },
      'access token': {
        purpose: ID_TOKEN,
        header: { typ: 'at+jwt' },
        claims: { ...CLAIMS, client_id: 'rp1', scope: 'openid' },
      },
      'DPoP proof': {
        purpose: ID_TOKEN,
        header: { typ: 'dpop+jwt' },
        claims: { htm: 'GET', htu: 'https://api.test/', iat: T, jti: 'j' },
      },
    };

  const PURPOSES: Readonly<Record<string, Purpose>> = {
    'ID token': ID_TOKEN,
    'userinfo response': USERINFO,
    'introspection response': INTROSPECTION,
  };

  it.each(Object.keys(PURPOSES))('IDT-37 IDT-38 IDT-39 of an %s is no other kind’s', async (name) => {
    for (const [kind, { header, claims }] of Object.entries(KINDS)) {
      const purpose = PURPOSES[name]!;
      const result = await outcome(purpose, claims, { header: { typ: undefined, ...header } });
      expect([kind, result === 'verified']).toEqual([kind, kind === name]);
    }
  });

  it('is said in the error, and no value of the JWT', async () => {
    const jwt = jws({ alg: 'none' }, { ...CLAIMS, iss: 'https://evil.test' }, undefined);
    const expected = {
      issuer: 'https://op.test',
      audience: ['rp1'],
      algorithms: ['none'],
      clock: new Clock(() => T * 1000, 0, 30),
    };
    const error: unknown = await verifyJwt(jwt, ID_TOKEN, {
      ...expected,
      keys: () => ({ verify: async () => new Uint8Array() }),
    }).catch((thrown: unknown) => thrown);
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      name: 'VerificationError',
      code: 'ISS_MISMATCH',
      message: 'The ID token names another issuer.',
    });
  });
});
