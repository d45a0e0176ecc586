import { describe, expect, it } from '@jest/globals';

import { MemoryStore } from '../../lib/index.js';
import { keepsTheContract } from '../support/store/store-contract.js';

describe('MemoryStore', () => {
  const shared = new MemoryStore();
  keepsTheContract(() => shared);

  const atTime = (start: number) => {
    const time = { now: start };
    return { time, store: new MemoryStore({ now: () => time.now, maxEntries: 2 }) };
  };

  it('forgets a key when its lifetime is over, by the clock that it was given', () => {
    const { time, store } = atTime(1000);
    store.set('a', 'x', 500);
    time.now = 1499;
    expect(store.get('a')).toBe('x');
    expect(store.claim('a', 'y', 500)).toBe(false);
    time.now = 1500;
    expect(store.get('a')).toBeUndefined();
    expect(store.claim('a', 'y', 500)).toBe(true);
  });

  it('CLOCK-06 makes nothing eternal when the clock is set back', () => {
    const { time, store } = atTime(1000);
    store.set('a', 'x', 500);
    time.now = 999;
    expect(store.get('a')).toBeUndefined();
  });

  it('CLOCK-06 and lets nobody claim what was claimed', () => {
    const { time, store } = atTime(1000);
    expect(store.claim('a', 'x', 500)).toBe(true);
    time.now = 999;
    expect(store.claim('a', 'y', 500)).toBe(false);
    time.now = 1500;
    expect(store.claim('a', 'z', 500)).toBe(true);
  });

  it('is bounded: what was used longest ago goes', () => {
    const { store } = atTime(0);
    store.set('a', '1', 500);
    store.set('b', '2', 500);
    expect(store.get('a')).toBe('1');
    store.set('c', '3', 500);
    expect(['a', 'b', 'c'].map((key) => store.get(key))).toEqual(['1', undefined, '3']);
  });

  it('has room for each kind of keys, so that begun logins, which strangers write, drive out no session', () => {
    const { store } = atTime(0);
    store.set('session:a', '1', 500);
    store.claim('ended:a', '1', 500);
    store.set('login:a', '1', 500);
    store.set('login:b', '2', 500);
    store.set('login:c', '3', 500);
    const keys = ['session:a', 'ended:a', 'login:a', 'login:b', 'login:c'];
    expect(keys.map((key) => store.get(key))).toEqual(['1', '1', undefined, '2', '3']);
    expect(store.claim('ended:a', '2', 500)).toBe(false);
  });

  it('is bounded in kinds as well', () => {
    const { store } = atTime(0);
    store.set('a:1', '1', 500);
    for (let kind = 0; kind < 100; kind += 1) {
      store.set(`k${kind}:1`, '1', 500);
    }
    expect(['a:1', 'k99:1'].map((key) => store.get(key))).toEqual([undefined, '1']);
  });

  it('forgets a member of a set by the clock that it was given, and the set that was used longest ago', () => {
    const { time, store } = atTime(1000);
    store.add('a', 'x', 500);
    store.add('a', 'y', 600);
    time.now = 1500;
    expect(store.members('a')).toEqual(['y']);
    store.add('b', 'x', 500);
    store.add('c', 'x', 500);
    expect(['a', 'b', 'c'].map((key) => store.members(key))).toEqual([[], ['x'], ['x']]);
  });

  it('answers at once', () => {
    expect(shared.claim('now', '', 1000)).toBe(true);
  });
});
