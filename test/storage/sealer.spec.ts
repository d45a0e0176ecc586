import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { openParts, sealParts } from '../../lib/storage/sealed-parts.js';
import { Sealer } from '../../lib/storage/sealer.js';
import { expectWithin } from '../support/within.js';

const T = 1_800_000_000_000;
const secret = (letter: string) => letter.repeat(32);
const sealer = new Sealer([secret('a')]);
const seal = (value: unknown = { user: 'alice' }) => sealer.seal('session', 'name', value, T + 1000);
const statusOf = (sealed: string, now = T) => sealer.open('session', 'name', sealed, now).status;

/** The same text with other bytes in it. */
function altered(sealed: string, alter: (bytes: Buffer) => Buffer | void): string {
  const bytes = Buffer.from(sealed, 'base64url');
  return (alter(bytes) ?? bytes).toString('base64url');
}

describe('Sealer', () => {
  it('opens what it sealed', () => {
    expect(sealer.open('session', 'name', seal(), T)).toEqual({
      status: 'open',
      value: { user: 'alice' },
      stale: false,
      expiresAt: T + 1000,
    });
  });

  it('writes what a cookie can hold, and shows nothing of the value', () => {
    const sealed = seal({ user: 'alice' });
    expect(sealed).toMatch(/^[\w-]+$/);
    expect(Buffer.from(sealed, 'base64url').toString('latin1')).not.toContain('alice');
  });

  it('SESS-01 is invalid with any bit flipped', () => {
    const sealed = seal();
    for (let byte = 0; byte < Buffer.from(sealed, 'base64url').length; byte += 1) {
      for (const bit of [1, 128]) {
        const flipped = altered(sealed, (bytes) => void bytes.writeUInt8(bytes.readUInt8(byte) ^ bit, byte));
        expect(statusOf(flipped)).toBe('invalid');
      }
    }
  });

  it('SESS-01 has one spelling: left-over bits, padding and foreign characters are no part of it', () => {
    const value = fc.string({ maxLength: 4 });
    fc.assert(
      fc.property(value, fc.nat(), fc.constantFrom(...'AQgw_-=. +/é'), (text, at, character) => {
        const sealed = seal(text);
        const index = at % (sealed.length + 1);
        for (const end of [index, index + 1]) {
          const other = sealed.slice(0, index) + character + sealed.slice(end);
          expect(statusOf(other)).toBe(other === sealed ? 'open' : 'invalid');
        }
      }),
    );
  });

  it('SESS-03 is invalid with another version or key id, or with a part cut off', () => {
    const sealed = seal();
    expect(statusOf(altered(sealed, (bytes) => void bytes.writeUInt8(2, 0)))).toBe('invalid');
    expect(statusOf(altered(sealed, (bytes) => void bytes.fill(0, 1, 5)))).toBe('invalid');
    for (let length = 0; length < Buffer.from(sealed, 'base64url').length; length += 1) {
      expect(statusOf(altered(sealed, (bytes) => bytes.subarray(0, length)))).toBe('invalid');
    }
    expect(statusOf(altered(sealed, (bytes) => Buffer.concat([bytes, Buffer.of(0)])))).toBe('invalid');
  });

  it('SESS-04 opens with every secret and says which value is to be sealed anew', () => {
    const sealed = seal();
    const rotated = new Sealer([secret('b'), secret('a')]);
    expect(rotated.open('session', 'name', sealed, T)).toMatchObject({ status: 'open', stale: true });
    const fresh = rotated.seal('session', 'name', 1, T + 1);
    expect(rotated.open('session', 'name', fresh, T)).toMatchObject({ status: 'open', stale: false });
    expect(statusOf(fresh)).toBe('invalid');
    expect(new Sealer([secret('b')]).open('session', 'name', sealed, T)).toEqual({ status: 'invalid' });
  });

  it('SESS-05 does not look at what is longer than 16 KB', async () => {
    expect(statusOf(seal('x'.repeat(12_200)))).toBe('open');
    expect(statusOf(seal('x'.repeat(12_300)))).toBe('invalid');
    const five = new Sealer(['a', 'b', 'c', 'd', 'e'].map(secret));
    await expectWithin(1000, () => {
      for (let index = 0; index < 1000; index += 1) {
        expect(five.open('session', 'name', 'A'.repeat(16_384), T).status).toBe('invalid');
      }
    });
  });

  it('TXN-06 expires by the time that stands in it', () => {
    const sealed = seal();
    expect(statusOf(sealed, T + 999)).toBe('open');
    expect(statusOf(sealed, T + 1000)).toBe('expired');
    expect(statusOf(sealed, T - 3_600_000)).toBe('open');
  });

  it('SESS-39 never uses an IV twice', () => {
    const ivs = new Set<string>();
    for (let index = 0; index < 100_000; index += 1) {
      ivs.add(Buffer.from(seal(1), 'base64url').toString('latin1', 5, 17));
    }
    expect(ivs.size).toBe(100_000);
  });

  it('SESS-40 opens for its own label and under its own name only', () => {
    const sealed = seal();
    expect(sealer.open('login transaction', 'name', sealed, T).status).toBe('invalid');
    expect(sealer.open('session', 'other', sealed, T).status).toBe('invalid');
    expect(sealer.open('session', 'nam', sealed, T).status).toBe('invalid');
  });

  it('needs a secret to seal with', () => {
    expect(() => new Sealer([]).seal('session', 'name', 1, T)).toThrow('There is no secret to seal with');
  });

  it('opens every JSON value as it was', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string(), fc.string(), (value, label, name) => {
        const sealed = sealer.seal(label, name, value, T + 1);
        expect(sealer.open(label, name, sealed, T)).toMatchObject({ status: 'open' });
        expect(Reflect.get(sealer.open(label, name, sealed, T), 'value')).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('makes nothing of what a stranger writes', () => {
    fc.assert(fc.property(fc.string({ maxLength: 200 }), (text) => expect(statusOf(text)).toBe('invalid')));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) =>
        expect(statusOf(Buffer.from(bytes).toString('base64url'))).toBe('invalid'),
      ),
    );
  });
});

