import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { Clock } from '../../lib/clock/clock.js';
import { VerificationError } from '../../lib/errors/errors.js';
import { keepHeader, parseCompactJws, payloadSignedWith } from '../../lib/jose/compact-jws.js';
import { verifyJwt } from '../../lib/jose/jwt.js';
import { KeySet } from '../../lib/jose/key-set.js';
import { ID_TOKEN } from '../../lib/jose/purpose.js';
import { jws, keyOf } from '../../lib/testing/provider/keys.js';
import { T } from '../support/clock.js';

const MAX_LENGTH = 8192;

const b64 = (value: string | Uint8Array) => Buffer.from(value).toString('base64url');

/** `parsed`, or the code; anything but a `VerificationError` is thrown on. */
function outcome(compact: string): string {
  try {
    parseCompactJws(compact, MAX_LENGTH);
    return 'parsed';
  } catch (error) {
    if (error instanceof VerificationError) {
      return error.code;
    }
    throw error;
  }
}

describe('a compact JWS', () => {
  const header = b64('{"alg":"ES256"}');

  it('is read into its parts', () => {
    expect(parseCompactJws(`${b64('{"alg":"ES256","kid":"k","typ":"JWT"}')}.e30.AA`, MAX_LENGTH)).toEqual({
      compact: 'eyJhbGciOiJFUzI1NiIsImtpZCI6ImsiLCJ0eXAiOiJKV1QifQ.e30.AA',
      protectedHeader: 'eyJhbGciOiJFUzI1NiIsImtpZCI6ImsiLCJ0eXAiOiJKV1QifQ',
      header: { alg: 'ES256', kid: 'k', typ: 'JWT' },
      alg: 'ES256',
      kid: 'k',
      payload: 'e30',
      signature: 'AA',
    });
  });

  const AROUND = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc
      .array(fc.oneof(fc.base64String(), fc.uint8Array().map(b64), fc.json().map(b64), fc.constant(header)), {
        maxLength: 7,
      })
      .map((parts) => parts.join('.')),
    fc
      .dictionary(fc.constantFrom('alg', 'kid', 'crit', 'b64', 'typ', '__proto__', 'constructor'), fc.jsonValue())
      .map((value) => `${b64(JSON.stringify(value))}.e30.`),
  );

  it('is refused by its code, whatever the text', () => {
    const codes = ['parsed', 'JWT_MALFORMED', 'JWT_TOO_LARGE', 'UNEXPECTED_JWE', 'UNSUPPORTED_CRIT'];
    fc.assert(
      fc.property(AROUND, (text) => {
        expect(codes).toContain(outcome(text));
      }),
      { numRuns: 2000 },
    );
  });

  it.each<[string, string]>([
    ['empty', ''],
    ['of dots', '..'],
    ['of many dots', '.'.repeat(MAX_LENGTH)],
    ['without payload', `${header}..AA`],
    ['without header', '.e30.AA'],
    ['with a space before it', ` ${header}.e30.AA`],
    ['with a line break behind it', `${header}.e30.AA\n`],
    ['in base64 with padding', `${header}.e30=.AA`],
    ['in base64 of another alphabet', `${header}.e30.A+`],
    ['in base64 of a length that can not be', `${header}.e30.AAAAA`],
    ['with NUL', `${header}.e30.AA\0`],
    ['with a header nested too deep', `${b64('{"alg":"ES256","x":[[[[]]]]}')}.e30.AA`],
    ['whose header has a comma too many', `${b64('{"alg":"ES256",}')}.e30.AA`],
    ['with alg a list', `${b64('{"alg":["ES256"]}')}.e30.AA`],
    ['with alg only in its prototype', `${b64('{"__proto__":{"alg":"ES256"}}')}.e30.AA`],
    ['with kid null', `${b64('{"alg":"ES256","kid":null}')}.e30.AA`],
  ])('%s is malformed', (_what, compact) => {
    expect(outcome(compact)).toBe('JWT_MALFORMED');
  });

  it('longer than its limit is refused before anything is decoded', () => {
    const [shortest, longest] = [`${header}.e30.`.length, MAX_LENGTH];
    expect(outcome(`${header}.e30.${'A'.repeat(longest - shortest)}`)).toBe('parsed');
    expect(outcome(`${header}.e30.${'A'.repeat(longest - shortest + 1)}`)).toBe('JWT_TOO_LARGE');
    expect(outcome('!'.repeat(longest + 1))).toBe('JWT_TOO_LARGE');
  });

  it('has one spelling for its bytes', () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 70 }), (bytes) => {
        const right = b64(bytes);
        const others = [...alphabet].map((last) => right.slice(0, -1) + last);
        const same = others.filter((other) => Buffer.from(other, 'base64url').equals(bytes));
        expect(same.filter((spelling) => outcome(`${header}.e30.${spelling}`) === 'parsed')).toEqual([right]);
        expect(same.filter((spelling) => outcome(`${header}.${spelling}.AA`) === 'parsed')).toEqual([right]);
      }),
    );
  });
});

