import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { retryAfter } from '../../lib/http/retry-after.js';

/** 2027-01-15T08:00:00Z */
const NOW = 1_800_000_000_000;

describe('Retry-After', () => {
  it.each<[string | undefined, number]>([
    ['0', 0],
    ['7', 7],
    ['3600', 3600],
    ['999999', 3600],
    ['Fri, 15 Jan 2027 08:01:00 GMT', 60],
    ['Fri, 15 Jan 2027 18:00:00 GMT', 3600],
    ['Fri, 15 Jan 2027 07:59:00 GMT', 5],
    [undefined, 5],
    ['', 5],
    ['abc', 5],
    ['-1', 5],
    ['1e99', 5],
    ['1.5', 5],
    ['0x10', 5],
    ['9'.repeat(400), 3600],
    ['Fri, 99 Jan 2027', 5],
  ])('NET-21 of %p is %i seconds', (value, seconds) => {
    expect(retryAfter(value, NOW)).toBe(seconds);
  });

  it('NET-21 is never less than nothing, never more than an hour, and never no number', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.integer().map(String),
          fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
        ),
        (value) => {
          const seconds = retryAfter(value, NOW);
          expect(seconds).toBeGreaterThanOrEqual(0);
          expect(seconds).toBeLessThanOrEqual(3600);
        },
      ),
    );
  });
});
