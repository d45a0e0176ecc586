import { expect, it } from '@jest/globals';

import { LocalClaimsCache } from '../../lib/token-cache/claims-cache.js';
import { ClaimsSource } from '../../lib/token-cache/claims-source.js';
import { heapUsed } from '../support/heap.js';

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

it('CACHE-09 a hundred thousand tokens take no more memory than those that are kept', async () => {
  const kept = { cache: new LocalClaimsCache(1000), times: { ttl: 30, negativeTtl: 5 } };
  const ask = async (token: string) => (token.endsWith('7') ? undefined : { sub: token, aud: ['https://api.test'] });
  const source = new ClaimsSource(
    { identity: 'rp1', issuer: 'https://op.test', by: 'introspection' },
    ask,
    () => 1_800_000_000_000,
    kept,
  );
  const findAll = async (tokens: readonly string[]) => {
    for (const token of tokens) {
      await source.find(token, {});
    }
  };
  await findAll(keys(20_000, 'first-'));
  const before = heapUsed();
  await findAll(keys(100_000, 'second-'));
  expect(heapUsed() - before).toBeLessThan(2_000_000);
});
