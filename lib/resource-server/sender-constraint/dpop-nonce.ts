import { createHmac, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';

import type { Now } from '../../clock/clock.js';
import { equalInConstantTime } from '../../jose/constant-time.js';

/** What a nonce is worth: `current`, `old` is good and should be replaced, `refused` is not good. */
export type NonceStatus = 'current' | 'old' | 'refused';

/** Into how many parts the lifetime of a nonce is cut; a new nonce begins with each. */
const PERIODS = 5;

const PERIOD_BYTES = 6;

/** base64url of the period and of an HMAC-SHA-256 over it. */
const NONCE = /^[\w-]{51}$/;

/** Characters of {@link NONCE} that hold the period. */
const PERIOD_CHARACTERS = 8;

/**
 * The nonces that this API gives to DPoP clients (RFC 9449, section 9). Nothing is stored: whoever has the secret knows a
 * nonce, and how old it is, by its MAC. Nobody else can tell the next one.
 */
export class DpopNonces {
  readonly #keys: readonly KeyObject[];
  readonly #period: number;

  /**
   * @param secrets the first makes nonces, all of them check; the same ones on every replica
   * @param resource the API, whose nonces are good for no other one
   * @param lifetime seconds that a nonce is accepted at most; four fifths of it is the least
   */
  constructor(
    secrets: readonly string[],
    resource: string,
    private readonly now: Now,
    lifetime = 300,
  ) {
    this.#keys = secrets.map((secret) => deriveKey(secret, resource));
    this.#period = (lifetime * 1000) / PERIODS;
  }

  /** The nonce of now. */
  current(): string {
    const [key] = this.#keys;
    if (key === undefined) {
      throw new Error('There is no secret to make a nonce with');
    }
    return nonceOf(key, this.#currentPeriod());
  }

  /** A nonce of the next period is that of a replica whose clock is ahead of ours. */
  check(nonce: string | undefined): NonceStatus {
    if (nonce === undefined || !NONCE.test(nonce)) {
      return 'refused';
    }
    const period = Buffer.from(nonce.slice(0, PERIOD_CHARACTERS), 'base64url').readUIntBE(0, PERIOD_BYTES);
    const age = this.#currentPeriod() - period;
    const isInTime = age >= -1 && age < PERIODS;
    if (!isInTime || !this.#keys.some((key) => equalInConstantTime(nonceOf(key, period), nonce))) {
      return 'refused';
    }
    return age > 0 ? 'old' : 'current';
  }

  #currentPeriod(): number {
    return Math.floor(this.now() / this.#period);
  }
}

function deriveKey(secret: string, resource: string): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', secret, resource, 'nestjs-oidc DPoP nonce', 32)));
}

function nonceOf(key: KeyObject, period: number): string {
  const bytes = Buffer.alloc(PERIOD_BYTES);
  bytes.writeUIntBE(period, 0, PERIOD_BYTES);
  return Buffer.concat([bytes, createHmac('sha256', key).update(bytes).digest()]).toString('base64url');
}
