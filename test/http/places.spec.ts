import { describe, expect, it } from '@jest/globals';

import { Places } from '../../lib/http/places.js';

describe('the places for calls', () => {
  it('go to who has waited longest', async () => {
    const places = new Places(2, 'https://op.test/introspect');
    const order: string[] = [];
    expect([places.enter(1000), places.enter(1000)]).toEqual([undefined, undefined]);
    const waiting = ['first', 'second'].map((name) => places.enter(1000)?.then(() => order.push(name)));
    places.leave();
    places.leave();
    await Promise.all(waiting);
    expect(order).toEqual(['first', 'second']);
  });

  it('are waited for so long and no longer', async () => {
    const places = new Places(2, 'https://op.test/introspect');
    void places.enter(5);
    void places.enter(5);
    await expect(places.enter(5)).rejects.toMatchObject({ code: 'UPSTREAM_BUSY', retryAfter: 1 });
  });

  it('have a queue that ends', async () => {
    const places = new Places(2, 'https://op.test/introspect');
    const waiting = Array.from({ length: 22 }, () => places.enter(20));
    expect(() => places.enter(20)).toThrow(expect.objectContaining({ code: 'UPSTREAM_BUSY' }));
    const outcomes = await Promise.allSettled(waiting);
    expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(20);
  });
});
