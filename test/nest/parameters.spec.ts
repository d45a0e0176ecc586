import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { collectParameters, parseParameters, singleParameter } from '../../lib/nest/parameters.js';

const entries = (raw: string) => Object.fromEntries(parseParameters(raw));

function codeOf(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    return Reflect.get(Object(error), 'code');
  }
}

describe('parseParameters', () => {
  it('reads a query as RFC 6749 has it', () => {
    expect(entries('code=a%2Fb+c&state=s%20t&iss=https%3A%2F%2Fop.test')).toEqual({
      code: 'a/b c',
      state: 's t',
      iss: 'https://op.test',
    });
    expect(entries('')).toEqual({});
    expect(entries('&&code=a&')).toEqual({ code: 'a' });
    expect(entries('code=a=b')).toEqual({ code: 'a=b' });
  });

  it('AUTHZ-05 an empty value is an absent one', () => {
    expect(entries('code=abc&state=')).toEqual({ code: 'abc' });
    expect(entries('code=abc&state')).toEqual({ code: 'abc' });
  });

  it('AUTHZ-06 refuses a parameter that comes twice, also where one is empty', () => {
    for (const raw of ['code=a&code=b', 'code=a&code=a', 'state=&state=x', 'x=1&code=a&x=2', 'code=a&c%6Fde=b']) {
      expect(codeOf(() => parseParameters(raw))).toBe('DUPLICATE_PARAMETER');
    }
  });

  it('AUTHZ-08 refuses what other parsers make arrays and objects of', () => {
    for (const raw of ['code[]=a', 'code[x]=a', 'state[$ne]=1', 'code%5B%5D=a', 'a]=1']) {
      expect(codeOf(() => parseParameters(raw))).toBe('INVALID_PARAMETER');
    }
  });

  it('AUTHZ-28 takes values up to 4 KB', () => {
    expect(entries(`code=${'c'.repeat(4096)}`).code).toHaveLength(4096);
    expect(codeOf(() => parseParameters(`code=${'c'.repeat(4097)}`))).toBe('INVALID_PARAMETER');
    expect(codeOf(() => parseParameters(`state=${'s'.repeat(8192)}`))).toBe('INVALID_PARAMETER');
    expect(codeOf(() => parseParameters(`${'n'.repeat(129)}=a`))).toBe('INVALID_PARAMETER');
  });

  it('AUTHZ-29 refuses control characters and broken encoding, and decodes once', () => {
    for (const raw of [
      'code=%00%01',
      'code=a%0d%0ab',
      'a%00=b',
      'code=%7f',
      'code=%c2%85',
      'code=%',
      'code=%zz',
      '%=a',
    ]) {
      expect(codeOf(() => parseParameters(raw))).toBe('INVALID_PARAMETER');
    }
    expect(codeOf(() => parseParameters('code=%ff'))).toBe('INVALID_PARAMETER');
    expect(entries('code=%2500')).toEqual({ code: '%00' });
  });

  it('refuses more than 64 parameters', () => {
    const many = (count: number) => Array.from({ length: count }, (_, index) => `p${index}=1`).join('&');
    expect(parseParameters(many(64)).size).toBe(64);
    expect(codeOf(() => parseParameters(many(65)))).toBe('INVALID_PARAMETER');
  });

  it('a name that objects have of themselves is a name like any other', () => {
    expect([...parseParameters('__proto__=x&constructor=y')]).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]);
    expect(Reflect.get({}, 'x')).toBeUndefined();
  });

  it('whatever comes, it is a typed refusal or parameters without doubt', () => {
    const nasty = fc.string({
      unit: fc.constantFrom('a', 'b', '=', '&', '%', '[', ']', '+', '0', '2', 'f', '\n', 'é'),
    });
    fc.assert(
      fc.property(nasty, (raw) => {
        const outcome = codeOf(() => parseParameters(raw));
        if (!(outcome instanceof Map)) {
          expect(['DUPLICATE_PARAMETER', 'INVALID_PARAMETER']).toContain(outcome);
          return;
        }
        for (const [name, value] of outcome) {
          expect(new URLSearchParams(raw).getAll(name)).toEqual([value]);
          expect(name).not.toMatch(/[[\]\n]/);
          expect(value).not.toMatch(/\n/);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('reads back what URLSearchParams writes', () => {
    const text = fc.stringMatching(/^[\x20-\x5a\x5c\x5e-\x7e]{1,40}$/);
    fc.assert(
      fc.property(fc.dictionary(text, text, { maxKeys: 20 }), (parameters) => {
        expect(entries(new URLSearchParams(parameters).toString())).toEqual({ ...parameters });
      }),
      { numRuns: 200 },
    );
  });
});

describe('collectParameters', () => {
  it('AUTHZ-08 refuses the arrays and objects of a body that was already parsed', () => {
    expect(codeOf(() => collectParameters([['code', ['a', 'b']]]))).toBe('DUPLICATE_PARAMETER');
    expect(codeOf(() => collectParameters([['state', { $ne: '1' }]]))).toBe('INVALID_PARAMETER');
    expect(codeOf(() => collectParameters([['code', 1]]))).toBe('INVALID_PARAMETER');
    expect(codeOf(() => collectParameters([['code[]', 'a']]))).toBe('INVALID_PARAMETER');
  });
});

describe('singleParameter', () => {
  it('REDIR-18 gives nothing for a parameter that comes twice or as an object', () => {
    expect(singleParameter('returnTo=/a&x=1', 'returnTo')).toBe('/a');
    expect(singleParameter('returnTo=/a&returnTo=//evil', 'returnTo')).toBeUndefined();
    expect(singleParameter('returnTo[x]=/a', 'returnTo')).toBeUndefined();
    expect(singleParameter('', 'returnTo')).toBeUndefined();
  });

  it('REDIR-26 never fails', () => {
    expect(singleParameter('returnTo=%', 'returnTo')).toBeUndefined();
    expect(singleParameter('%=%&%zz&returnTo=/ok', 'returnTo')).toBe('/ok');
    fc.assert(
      fc.property(fc.string(), (raw) => {
        const value = singleParameter(raw, 'returnTo');
        expect(value === undefined || typeof value === 'string').toBe(true);
      }),
    );
  });
});
