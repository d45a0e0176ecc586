import { expect, it } from '@jest/globals';
import fc from 'fast-check';

import { equalInConstantTime } from '../../lib/jose/constant-time.js';

it.each<[string, string, boolean]>([
  ['', '', true],
  ['state', 'state', true],
  ['state', 'stats', false],
  ['state', 'state1', false],
  ['state1', 'state', false],
  ['state', '', false],
  ['state', 'STATE', false],
  ['state', 'state\0', false],
  ['\u00e9', 'e\u0301', false],
  ['x'.repeat(100_000), 'x'.repeat(99_999), false],
])('INJ-18 MTLS-16 %j and %j are equal: %p, and no length is an error', (left, right, expected) => {
  expect(equalInConstantTime(left, right)).toBe(expected);
});

it('INJ-18 texts are equal when their bytes are', () => {
  const text = fc.string({ unit: 'binary', maxLength: 5 });
  fc.assert(
    fc.property(text, text, (left, right) => {
      expect(equalInConstantTime(left, right)).toBe(Buffer.compare(Buffer.from(left), Buffer.from(right)) === 0);
      expect(equalInConstantTime(left, left)).toBe(true);
    }),
  );
});
