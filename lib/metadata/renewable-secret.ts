import { setTimeout } from 'node:timers/promises';

import { ConfigError } from '../errors/errors.js';
import { unverifiedJwt } from '../jose/unverified-jwt.js';
import type { Awaitable } from '../values/awaitable.js';
import { textMember } from '../values/member.js';
import { Secret } from '../values/secret.js';

/** Seconds before its end in which a JWT is not used any more: a request takes time, and clocks differ. */
const AHEAD = 60;

/** Milliseconds in which refusals make the function be called once: a wrong registration is not mended by calls. */
const PAUSE = 5000;

/** Milliseconds that the function may take, as a call to the server. */
const LONGEST_CALL = 5000;

const MEMBER = 'client.client_secret';

/**
 * Client secret that a function of the application makes, for servers whose secrets end: Apple's is a JWT of six months at
 * most. It is made once and kept, until it is a JWT near its end or the server refuses it.
 *
 * Each call that finds the function at work waits for the same result.
 */
export class RenewableSecret {
  #known: Secret | undefined;
  /** Milliseconds since the epoch. */
  #usableUntil = 0;
  #renewal: Promise<Secret> | undefined;
  #renewedAfterRefusalAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly make: () => unknown) {}

  /** The secret for a request. @throws {ConfigError} `RESOLVER_FAILED` the function threw, or returned no text */
  current(now: number): Awaitable<Secret> {
    return this.#known !== undefined && now < this.#usableUntil ? this.#known : this.#renew();
  }

  /**
   * Whether there is another secret than one that the server refused.
   *
   * @throws {ConfigError} `RESOLVER_FAILED` the function threw, or returned no text
   */
  async hasOther(refused: Secret, now: number): Promise<boolean> {
    if (this.#known === refused && now >= this.#renewedAfterRefusalAt + PAUSE) {
      this.#renewedAfterRefusalAt = now;
      await this.#renew();
    }
    await this.#renewal;
    return this.#known?.reveal() !== refused.reveal();
  }

  #renew(): Promise<Secret> {
    this.#renewal ??= this.#made().finally(() => {
      this.#renewal = undefined;
    });
    return this.#renewal;
  }

  async #made(): Promise<Secret> {
    const text = await textOf(this.make);
    this.#known = new Secret(text);
    const exp = unverifiedJwt(text)?.claims['exp'];
    this.#usableUntil = typeof exp === 'number' ? (exp - AHEAD) * 1000 : Number.POSITIVE_INFINITY;
    return this.#known;
  }
}

async function textOf(make: () => unknown): Promise<string> {
  const text = await withinTime(called(make));
  if (typeof text !== 'string' || text === '') {
    throw failed('the function returned no text');
  }
  return text;
}

/** What the function returns. What it throws may show a key, so that only its name is kept. */
async function called(make: () => unknown): Promise<unknown> {
  try {
    return await make();
  } catch (error) {
    const reason = textMember(error, 'code') || textMember(error, 'name') || undefined;
    throw failed('the function threw', reason);
  }
}

async function withinTime<T>(call: Promise<T>): Promise<T> {
  const ended = new AbortController();
  const { signal } = ended;
  const tooLate = async (): Promise<never> => {
    await setTimeout(LONGEST_CALL, undefined, { signal });
    throw failed('the function took too long');
  };
  try {
    return await Promise.race([call, tooLate()]);
  } finally {
    ended.abort();
  }
}

function failed(problem: string, reason?: string): ConfigError {
  return new ConfigError('RESOLVER_FAILED', MEMBER, problem, { facts: { reason } });
}