describe('Sealer with another key', () => {
  const own = (key: string, ...secrets: readonly string[]) => new Sealer(secrets.map(secret)).with(key, 20_000);
  const opens = (by: Sealer, sealed: string) => by.open('session', 'name', sealed, T).status;
  const sealed = own('K1', 'a').seal('session', 'name', 'alice', T + 1000);

  it('opens with the same key and one of the secrets, and with nothing less', () => {
    expect(own('K1', 'b', 'a').open('session', 'name', sealed, T)).toEqual({
      status: 'open',
      value: 'alice',
      stale: true,
      expiresAt: T + 1000,
    });
    for (const other of [own('K2', 'a'), own('', 'a'), own('K1', 'b'), sealer, own('K1', 'a').with('K2', 20_000)]) {
      expect(opens(other, sealed)).toBe('invalid');
    }
    expect(opens(own('K1', 'a'), seal('alice'))).toBe('invalid');
    expect(own('K1', 'a').open('other', 'name', sealed, T).status).toBe('invalid');
    expect(own('K1', 'a').open('session', 'other', sealed, T).status).toBe('invalid');
  });

  it('names the secret by the same key id, whichever the key', () => {
    const id = (text: string) => Buffer.from(text, 'base64url').toString('hex', 1, 5);
    expect(id(own('K2', 'a').seal('session', 'name', 1, T + 1))).toBe(id(sealed));
    expect(id(own('K1', 'b').seal('session', 'name', 1, T + 1))).not.toBe(id(sealed));
  });

  it('may be larger', () => {
    expect(opens(own('K1', 'a'), own('K1', 'a').seal('session', 'name', 'x'.repeat(14_900), T + 1000))).toBe('open');
    expect(opens(own('K1', 'a'), own('K1', 'a').seal('session', 'name', 'x'.repeat(15_000), T + 1000))).toBe('invalid');
  });
});

describe('sealed parts', () => {
  const place = { label: 'session', name: '__Host-oidc-session' };
  const sealAll = (length: number, letter = 'x') => sealParts(sealer, place, letter.repeat(length), T + 1000);
  const statusOfParts = (parts: readonly string[]) => openParts(sealer, place, parts, T).status;

  it('keeps a value in as few parts as it needs, none over 3,800 characters', () => {
    expect([100, 3000, 6000].map((length) => sealAll(length).length)).toEqual([1, 2, 3]);
    for (const length of [1, 2700, 2810, 2820, 5500, 8400]) {
      const parts = sealAll(length);
      expect(Math.max(...parts.map((part) => part.length))).toBeLessThanOrEqual(3800);
      expect(openParts(sealer, place, parts, T)).toMatchObject({ status: 'open', value: 'x'.repeat(length) });
    }
  });

  it('SESS-20 is invalid with a part missing', () => {
    const [first = '', second = '', third = ''] = sealAll(8000);
    for (const parts of [[first], [second], [first, second], [first, third], [second, third], []]) {
      expect(statusOfParts(parts)).toBe('invalid');
    }
  });

  it('SESS-24 is invalid with a part added, also an empty one', () => {
    const two = sealAll(4000);
    expect(statusOfParts(two)).toBe('open');
    expect(statusOfParts([...two, ''])).toBe('invalid');
    expect(statusOfParts([...two, sealAll(8000)[2] ?? ''])).toBe('invalid');
    expect(statusOfParts([two.join('')])).toBe('invalid');
  });

  it('SESS-25 is invalid with the parts of two values', () => {
    const [a0 = '', a1 = ''] = sealAll(4000, 'a');
    const [b0 = '', b1 = ''] = sealAll(4000, 'b');
    expect(
      [
        [a0, b1],
        [b0, a1],
        [a1, a0],
      ].map(statusOfParts),
    ).toEqual(['invalid', 'invalid', 'invalid']);
  });

  it('SESS-30 does not fit into more than three', () => {
    expect(sealAll(8450)).toHaveLength(3);
    expect(() => sealAll(8600)).toThrow(expect.objectContaining({ code: 'SESSION_TOO_LARGE' }));
    expect(() => sealAll(40_000)).toThrow(expect.objectContaining({ code: 'SESSION_TOO_LARGE' }));
  });
});
