import type { Now } from '../clock/clock.js';
import { OAuthError, TransportError } from '../errors/errors.js';
import { fromDigits, type MemberType } from '../values/tolerant-reader.js';

/** Seconds between two polls where the server names none (RFC 8628, section 3.2; CIBA Core 1.0, section 7.3). */
const DEFAULT_INTERVAL = 5;

/** Seconds by which `slow_down` lengthens the interval (RFC 8628, section 3.5; CIBA Core 1.0, section 11). */
const SLOW_DOWN = 5;

/** When and how often the server is asked whether somebody consented. */
export interface Polling {
  /** Milliseconds since the epoch: no poll comes then or later. */
  readonly expiresAt: number;
  /** Seconds between two polls. Default 5. */
  readonly interval: number | undefined;
  readonly now: Now;
  /** Waits for so many milliseconds; it may end early where the server has told us that it is done. */
  pause(milliseconds: number): Promise<void>;
}

/**
 * Polls the token endpoint until the end-user has decided (RFC 8628, section 3.5).
 *
 * @param ask one token request
 * @throws {OAuthError} `access_denied`, `expired_token`, or another refusal: no poll comes after it
 */
export async function poll<T>(ask: () => Promise<T>, { expiresAt, interval, now, pause }: Polling): Promise<T> {
  let pace: Pace = { interval: interval ?? DEFAULT_INTERVAL, pause: interval ?? DEFAULT_INTERVAL };
  for (;;) {
    await pause(Math.min(pace.pause * 1000, Math.max(0, expiresAt - now())));
    if (now() >= expiresAt) {
      throw expired();
    }
    try {
      return await ask();
    } catch (error) {
      pace = paceAfter(error, pace);
    }
  }
}

/** Milliseconds between two looks for what may have come to another replica. */
const LOOK = 1000;

/**
 * Waits for what comes by itself: to this process, which ends the pause, or to another replica.
 *
 * @throws {OAuthError} `expired_token`: it did not come in time
 */
export async function arrival<T>(
  look: () => Promise<T | undefined>,
  { expiresAt, now, pause }: Omit<Polling, 'interval'>,
): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined) {
      return found;
    }
    const left = expiresAt - now();
    if (left <= 0) {
      throw expired();
    }
    await pause(Math.min(LOOK, left));
  }
}

function expired(): OAuthError {
  return new OAuthError('OP_ERROR', 'expired_token', 'Nobody consented in time.');
}

/** Seconds between polls, and until the next. */
interface Pace {
  readonly interval: number;
  readonly pause: number;
}

/** The pace after a poll that brought no tokens. @throws the error, where no poll may come after it */
function paceAfter(error: unknown, { interval }: Pace): Pace {
  if (error instanceof OAuthError && error.error === 'authorization_pending') {
    return { interval, pause: interval };
  }
  if (error instanceof OAuthError && error.error === 'slow_down') {
    return { interval: interval + SLOW_DOWN, pause: interval + SLOW_DOWN };
  }
  // A server that does not answer is asked half as often (RFC 8628, section 3.5).
  if (error instanceof TransportError && error.code !== 'TLS_ERROR') {
    return { interval: 2 * interval, pause: Math.max(2 * interval, error.retryAfter) };
  }
  throw error;
}

/** Seconds, more than 0 and less than three hundred years; also sent as digits. */
const isSeconds = (value: unknown): boolean => typeof value === 'number' && value > 0 && value < 1e10;

/** Type of `interval` and `expires_in`. */
export const SECONDS: MemberType = { read: fromDigits(10, isSeconds), is: isSeconds };