describe('a header', () => {
  const withKid = (kid: string) => parseCompactJws(`${b64(JSON.stringify({ alg: 'ES256', kid }))}.e30.AA`, MAX_LENGTH);
  const isKept = (kid: string) => withKid(kid).header === withKid(kid).header;

  it('is parsed anew unless it is kept', () => {
    expect(isKept('one')).toBe(false);
    keepHeader(withKid('one'));
    expect([isKept('one'), isKept('another')]).toEqual([true, false]);
    expect(withKid('one')).toMatchObject({ header: { alg: 'ES256', kid: 'one' }, alg: 'ES256', kid: 'one' });
  });

  it('is not kept if it is longer than 1,024 characters', () => {
    const [longest, longer] = ['k'.repeat(744), 'k'.repeat(745)];
    [longest, longer].map(withKid).forEach(keepHeader);
    expect([longest, longer].map((kid) => withKid(kid).protectedHeader.length)).toEqual([1024, 1026]);
    expect([isKept(longest), isKept(longer)]).toEqual([true, false]);
  });

  it('is dropped for the hundredth one after it', () => {
    const kids = Array.from({ length: 101 }, (_none, index) => `k${index}`);
    kids.map(withKid).forEach(keepHeader);
    expect(kids.filter((kid) => !isKept(kid))).toEqual(['k0']);
  });
});

describe('one character of an ID token', () => {
  const key = keyOf('P-256');
  const claims = { iss: 'https://op.test', sub: 'alice', aud: 'rp1', iat: T, exp: T + 60 };
  const token = jws({ alg: 'ES256', kid: key.kid }, claims, key);
  const set = KeySet.parse(JSON.parse(JSON.stringify({ keys: [key.jwk] })));

  const verify = (jwt: string) =>
    verifyJwt(jwt, ID_TOKEN, {
      issuer: 'https://op.test',
      audience: ['rp1'],
      algorithms: ['ES256', 'RS256'],
      clock: new Clock(() => T * 1000, 0, 30),
      keys: () => ({
        verify: async (parsed) => {
          const payload = await payloadSignedWith(await set.candidates(parsed), parsed);
          if (payload === undefined) {
            throw new VerificationError('SIGNATURE_INVALID', 'refused');
          }
          return payload;
        },
      }),
    });

  const refused = async (jwt: string) => {
    const error: unknown = await verify(jwt).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(VerificationError);
  };

  const CHARACTERS = [...'ABCDabcd0189-_.=+/ \n', '\0', 'é', '🙂'];

  it('is what makes it verify', async () => {
    expect((await verify(token)).claims).toEqual(claims);
    const places = fc.tuple(fc.nat(token.length - 1), fc.constantFrom(...CHARACTERS));
    await fc.assert(
      fc.asyncProperty(places, async ([at, character]) => {
        fc.pre(token[at] !== character);
        await refused(token.slice(0, at) + character + token.slice(at + 1));
        await refused(token.slice(0, at) + token.slice(at + 1));
        await refused(token.slice(0, at) + character + token.slice(at));
      }),
      { numRuns: 300 },
    );
  });

  it('is what makes it verify, at every place', async () => {
    for (let at = 0; at < token.length; at += 1) {
      const other = token[at] === 'A' ? 'B' : 'A';
      await refused(token.slice(0, at) + other + token.slice(at + 1));
    }
  });
});
