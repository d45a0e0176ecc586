import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { parseJsonObject } from '../../lib/values/json.js';
import { expectWithin } from '../support/within.js';

const bytes = (text: string) => new TextEncoder().encode(text);
const parse = (text: string, depth = 32) => parseJsonObject(bytes(text), depth);
const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;

describe('JSON is refused', () => {
  it.each<[string, Uint8Array, string]>([
    ['INJ-06 10,000 levels deep', bytes(nested(10_000)), 'JSON_TOO_DEEP'],
    ['INJ-06 33 levels deep', bytes(nested(33)), 'JSON_TOO_DEEP'],
    ['INJ-06 deep in lists', bytes(`{"a":${'['.repeat(40)}${']'.repeat(40)}}`), 'JSON_TOO_DEEP'],
    ['INJ-08 with a byte that is no UTF-8', Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d), 'INVALID_UTF8'],
    ['with half a character', Uint8Array.of(0x7b, 0xc3, 0x7d), 'INVALID_UTF8'],
    ['cut off', bytes('{"a":'), 'INVALID_JSON'],
    ['empty', bytes(''), 'INVALID_JSON'],
    ['as a list', bytes('[]'), 'INVALID_JSON'],
    ['as null', bytes('null'), 'INVALID_JSON'],
    ['as text', bytes('"x"'), 'INVALID_JSON'],
    ['with NaN', bytes('{"a":NaN}'), 'INVALID_JSON'],
    ['with something behind it', bytes('{} x'), 'INVALID_JSON'],
  ])('%s', (_what, text, code) => {
    expect(() => parseJsonObject(text, 32)).toThrow(expect.objectContaining({ name: 'ResponseError', code }));
  });

  it('INJ-07 with 60,000 members, in no time', async () => {
    const text = `{${Array.from({ length: 60_000 }, (_, index) => `"${index}":1`).join()}}`;
    expect(text.length).toBeLessThan(524_288 * 2);
    await expectWithin(100, () =>
      expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'TOO_MANY_MEMBERS' })),
    );
  });

  it('INJ-07 with 257 members, and not with 256', () => {
    const of = (count: number) => `{${Array.from({ length: count }, (_, index) => `"m${index}":1`).join()}}`;
    expect(Object.keys(parse(of(256)))).toHaveLength(256);
    expect(() => parse(of(257))).toThrow(expect.objectContaining({ code: 'TOO_MANY_MEMBERS' }));
  });
});

describe('JSON is read', () => {
  it('up to the depth that is allowed, brackets in strings aside', () => {
    expect(parse(nested(32))).toHaveProperty('a');
    expect(parse(`{"a":"${'['.repeat(1000)}\\"${'{'.repeat(1000)}"}`)).toHaveProperty('a');
  });

  it('with a byte order mark', () => {
    expect(parse('\ufeff{"a":1}')).toEqual({ a: 1 });
  });

  it.each(['__proto__', '\\u005f_proto__', '__prot\\u006f__', '\\u005F\\u005Fproto__'])(
    'without any member called %s, at any depth',
    (name) => {
      const value = parse(`{"${name}":{"polluted":true},"a":{"b":[{"${name}":1,"c":2}]}}`);
      expect(JSON.stringify(value)).toBe('{"a":{"b":[{"c":2}]}}');
      expect(Object.assign({}, value)).toEqual({ a: { b: [{ c: 2 }] } });
      expect(Reflect.get({}, 'polluted')).toBeUndefined();
    },
  );

  it('as JSON.parse reads it, whatever it is', () => {
    const safe = fc.jsonValue({ maxDepth: 5 }).filter((value) => !JSON.stringify(value).includes('__proto__'));
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.string().filter((name) => name !== '__proto__'),
          safe,
          { maxKeys: 20 },
        ),
        (value) => {
          const text = JSON.stringify(value);
          expect(parse(text)).toEqual(JSON.parse(text));
        },
      ),
    );
  });

  it('or ends in a ResponseError, whatever the bytes are', () => {
    const pieces = fc.constantFrom('{', '}', '[', ']', '"', '\\', ':', ',', '1', 'null', '__proto__', '\\u', ' ', 'é');
    const texts = fc.oneof(
      fc.array(pieces).map((parts) => bytes(parts.join(''))),
      fc.uint8Array(),
      fc.json().map(bytes),
    );
    fc.assert(
      fc.property(texts, (text) => {
        try {
          expect(typeof parseJsonObject(text, 8)).toBe('object');
        } catch (error) {
          expect(error).toMatchObject({ name: 'ResponseError' });
        }
      }),
      { numRuns: 1000 },
    );
  });
});
