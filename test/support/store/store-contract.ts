import { expect, it } from '@jest/globals';
import fc from 'fast-check';

import type { OidcStore } from '../../../lib/index.js';

/** What every store has to do. */
export function keepsTheContract(store: () => OidcStore): void {
  it('gives what was set, until it is deleted', async () => {
    expect(await store().get('a')).toBeUndefined();
    await store().set('a', 'one', 10_000);
    await store().set('a', 'two', 10_000);
    expect(await store().get('a')).toBe('two');
    await store().delete('a');
    await store().delete('a');
    expect(await store().get('a')).toBeUndefined();
  });

  it('lets exactly one of many claim a key', async () => {
    const claims = await Promise.all(Array.from({ length: 20 }, (_, i) => store().claim('b', String(i), 10_000)));
    expect(claims.filter(Boolean)).toHaveLength(1);
    expect(await store().get('b')).toBe(String(claims.indexOf(true)));
    expect(await store().claim('b', 'late', 10_000)).toBe(false);
  });

  it('gives what is taken to exactly one of many', async () => {
    await store().set('c', 'once', 10_000);
    const taken = await Promise.all(Array.from({ length: 20 }, () => store().take('c')));
    expect(taken.filter((value) => value !== undefined)).toEqual(['once']);
    expect(await store().get('c')).toBeUndefined();
  });

  it('keeps any key and any value as they are', async () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(text, text, async (key, value) => {
        await store().set(`any ${key}`, value, 10_000);
        expect(await store().get(`any ${key}`)).toBe(value);
      }),
      { numRuns: 50 },
    );
  });
}
