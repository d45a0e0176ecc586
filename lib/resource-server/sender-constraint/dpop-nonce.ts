import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';

import type { Now } from '../../clock/clock.js';
import { equalInConstantTime } from '../../jose/constant-time.js';
import { hkdf } from '../../values/hkdf.js';

/** The result of a nonce's check: `current` is accepted, `old` is accepted but should be replaced, `refused` is not. */
export type NonceStatus = 'current' | 'old' | 'refused';

/** Periods in a nonce's lifetime. A new nonce begins with each period. */
const PERIODS = 5;

const PERIOD_BYTES = 6;

const KEY_LENGTH = 32;

/** A nonce: base64url of the period and of an HMAC-SHA-256 over it. */
const NONCE = /^[\w-]{51}$/;

/** Characters of {@link NONCE} that hold the period. */
const PERIOD_CHARACTERS = 8;

/**
 * Nonces for DPoP clients of this API (RFC 9449, section 9). Stateless: the MAC proves that a nonce is ours, and its
 * period gives its age. Without the secret the next one can't be guessed.
 */
export class DpopNonces {
  readonly #keys: readonly KeyObject[];
  readonly #period: number;

  /**
   * @param secrets the first makes nonces, all of them check; the same ones on every replica
   * @param resource the API's URL; other APIs refuse its nonces
   * @param lifetime seconds: a nonce is accepted for four fifths of it at least, and for all of it at most
   */
  constructor(
    secrets: readonly string[],
    resource: string,
    private readonly now: Now,
    lifetime = 300,
  ) {
    this.#keys = secrets.map((secret) => createSecretKey(hkdf(secret, 'DPoP nonce', KEY_LENGTH, resource)));
    this.#period = (lifetime * 1000) / PERIODS;
  }

  /** The nonce of the current period. */
  current(): string {
    const [key] = this.#keys;
    if (key === undefined) {
      throw new Error('There is no secret to make a nonce with');
    }
    return makeNonce(key, this.#currentPeriod());
  }

  /** Checks a nonce. One of the next period is accepted: another replica's clock may be ahead. */
  check(nonce: string | undefined): NonceStatus {
    if (nonce === undefined || !NONCE.test(nonce)) {
      return 'refused';
    }
    const period = Buffer.from(nonce.slice(0, PERIOD_CHARACTERS), 'base64url').readUIntBE(0, PERIOD_BYTES);
    const age = this.#currentPeriod() - period;
    const isInTime = age >= -1 && age < PERIODS;
    if (!isInTime || !this.#keys.some((key) => equalInConstantTime(makeNonce(key, period), nonce))) {
      return 'refused';
    }
    return age > 0 ? 'old' : 'current';
  }

  #currentPeriod(): number {
    return Math.floor(this.now() / this.#period);
  }
}

function makeNonce(key: KeyObject, period: number): string {
  const bytes = Buffer.alloc(PERIOD_BYTES);
  bytes.writeUIntBE(period, 0, PERIOD_BYTES);
  return Buffer.concat([bytes, createHmac('sha256', key).update(bytes).digest()]).toString('base64url');
}
