import { describe, expect, it } from '@jest/globals';

import { ConcurrencyLimit } from '../../lib/http/concurrency-limit.js';

describe('the concurrency limit', () => {
  it('gives a free slot to the caller that has waited longest', async () => {
    const limit = new ConcurrencyLimit(2, 'https://op.test/introspect');
    const order: string[] = [];
    expect([limit.acquire(1000), limit.acquire(1000)]).toEqual([undefined, undefined]);
    const waiting = ['first', 'second'].map((name) => limit.acquire(1000)?.then(() => order.push(name)));
    limit.release();
    limit.release();
    await Promise.all(waiting);
    expect(order).toEqual(['first', 'second']);
  });

  it('lets a caller wait for its patience and no longer', async () => {
    const limit = new ConcurrencyLimit(2, 'https://op.test/introspect');
    void limit.acquire(5);
    void limit.acquire(5);
    await expect(limit.acquire(5)).rejects.toMatchObject({ code: 'UPSTREAM_BUSY', retryAfter: 1 });
  });

  it('has a queue that ends', async () => {
    const limit = new ConcurrencyLimit(2, 'https://op.test/introspect');
    const waiting = Array.from({ length: 22 }, () => limit.acquire(20));
    expect(() => limit.acquire(20)).toThrow(expect.objectContaining({ code: 'UPSTREAM_BUSY' }));
    const outcomes = await Promise.allSettled(waiting);
    expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(20);
  });
});
