import { describe, expect, it } from '@jest/globals';

import { CallbackFlight } from '../../lib/login/callback-flight.js';

const T = 1_800_000_000_000;

/** A flight whose outcomes are the numbers of the runs that made them. */
function numbered() {
  const time = { now: T };
  const flight = new CallbackFlight<number>(() => time.now);
  const counts = { runs: 0 };
  const join = (...brought: string[]) => flight.join(brought, async () => (counts.runs += 1));
  return { time, flight, counts, join };
}

describe('CallbackFlight', () => {
  it('is one run for all that bring the same, until three seconds after its end', async () => {
    const { time, join } = numbered();
    expect(await Promise.all([join('cookie', 'code'), join('cookie', 'code')])).toEqual([1, 1]);
    time.now = T + 2999;
    expect(await join('cookie', 'code')).toBe(1);
    time.now = T + 3000;
    expect(await join('cookie', 'code')).toBe(2);
  });

  it('joins while the first is on its way, however long that takes', async () => {
    const { time, flight } = numbered();
    let end: (outcome: number) => void = () => undefined;
    const first = flight.join(['a'], () => new Promise((resolve) => (end = resolve)));
    time.now = T + 60_000;
    const second = flight.join(['a'], async () => 2);
    end(1);
    expect(await Promise.all([first, second])).toEqual([1, 1]);
  });

  it('is over after three seconds behind one that is still on its way', async () => {
    const { time, flight, join } = numbered();
    void flight.join(['slow'], () => new Promise(() => undefined));
    expect(await join('a')).toBe(1);
    time.now = T + 3000;
    expect(await join('a')).toBe(2);
    time.now = T + 5999;
    expect(await join('a')).toBe(2);
  });

  it('is another run for who brings another cookie or another response', async () => {
    const { join } = numbered();
    const all = [join('cookie', 'code'), join('cookie', 'other'), join('cookiecode'), join('cookie'), join()];
    expect(await Promise.all(all)).toEqual([1, 2, 3, 4, 5]);
  });

  it('keeps a thousand, the latest', async () => {
    const { counts, join } = numbered();
    for (let index = 0; index < 1001; index += 1) {
      await join(String(index));
    }
    expect([await join('1000'), await join('500')]).toEqual([1001, 501]);
    expect(await join('0')).toBe(1002);
    expect(counts.runs).toBe(1002);
  });

  it('keeps nothing where the clock went back', async () => {
    const { time, join } = numbered();
    await join('a');
    time.now = T - 1;
    expect(await join('a')).toBe(2);
  });
});
