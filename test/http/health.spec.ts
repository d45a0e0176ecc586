import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { TransportError } from '../../lib/errors/errors.js';
import { Health } from '../../lib/http/health.js';

const down = new TransportError('UPSTREAM_UNAVAILABLE', 'down', { retryAfter: 5 });
const failed = new TransportError('UPSTREAM_ERROR', 'failed');
const limited = new TransportError('RATE_LIMITED', 'limited', { retryAfter: 7 });

const atTime = (now = 0) => {
  const time = { now };
  return { time, health: new Health(() => time.now) };
};

const fails = (health: Health, times: number, error = down) => {
  for (let time = 0; time < times; time += 1) {
    health.report(error);
  }
};

const refusalOf = (call: () => unknown): unknown => {
  try {
    call();
    return undefined;
  } catch (error) {
    return error;
  }
};

describe('the circuit breaker', () => {
  it('NET-29 opens after ten failures in a row, for five seconds', () => {
    const { time, health } = atTime();
    fails(health, 9);
    expect(refusalOf(() => health.open())).toBeUndefined();
    fails(health, 1);
    expect(refusalOf(() => health.open())).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', retryAfter: 5 });
    time.now = 4999;
    expect(refusalOf(() => health.open())).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', retryAfter: 0.001 });
  });

  it('NET-29 then lets one call through, which decides for the others', () => {
    const { time, health } = atTime();
    fails(health, 10);
    time.now = 5000;
    expect(refusalOf(() => health.open())).toBeUndefined();
    expect(refusalOf(() => health.open())).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', retryAfter: 1 });
    health.report(down);
    expect(refusalOf(() => health.open())).toMatchObject({ retryAfter: 5 });
    time.now = 10_000;
    health.open();
    health.report(undefined);
    expect(refusalOf(() => health.open())).toBeUndefined();
    fails(health, 9);
    expect(refusalOf(() => health.open())).toBeUndefined();
  });

  it('an answer between them makes them no row', () => {
    const { health } = atTime();
    fails(health, 9);
    health.report(undefined);
    fails(health, 9);
    expect(refusalOf(() => health.open())).toBeUndefined();
  });

  it('stays closed however often the server fails at single requests', () => {
    const { health } = atTime();
    fails(health, 100, failed);
    expect(refusalOf(() => health.open())).toBeUndefined();
  });

  it('a probe that is answered with a 500 closes it: the server is there', () => {
    const { time, health } = atTime();
    fails(health, 10);
    time.now = 5000;
    health.open();
    health.report(failed);
    expect([refusalOf(() => health.open()), refusalOf(() => health.open())]).toEqual([undefined, undefined]);
  });

  it('stays open for as long as the server says', () => {
    const { health } = atTime();
    fails(health, 10, new TransportError('UPSTREAM_UNAVAILABLE', 'down', { retryAfter: 60 }));
    expect(refusalOf(() => health.open())).toMatchObject({ retryAfter: 60 });
  });

  it('NET-20 leaves a server alone that asks for it, and then calls as before', () => {
    const { time, health } = atTime();
    health.report(limited);
    expect(refusalOf(() => health.open())).toMatchObject({ code: 'RATE_LIMITED', retryAfter: 7 });
    time.now = 7000;
    expect(refusalOf(() => health.open())).toBeUndefined();
    expect(refusalOf(() => health.open())).toBeUndefined();
  });

  it('CLOCK-06 a clock that is set back opens it', () => {
    const { time, health } = atTime(10_000);
    fails(health, 10);
    time.now = 0;
    expect(refusalOf(() => health.open())).toBeUndefined();
  });

  it('never stays closed: whatever happened, an answer to the next call that goes ahead opens it', () => {
    const step = fc.oneof(
      fc.record({ wait: fc.integer({ min: 0, max: 20_000 }) }),
      fc.record({ outcome: fc.constantFrom(down, limited, failed, undefined) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { time, health } = atTime();
        for (const next of steps) {
          if ('wait' in next) {
            time.now += next.wait;
          } else if (refusalOf(() => health.open()) === undefined) {
            health.report(next.outcome);
          }
        }
        time.now += 7000;
        expect(refusalOf(() => health.open())).toBeUndefined();
        health.report(undefined);
        expect(refusalOf(() => health.open())).toBeUndefined();
        expect(refusalOf(() => health.open())).toBeUndefined();
      }),
    );
  });
});
