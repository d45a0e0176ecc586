import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { DpopNonces } from '../../../lib/resource-server/sender-constraint/dpop-nonce.js';
import { TestClock } from '../../support/clock.js';

const SECRET = 'a secret of thirty-two bytes, or more';
const OTHER = 'another secret of thirty-two bytes, or more';
const API = 'https://api.test';

/** Five minutes in five periods; the test's time is the beginning of one. */
function nonces({ secrets = [SECRET], resource = API, clock = new TestClock(), lifetime = 300 } = {}) {
  return { clock, nonces: new DpopNonces(secrets, resource, clock.now, lifetime) };
}

describe('a nonce', () => {
  it('DPOP-41 is text that a header and a claim can hold (RFC 9449, section 8.1)', () => {
    expect(nonces().nonces.current()).toMatch(/^[A-Za-z0-9_-]{51}$/);
  });

  it.each<[number, string]>([
    [-61, 'refused'],
    [-60, 'current'],
    [0, 'current'],
    [59, 'current'],
    [60, 'old'],
    [299, 'old'],
    [300, 'refused'],
    [3600, 'refused'],
  ])('DPOP-38 %d seconds after it was made is %s', (seconds, status) => {
    const { nonces: made, clock } = nonces();
    const nonce = made.current();
    clock.advance(seconds);
    expect(made.check(nonce)).toBe(status);
  });

  it('DPOP-38 is accepted for four fifths of its lifetime at least', () => {
    const clock = new TestClock();
    clock.advance(59);
    const { nonces: made } = nonces({ clock });
    const nonce = made.current();
    clock.advance(240);
    expect(made.check(nonce)).toBe('old');
    clock.advance(1);
    expect(made.check(nonce)).toBe('refused');
  });

  it('DPOP-38 lives five minutes where nothing else is said', () => {
    const clock = new TestClock();
    const made = new DpopNonces([SECRET], API, clock.now);
    const nonce = made.current();
    clock.advance(299);
    expect(made.check(nonce)).toBe('old');
    clock.advance(1);
    expect(made.check(nonce)).toBe('refused');
  });

  it('DPOP-38 lives as long as it is said', () => {
    const { nonces: made, clock } = nonces({ lifetime: 10 });
    const nonce = made.current();
    clock.advance(1);
    expect(made.check(nonce)).toBe('current');
    clock.advance(1);
    expect(made.check(nonce)).toBe('old');
    clock.advance(7);
    expect(made.check(nonce)).toBe('old');
    clock.advance(1);
    expect(made.check(nonce)).toBe('refused');
  });

  it('DPOP-38 is the same during a period and another one after it', () => {
    const { nonces: made, clock } = nonces();
    const nonce = made.current();
    clock.advance(59);
    expect(made.current()).toBe(nonce);
    clock.advance(1);
    expect(made.current()).not.toBe(nonce);
    expect(made.check(made.current())).toBe('current');
  });

  it('DPOP-41 is good on every replica with the same secret, whose clock may differ', () => {
    const a = nonces();
    const b = nonces();
    expect(b.nonces.current()).toBe(a.nonces.current());
    a.clock.advance(30);
    expect(b.nonces.check(a.nonces.current())).toBe('current');
    a.clock.advance(30);
    expect(b.nonces.check(a.nonces.current())).toBe('current');
    a.clock.advance(60);
    expect(b.nonces.check(a.nonces.current())).toBe('refused');
  });

  it('DPOP-41 is made with the first secret and checked with each', () => {
    const before = nonces({ secrets: [OTHER] }).nonces;
    const during = nonces({ secrets: [SECRET, OTHER] }).nonces;
    const after = nonces({ secrets: [SECRET] }).nonces;
    expect(during.check(before.current())).toBe('current');
    expect(after.check(during.current())).toBe('current');
    expect(before.check(during.current())).toBe('refused');
  });

  it('DPOP-40 of another server or another API is refused', () => {
    const { nonces: ours } = nonces();
    expect(ours.check(nonces({ secrets: [OTHER] }).nonces.current())).toBe('refused');
    expect(ours.check(nonces({ resource: 'https://api.test/' }).nonces.current())).toBe('refused');
    expect(ours.check('eyJ7S_zG.eyJH0-Z.HX4w-7v')).toBe('refused');
  });

  it('DPOP-41 of an API with a long name is good', () => {
    const { nonces: made } = nonces({ resource: `https://api.test/${'x'.repeat(5000)}` });
    expect(made.check(made.current())).toBe('current');
  });

  it('DPOP-41 can not be made without a secret', () => {
    expect(() => nonces({ secrets: [] }).nonces.current()).toThrow('There is no secret to make a nonce with');
    expect(nonces({ secrets: [] }).nonces.check(nonces().nonces.current())).toBe('refused');
  });

  it.each([undefined, '', 'a', 'A'.repeat(50), 'A'.repeat(51), 'A'.repeat(52), '='.repeat(51), '_'.repeat(51)])(
    'DPOP-38 %j is refused',
    (nonce) => {
      expect(nonces().nonces.check(nonce)).toBe('refused');
    },
  );

  it('DPOP-41 is refused when any of it was changed', () => {
    const { nonces: made } = nonces();
    const nonce = made.current();
    const character = fc.constantFrom(
      ...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_',
      '=',
      '+',
      '\n',
    );
    fc.assert(
      fc.property(fc.nat(51), fc.oneof(character, fc.constant('')), (index, other) => {
        const changed = nonce.slice(0, index) + other + nonce.slice(index + 1);
        expect(made.check(changed)).toBe(changed === nonce ? 'current' : 'refused');
      }),
      { numRuns: 2000 },
    );
  });

  it('DPOP-38 that is any text is refused', () => {
    const { nonces: made } = nonces();
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[\w-]{51}$/));
    fc.assert(
      fc.property(text, (nonce) => {
        expect(made.check(nonce)).toBe('refused');
      }),
    );
  });

  it('DPOP-41 of one period tells nothing of the next one but its number', () => {
    const { nonces: made, clock } = nonces();
    const seen = new Set<string>();
    for (let period = 0; period < 200; period += 1) {
      const nonce = made.current();
      seen.add(nonce.slice(8));
      clock.advance(60);
    }
    expect(seen.size).toBe(200);
  });

  it('DPOP-38 is as good as its age, whenever it was made and is checked', () => {
    const seconds = fc.integer({ min: 0, max: 2_000 });
    fc.assert(
      fc.property(seconds, seconds, fc.constantFrom(5, 10, 300), (made, checked, lifetime) => {
        const clock = new TestClock();
        const { nonces: ours } = nonces({ clock, lifetime });
        clock.advance(made);
        const nonce = ours.current();
        clock.advance(checked - made);
        const width = lifetime / 5;
        const age = Math.floor(checked / width) - Math.floor(made / width);
        const isOld = age >= 1 && age <= 4;
        const isCurrent = age === 0 || age === -1;
        expect(ours.check(nonce)).toBe(isCurrent ? 'current' : isOld ? 'old' : 'refused');
      }),
      { numRuns: 500 },
    );
  });
});
