import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { TransportError } from '../../lib/errors/errors.js';
import { CircuitBreaker } from '../../lib/http/circuit-breaker.js';

const down = new TransportError('UPSTREAM_UNAVAILABLE', 'down', { retryAfter: 5 });
const failed = new TransportError('UPSTREAM_ERROR', 'failed');
const limited = new TransportError('RATE_LIMITED', 'limited', { retryAfter: 7 });

const atTime = (now = 0) => {
  const time = { now };
  return { time, breaker: new CircuitBreaker(() => time.now, 'https://op.test') };
};

const fails = (breaker: CircuitBreaker, times: number, error = down) => {
  for (let time = 0; time < times; time += 1) {
    breaker.report(error);
  }
};

const errorOf = (call: () => unknown): unknown => {
  try {
    call();
    return undefined;
  } catch (error) {
    return error;
  }
};

describe('the circuit breaker', () => {
  it('NET-29 opens after ten failures in a row, for five seconds', () => {
    const { time, breaker } = atTime();
    fails(breaker, 9);
    expect(errorOf(() => breaker.admit())).toBeUndefined();
    fails(breaker, 1);
    expect(errorOf(() => breaker.admit())).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', retryAfter: 5 });
    time.now = 4999;
    expect(errorOf(() => breaker.admit())).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', retryAfter: 0.001 });
  });

  it('NET-29 then lets one call through, which decides for the others', () => {
    const { time, breaker } = atTime();
    fails(breaker, 10);
    time.now = 5000;
    expect(errorOf(() => breaker.admit())).toBeUndefined();
    expect(errorOf(() => breaker.admit())).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', retryAfter: 1 });
    breaker.report(down);
    expect(errorOf(() => breaker.admit())).toMatchObject({ retryAfter: 5 });
    time.now = 10_000;
    breaker.admit();
    breaker.report(undefined);
    expect(errorOf(() => breaker.admit())).toBeUndefined();
    fails(breaker, 9);
    expect(errorOf(() => breaker.admit())).toBeUndefined();
  });

  it('an answer between them makes them no row', () => {
    const { breaker } = atTime();
    fails(breaker, 9);
    breaker.report(undefined);
    fails(breaker, 9);
    expect(errorOf(() => breaker.admit())).toBeUndefined();
  });

  it('stays closed however often the server fails at single requests', () => {
    const { breaker } = atTime();
    fails(breaker, 100, failed);
    expect(errorOf(() => breaker.admit())).toBeUndefined();
  });

  it('a probe that is answered with a 500 closes it: the server is there', () => {
    const { time, breaker } = atTime();
    fails(breaker, 10);
    time.now = 5000;
    breaker.admit();
    breaker.report(failed);
    expect([errorOf(() => breaker.admit()), errorOf(() => breaker.admit())]).toEqual([undefined, undefined]);
  });

  it('stays open for as long as the server says', () => {
    const { breaker } = atTime();
    fails(breaker, 10, new TransportError('UPSTREAM_UNAVAILABLE', 'down', { retryAfter: 60 }));
    expect(errorOf(() => breaker.admit())).toMatchObject({ retryAfter: 60 });
  });

  it('NET-20 leaves a server alone that asks for it, and then calls as before', () => {
    const { time, breaker } = atTime();
    breaker.report(limited);
    expect(errorOf(() => breaker.admit())).toMatchObject({ code: 'RATE_LIMITED', retryAfter: 7 });
    time.now = 7000;
    expect(errorOf(() => breaker.admit())).toBeUndefined();
    expect(errorOf(() => breaker.admit())).toBeUndefined();
  });

  it('CLOCK-06 a clock that is set back closes it', () => {
    const { time, breaker } = atTime(10_000);
    fails(breaker, 10);
    time.now = 0;
    expect(errorOf(() => breaker.admit())).toBeUndefined();
  });

  it('never stays open: whatever happened, an answer to the next call that goes ahead closes it', () => {
    const step = fc.oneof(
      fc.record({ wait: fc.integer({ min: 0, max: 20_000 }) }),
      fc.record({ outcome: fc.constantFrom(down, limited, failed, undefined) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { time, breaker } = atTime();
        for (const next of steps) {
          if ('wait' in next) {
            time.now += next.wait;
          } else if (errorOf(() => breaker.admit()) === undefined) {
            breaker.report(next.outcome);
          }
        }
        time.now += 7000;
        expect(errorOf(() => breaker.admit())).toBeUndefined();
        breaker.report(undefined);
        expect(errorOf(() => breaker.admit())).toBeUndefined();
        expect(errorOf(() => breaker.admit())).toBeUndefined();
      }),
    );
  });
});
