import { describe, expect, it } from '@jest/globals';
import { compactDecrypt } from 'jose';
import fc from 'fast-check';

import { VerificationError } from '../../lib/errors/errors.js';
import { parseCompactJwe } from '../../lib/jose/compact-jwe.js';

/** Bytes of plaintext. */
const LONGEST = 8192;

const b64 = (value: string | Uint8Array) => Buffer.from(value).toString('base64url');

/** `parsed`, or the code; anything but a `VerificationError` is thrown on. */
function outcome(compact: string): string {
  try {
    parseCompactJwe(compact, LONGEST);
    return 'parsed';
  } catch (error) {
    if (error instanceof VerificationError) {
      return error.code;
    }
    throw error;
  }
}

const HEADER = { alg: 'RSA-OAEP-256', enc: 'A256GCM' };
const header = b64(JSON.stringify(HEADER));
const withHeader = (value: object | string) =>
  `${b64(typeof value === 'string' ? value : JSON.stringify(value))}.AA.AA.AA.AA`;

describe('a compact JWE', () => {
  it('is read into its parts', () => {
    const compact = withHeader({ ...HEADER, kid: 'k' });
    expect(parseCompactJwe(compact, LONGEST)).toEqual({
      compact,
      header: { alg: 'RSA-OAEP-256', enc: 'A256GCM', kid: 'k' },
      alg: 'RSA-OAEP-256',
      enc: 'A256GCM',
      kid: 'k',
    });
  });

  it.each<[string, string]>([
    ['without an encrypted key', `${header}..AA.AA.AA`],
    ['with an ephemeral key', withHeader({ ...HEADER, epk: { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA' } })],
    ['with the last of two members of one name', withHeader('{"alg":1,"alg":"dir","enc":"A256GCM"}')],
  ])('%s is read', (_what, compact) => {
    expect(outcome(compact)).toBe('parsed');
  });

  const MEMBERS = fc.constantFrom('alg', 'enc', 'kid', 'crit', 'b64', 'zip', 'cty', 'epk', 'p2c', '__proto__');
  const AROUND = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc
      .array(fc.oneof(fc.base64String(), fc.uint8Array().map(b64), fc.json().map(b64), fc.constant(header)), {
        maxLength: 7,
      })
      .map((parts) => parts.join('.')),
    fc.dictionary(MEMBERS, fc.oneof(fc.jsonValue(), fc.constantFrom('dir', 'A256GCM'))).map(withHeader),
  );

  it('is refused by its code, whatever the text', () => {
    const codes = [
      'parsed',
      'JWT_MALFORMED',
      'JWT_TOO_LARGE',
      'ENCRYPTION_REQUIRED',
      'UNSUPPORTED_CRIT',
      'ALG_NOT_ALLOWED',
    ];
    fc.assert(
      fc.property(AROUND, (text) => {
        expect(codes).toContain(outcome(text));
      }),
      { numRuns: 2000 },
    );
  });

  it('is read as jose reads it', async () => {
    const headers = fc.record(
      {
        alg: fc.constantFrom('dir', 'A128KW'),
        enc: fc.constant('A256GCM'),
        kid: fc.string(),
        epk: fc.dictionary(fc.constantFrom('kty', 'crv', 'x'), fc.string({ unit: 'binary' })),
      },
      { requiredKeys: ['alg', 'enc'] },
    );
    await fc.assert(
      fc.asyncProperty(headers, async (value) => {
        const compact = withHeader(value);
        const ours = parseCompactJwe(compact, LONGEST);
        let theirs: unknown;
        const key = (read: unknown) => {
          theirs = read;
          throw new Error('read');
        };
        await expect(compactDecrypt(compact, key)).rejects.toThrow('read');
        expect(ours.header).toEqual(theirs);
      }),
    );
  });

  it.each<[string, string]>([
    ['empty', ''],
    ['of dots', '....'],
    ['of many dots', '.'.repeat(LONGEST)],
    ['of two parts', `${header}.AA`],
    ['of four parts', `${header}.AA.AA.AA`],
    ['of six parts', `${header}.AA.AA.AA.AA.AA`],
    ['without a header', '.AA.AA.AA.AA'],
    ['without an IV', `${header}.AA..AA.AA`],
    ['without a ciphertext', `${header}.AA.AA..AA`],
    ['without a tag', `${header}.AA.AA.AA.`],
    ['with a space before it', ` ${header}.AA.AA.AA.AA`],
    ['with a line break behind it', `${header}.AA.AA.AA.AA\n`],
    ['in base64 with padding', `${header}.AA.AA.AA==.AA`],
    ['in base64 of another alphabet', `${header}.A+.AA.AA.AA`],
    ['with a bit over in its IV', `${header}.AA.AB.AA.AA`],
    ['with a bit over in its tag', `${header}.AA.AA.AA.AB`],
    ['of JSON', '{"protected":"e30","ciphertext":"AA"}'],
    ['with a header nested too deep', withHeader('{"alg":"dir","enc":"A256GCM","x":[[[[]]]]}')],
    ['whose header has a comma too many', withHeader('{"alg":"dir","enc":"A256GCM",}')],
    ['with alg a list', withHeader({ alg: ['dir'], enc: 'A256GCM' })],
    ['without enc', withHeader({ alg: 'dir' })],
    ['with enc null', withHeader({ alg: 'dir', enc: null })],
    ['with kid a number', withHeader({ ...HEADER, kid: 1 })],
    ['with enc only in its prototype', withHeader('{"alg":"dir","__proto__":{"enc":"A256GCM"}}')],
  ])('%s is malformed', (_what, compact) => {
    expect(outcome(compact)).toBe('JWT_MALFORMED');
  });

  it.each<[string, string, string]>([
    ['that is only signed', `${header}.e30.AA`, 'ENCRYPTION_REQUIRED'],
    ['with crit', withHeader({ ...HEADER, crit: ['exp'], exp: 1 }), 'UNSUPPORTED_CRIT'],
    ['with an empty crit', withHeader({ ...HEADER, crit: [] }), 'UNSUPPORTED_CRIT'],
    ['that is compressed', withHeader({ ...HEADER, zip: 'DEF' }), 'ALG_NOT_ALLOWED'],
    ['that names no compression', withHeader({ ...HEADER, zip: null }), 'ALG_NOT_ALLOWED'],
    ['with a header of 4,097 characters', `${'A'.repeat(4097)}.AA.AA.AA.AA`, 'JWT_TOO_LARGE'],
  ])('%s is refused', (_what, compact, code) => {
    expect(outcome(compact)).toBe(code);
  });

  it('longer than its limit is refused before anything is decoded', () => {
    // 8,192 bytes are 10,923 characters, and 8,192 more may stand around them.
    const longest = 19_115;
    const ciphertext = longest - `${header}.AA.AA..AA`.length;
    const padded = (length: number) => `${header}.AA.AA.${'A'.repeat(length)}.AA`;
    expect(padded(ciphertext)).toHaveLength(longest);
    expect([outcome(padded(ciphertext)), outcome(padded(ciphertext + 4))]).toEqual(['parsed', 'JWT_TOO_LARGE']);
    expect(outcome('!'.repeat(longest + 1))).toBe('JWT_TOO_LARGE');
  });
});
