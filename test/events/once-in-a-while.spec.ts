import { expect, it } from '@jest/globals';

import { OnceInAWhile } from '../../lib/events/once-in-a-while.js';

it('tells the same trouble once in half a minute', () => {
  let now = 0;
  const often = new OnceInAWhile(() => now);
  expect([often.isDue('a'), often.isDue('a'), often.isDue('b')]).toEqual([true, false, true]);
  now = 29_999;
  expect(often.isDue('a')).toBe(false);
  now = 30_000;
  expect(often.isDue('a')).toBe(true);
});

it('tells a hundred kinds apart, and of all others one', () => {
  let now = 0;
  const often = new OnceInAWhile(() => now);
  const tell = (from: number) => Array.from({ length: 1000 }, (_, index) => often.isDue(`${from + index}`));
  expect(tell(0).filter(Boolean)).toHaveLength(101);
  expect(tell(1000).filter(Boolean)).toHaveLength(0);
  now = 30_000;
  expect(tell(2000).filter(Boolean)).toHaveLength(101);
});

it('a clock that is set back keeps nothing quiet', () => {
  let now = 60_000;
  const often = new OnceInAWhile(() => now);
  expect(often.isDue('a')).toBe(true);
  now = 0;
  expect(often.isDue('a')).toBe(true);
});
