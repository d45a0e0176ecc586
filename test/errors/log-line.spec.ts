import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { AccessTokenError, TransportError, VerificationError } from '../../lib/errors/errors.js';
import { escaped, logLine, quoted } from '../../lib/errors/log-line.js';

describe('an error as a line of a log', () => {
  it('has its code, its sentence and its facts', () => {
    const facts = { url: 'https://op.test/introspect', reason: 'ENOTFOUND', status: 500, wanted: ['a', 'b'] };
    expect(logLine(new TransportError('UPSTREAM_UNAVAILABLE', 'The server can not be reached.', { facts }))).toBe(
      'UPSTREAM_UNAVAILABLE: The server can not be reached. ' +
        'url="https://op.test/introspect" reason="ENOTFOUND" status=500 wanted="a b"',
    );
  });

  it('leaves out a fact that is not there', () => {
    const error = new AccessTokenError('TOKEN_TYPE', 'The token is of another kind.', { facts: { typ: undefined } });
    expect(logLine(error)).toBe('TOKEN_TYPE: The token is of another kind.');
  });

  it('has what caused it, and nothing of what is no error of ours', () => {
    const cause = new VerificationError('EXPIRED', 'The access token is expired.', { cause: new Error('secret') });
    expect(logLine(new AccessTokenError('TOKEN_EXPIRED', 'The token does not verify.', { cause }))).toBe(
      'TOKEN_EXPIRED: The token does not verify. Cause: EXPIRED: The access token is expired.',
    );
  });

  it('shows no fact in JSON', () => {
    const error = new AccessTokenError('TOKEN_TYPE', 'The token is of another kind.', { facts: { typ: 'x' } });
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      name: 'AccessTokenError',
      code: 'TOKEN_TYPE',
      message: 'The token is of another kind.',
    });
  });
});

describe('text of a stranger', () => {
  it.each([
    ['a quotation mark', 'a"b', '"a\\"b"'],
    ['a line end', 'a\r\nb', '"a\\r\\nb"'],
    ['a control sequence of a terminal', '\u001b[2J\u009b2J', '"\\u001b[2J\\u009b2J"'],
    ['a line separator', 'a\u2028b', '"a\\u2028b"'],
    ['a change of direction', 'a\u202eb', '"a\\u202eb"'],
    ['a letter outside of ASCII', 'ä', '"\\u00e4"'],
  ])('is escaped: %s', (_what, text, expected) => expect(quoted(text)).toBe(expected));

  it('is cut after 255 characters', () => expect(quoted('a'.repeat(256))).toBe(`"${'a'.repeat(255)}..."`));
});

describe('a whole line', () => {
  it('is printable ASCII, loses nothing, and stays the same when it is escaped again', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const line = escaped(text);
        expect(line).toMatch(/^[\x20-\x7e]*$/);
        expect(escaped(line)).toBe(line);
        const plain = text.replace(/["\\]/g, '');
        expect(JSON.parse(`"${escaped(plain)}"`)).toBe(plain);
      }),
    );
  });

  it('is not cut', () => expect(escaped('\u001b'.repeat(300))).toBe('\\u001b'.repeat(300)));
});
