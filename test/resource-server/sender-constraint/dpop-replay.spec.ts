import { createHash } from 'node:crypto';

import { describe, expect, it } from '@jest/globals';

import { Clock } from '../../../lib/clock/clock.js';
import { ASYMMETRIC_ALGORITHMS } from '../../../lib/jose/algorithms.js';
import { verifyDpopProof } from '../../../lib/resource-server/sender-constraint/dpop-proof.js';
import { acceptanceWindow, claimProof } from '../../../lib/resource-server/sender-constraint/dpop-replay.js';
import type { OidcStore } from '../../../lib/storage/oidc-store.js';
import type { Awaitable } from '../../../lib/values/awaitable.js';
import { T, TestClock } from '../../support/clock.js';
import { dpopKey, dpopProof } from '../../support/tokens/dpop.js';

const JKT = '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I';
const PROOF = { jkt: JKT, jti: 'e1j3V_bKic8-LAEB' };

interface Claim {
  readonly key: string;
  readonly value: string;
  readonly lifetime: number;
}

/** A store that keeps claims as the port says, here or far away, and remembers what it was told. */
class Claims implements OidcStore {
  readonly made: Claim[] = [];
  readonly #ends = new Map<string, number>();

  constructor(
    private readonly clock = new TestClock(),
    private readonly isFarAway = false,
  ) {}

  claim(key: string, value: string, lifetime: number): Awaitable<boolean> {
    this.made.push({ key, value, lifetime });
    const isFirst = (this.#ends.get(key) ?? 0) <= this.clock.now();
    if (isFirst) {
      this.#ends.set(key, this.clock.now() + lifetime);
    }
    return this.isFarAway ? Promise.resolve(isFirst) : isFirst;
  }

  get(): never {
    throw new Error('A proof is claimed and nothing else');
  }

  set(): never {
    return this.get();
  }

  delete(): never {
    return this.get();
  }

  take(): never {
    return this.get();
  }

  replace(): never {
    return this.get();
  }

  add(): never {
    return this.get();
  }

  members(): never {
    return this.get();
  }

  remove(): never {
    return this.get();
  }
}

/** `claimed`, or the code. */
async function outcome(store: OidcStore, proof = PROOF, lifetime = 121_000): Promise<string> {
  try {
    await claimProof(store, proof, lifetime, {});
    return 'claimed';
  } catch (error) {
    expect(error).toMatchObject({ name: 'AccessTokenError' });
    return Object(error).code;
  }
}

describe.each([
  ['here', () => new Claims()],
  ['far away', () => new Claims(new TestClock(), true)],
])('a proof that is claimed in a store %s', (_where, storeOf) => {
  it('DPOP-24 R16 is good once', async () => {
    const store = storeOf();
    expect(await outcome(store)).toBe('claimed');
    expect(await outcome(store)).toBe('DPOP_PROOF_REPLAYED');
    expect(await outcome(store)).toBe('DPOP_PROOF_REPLAYED');
  });

  it('DPOP-24 is not that of another key, nor with another jti', async () => {
    const store = storeOf();
    expect(await outcome(store)).toBe('claimed');
    expect(await outcome(store, { ...PROOF, jkt: `${JKT.slice(0, -1)}J` })).toBe('claimed');
    expect(await outcome(store, { ...PROOF, jti: 'e1j3V_bKic8-LAEC' })).toBe('claimed');
  });

  it('DPOP-24 is good for exactly one of those who come at the same time', async () => {
    const store = storeOf();
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => outcome(store)));
    expect(outcomes.filter((one) => one === 'claimed')).toHaveLength(1);
    expect(outcomes.filter((one) => one === 'DPOP_PROOF_REPLAYED')).toHaveLength(19);
  });
});

describe('what a store is told of a proof', () => {
  it('DPOP-23 is a hash, however long its jti is', async () => {
    const store = new Claims();
    await claimProof(store, { jkt: JKT, jti: 'x'.repeat(256) }, 121_000, {});
    const hash = createHash('sha256')
      .update(`${JKT} ${'x'.repeat(256)}`)
      .digest('base64url');
    expect(store.made).toEqual([{ key: `dpop:${hash}`, value: '1', lifetime: 121_000 }]);
    expect(store.made[0]?.key).toMatch(/^dpop:[\w-]{43}$/);
  });

  it.each<[number, number]>([
    [0, 61_000],
    [30, 121_000],
    [300, 661_000],
  ])('DPOP-29 lasts as long as the proof is accepted, with a tolerance of %d s', (tolerance, lifetime) => {
    expect(acceptanceWindow(new Clock(() => T * 1000, 0, tolerance))).toBe(lifetime);
  });

  it.each([0, 0.5, 0.999])('DPOP-29 outlasts a proof, whose iat ends in %d', async (fraction) => {
    const time = new TestClock();
    const clock = new Clock(time.now, 0, 30);
    const accessToken = 'Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU';
    const url = 'https://api.test/orders';
    const proof = dpopProof(dpopKey(), { url, accessToken, at: T + fraction });
    const isAccepted = (milliseconds: number) => {
      time.seconds = T + milliseconds / 1000;
      return verifyDpopProof(proof, { method: 'GET', url, accessToken, algorithms: ASYMMETRIC_ALGORITHMS, clock }).then(
        () => true,
        () => false,
      );
    };
    // Whole seconds are compared, so that acceptance begins and ends on one.
    const accepted: number[] = [];
    for (let second = -35; second <= 95; second += 1) {
      for (const milliseconds of [second * 1000, second * 1000 + 999]) {
        if (await isAccepted(milliseconds)) {
          accepted.push(milliseconds);
        }
      }
    }
    const [first = 0] = accepted;
    const last = accepted.at(-1) ?? 0;
    expect(first).toBe(fraction === 0 ? -30_000 : -29_000);
    expect(last).toBe(90_999);
    expect(first + acceptanceWindow(clock)).toBeGreaterThan(last);
  });

  it('DPOP-29 may be told again when that is over', async () => {
    const clock = new TestClock();
    const store = new Claims(clock);
    expect(await outcome(store)).toBe('claimed');
    clock.advance(120);
    expect(await outcome(store)).toBe('DPOP_PROOF_REPLAYED');
    clock.advance(1);
    expect(await outcome(store)).toBe('claimed');
  });
});

describe('a store that does not answer', () => {
  class Down extends Claims {
    constructor(private readonly error: unknown) {
      super();
    }

    override claim(): never {
      throw this.error;
    }
  }

  it('DPOP-28 lets no proof through: its own error does', async () => {
    const error = new Error('The store is down');
    await expect(async () => claimProof(new Down(error), PROOF, 121_000, {})).rejects.toBe(error);
  });

  it('DPOP-28 lets no proof through when that takes a while', async () => {
    const error = new Error('The store is down');
    const store: OidcStore = Object.assign(new Claims(), { claim: () => Promise.reject(error) });
    await expect(async () => claimProof(store, PROOF, 121_000, {})).rejects.toBe(error);
  });
});
