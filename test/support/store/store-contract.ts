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

  it('replaces the value that is expected, for exactly one of many', async () => {
    expect(await store().replace('d', 'one', 'two', 10_000)).toBe(false);
    expect(await store().get('d')).toBeUndefined();
    await store().set('d', 'one', 10_000);
    const replaced = await Promise.all(
      Array.from({ length: 20 }, (_, i) => store().replace('d', 'one', `two ${i}`, 10_000)),
    );
    expect(replaced.filter(Boolean)).toHaveLength(1);
    expect(await store().get('d')).toBe(`two ${replaced.indexOf(true)}`);
    expect(await store().replace('d', 'one', 'three', 10_000)).toBe(false);
  });

  it('keeps every member of a set that many add to at once, each once', async () => {
    expect(await store().members('e')).toEqual([]);
    const names = Array.from({ length: 20 }, (_, i) => `member ${i}`);
    await Promise.all([...names, ...names].map((name) => store().add('e', name, 10_000)));
    expect((await store().members('e')).toSorted()).toEqual(names.toSorted());
    await Promise.all(names.slice(1).map((name) => store().remove('e', name)));
    await store().remove('e', 'nobody');
    await store().remove('no set', 'nobody');
    expect(await store().members('e')).toEqual(['member 0']);
    await store().remove('e', 'member 0');
    expect(await store().members('e')).toEqual([]);
  });

  it('forgets each member of a set when its own lifetime is over', async () => {
    await store().add('f', 'long', 10_000);
    await store().add('f', 'short', 1);
    await store().add('f', 'longer', 20_000);
    while ((await store().members('f')).includes('short')) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await store().members('f')).toSorted()).toEqual(['long', 'longer']);
  });

  it('keeps any key and any value as they are', async () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(text, text, async (key, value) => {
        await store().set(`any ${key}`, value, 10_000);
        expect(await store().get(`any ${key}`)).toBe(value);
        await store().add(`set ${key}`, value, 10_000);
        expect(await store().members(`set ${key}`)).toContain(value);
      }),
      { numRuns: 50 },
    );
  });
}
