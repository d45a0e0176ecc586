import { expect, it } from '@jest/globals';

import { LocalClaimsCache } from '../../lib/resource-server/claims-cache.js';

const keys = (count: number, prefix: string) => Array.from({ length: count }, (_, index) => `${prefix}${index}`);

it('CACHE-09 CACHE-04 however many tokens come, it keeps as many as it may, and those that are not active beside them', () => {
  const cache = new LocalClaimsCache(1000);
  const kept = (prefix: string) =>
    keys(100_000, prefix)
      .filter((key) => cache.get(key) !== undefined)
      .map((key) => Number(key.slice(1)));
  for (const key of keys(100_000, 'a')) {
    cache.set({ key }, { claims: { sub: key }, askedAt: 0 });
  }
  for (const key of keys(100_000, 'i')) {
    cache.set({ key }, { claims: undefined, askedAt: 0 });
  }
  expect(kept('a')).toEqual(Array.from({ length: 1000 }, (_, index) => 99_000 + index));
  expect(kept('i')).toEqual(Array.from({ length: 100 }, (_, index) => 99_900 + index));
});
