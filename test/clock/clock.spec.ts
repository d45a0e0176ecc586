import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { Clock, isNumericDate, isWithin } from '../../lib/clock/clock.js';
import { TestClock, T } from '../support/clock.js';

const clockAt = (seconds: number, { skew = 0, tolerance = 30 } = {}) =>
  new Clock(() => seconds * 1000, skew, tolerance);

describe('the clock', () => {
  it('tells the times of a token beside its own, with the skew, as dates', () => {
    expect(clockAt(T, { skew: -60 }).beside({ exp: T - 90, nbf: undefined })).toEqual({
      exp: '2027-01-15T07:58:30.000Z',
      nbf: undefined,
      now: '2027-01-15T07:59:00.000Z',
    });
  });

  it('tells a time that is no date as a number', () => {
    expect(clockAt(T, { skew: 1e15 }).beside({}).now).toBe('1000001800000000');
  });

  it.each<[number, boolean]>([
    [T - 31, true],
    [T - 30, true],
    [T - 30 + 0.5, false],
    [T - 29, false],
    [T, false],
    [T + 1, false],
    [2 ** 31, false],
    [4_102_444_800, false],
  ])('CLOCK-01 CLOCK-08 CLOCK-10 says of exp %d that it is over: %p', (exp, expected) => {
    expect(clockAt(T).isExpired(exp)).toBe(expected);
  });

  it.each<[number, boolean]>([
    [T + 29, false],
    [T + 30, false],
    [T + 30.5, true],
    [T + 31, true],
    [2 ** 31, true],
  ])('CLOCK-02 CLOCK-03 says of nbf or iat %d that it is in the future: %p', (time, expected) => {
    expect(clockAt(T).isInFuture(time)).toBe(expected);
  });

  it.each<[number, boolean]>([
    [T - 630, false],
    [T - 630.5, true],
    [T - 631, true],
    [T, false],
    [T + 100, false],
  ])('says of %d that it is older than ten minutes: %p', (time, expected) => {
    expect(clockAt(T).isOlderThan(time, 600)).toBe(expected);
  });

  it.each<[number, boolean]>([
    [T - 1, true],
    [T, true],
    [T + 1, false],
  ])('CLOCK-04 without tolerance says of exp %d that it is over: %p', (exp, expected) => {
    expect(clockAt(T, { tolerance: 0 }).isExpired(exp)).toBe(expected);
  });

  it.each<[number, number]>([
    [0, 1_800_000_000],
    [-10, 1_799_999_990],
    [3600, 1_800_003_600],
    [0.5, 1_800_000_000.5],
  ])('adds a skew of %d seconds to what a token is held against, and to nothing else', (skew, seconds) => {
    const clock = clockAt(T, { skew });
    expect([clock.seconds(), clock.now()]).toEqual([seconds, 1_800_000_000_000]);
  });

  it('counts whole seconds', () => {
    expect(clockAt(T + 0.999).seconds()).toBe(1_800_000_000);
  });

  it.each([2 ** 31 - 1, 2 ** 31, 2 ** 32, 4_102_444_800, 253_402_300_800])('CLOCK-08 is right at %d', (now) => {
    const clock = clockAt(now);
    expect([clock.seconds(), clock.isExpired(now - 30), clock.isExpired(now - 29)]).toEqual([now, true, false]);
    expect([clock.isInFuture(now + 30), clock.isInFuture(now + 31)]).toEqual([false, true]);
  });

  it('CLOCK-06 CLOCK-07 follows a time that jumps', () => {
    const time = new TestClock();
    const clock = new Clock(time.now, 0, 30);
    time.advance(86_400);
    expect([clock.isExpired(T + 3600), clock.isInFuture(T + 3600)]).toEqual([true, false]);
    time.advance(-90_000);
    expect([clock.isExpired(T + 3600), clock.isInFuture(T)]).toEqual([false, true]);
  });

  it('never finds a time both over and to come', () => {
    const times = fc.double({ min: 0, max: 8.64e12, noNaN: true });
    const skews = fc.double({ min: -1e6, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(
        times,
        fc.nat(4_102_444_800),
        skews,
        fc.integer({ min: 0, max: 300 }),
        (time, now, skew, tolerance) => {
          const clock = clockAt(now, { skew, tolerance });
          expect(clock.isExpired(time) && clock.isInFuture(time)).toBe(false);
          expect(clock.isOlderThan(time, 0) && !clock.isExpired(time)).toBe(false);
        },
      ),
    );
  });
});

it.each<[unknown, boolean]>([
  [0, true],
  [T, true],
  [T + 0.5, true],
  [8.64e12, true],
  [8.64e12 + 1, false],
  [1e16, false],
  [-1, false],
  [Number.NaN, false],
  [Number.POSITIVE_INFINITY, false],
  [`${T}`, false],
  [BigInt(T), false],
  [new Date(T), false],
  [[T], false],
  [true, false],
  [null, false],
  [undefined, false],
])('INJ-05 %p is a NumericDate: %p', (value, expected) => {
  expect(isNumericDate(value)).toBe(expected);
});

it.each<[string, number, number, boolean]>([
  ['at once', 5000, 1000, true],
  ['just before the end', 5999, 1000, true],
  ['at the end', 6000, 1000, false],
  ['when the clock was set back', 4999, 1000, false],
  ['for no time', 5000, 0, false],
  ['for ever', 5000, Number.POSITIVE_INFINITY, true],
])('CLOCK-06 says whether a time still lasts: %s', (_what, now, length, expected) => {
  expect(isWithin(now, 5000, length)).toBe(expected);
});

it('CLOCK-06 what never began does not last', () => {
  expect(isWithin(5000, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY)).toBe(false);
});
