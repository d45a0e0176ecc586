/** The time now in milliseconds since the epoch, as `Date.now`. */
export type Now = () => number;

/**
 * Whether `now` is within so many milliseconds after `since`. Where the clock was set back behind `since` it is not: a
 * lifetime ends early rather than late.
 */
export function isWithin(now: number, since: number, length: number): boolean {
  const elapsed = now - since;
  return elapsed >= 0 && elapsed < length;
}

/** The last second that a `Date` can hold. A later NumericDate (RFC 7519, section 2) is no time. */
const LATEST = 8.64e12;

/** Whether a JSON value is a NumericDate: seconds since the epoch, fractions allowed. */
export function isNumericDate(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= LATEST;
}

/**
 * The clock of a client, with skew and tolerance.
 *
 * Both apply to checks of tokens and responses only. Lifetimes of cookies, caches and transactions run on
 * {@link Clock.now} as it is.
 */
export class Clock {
  /**
   * @param now milliseconds, the injected clock
   * @param skew seconds added to now for every check and every JWT that we sign
   * @param tolerance seconds granted on `exp`, `nbf`, `iat` and `auth_time`; the default is in `module/oidc.defaults.ts`
   */
  constructor(
    readonly now: Now,
    readonly skew: number,
    readonly tolerance: number,
  ) {}

  /** Now in whole seconds, with the skew: to compare a token's times with, and to write into our own tokens. */
  seconds(): number {
    return Math.floor(this.now() / 1000) + this.skew;
  }

  /** Whether now is at or after `exp` (RFC 7519, section 4.1.4). */
  isExpired(exp: number): boolean {
    return exp <= this.seconds() - this.tolerance;
  }

  /** Whether now is before `nbf` (RFC 7519, section 4.1.5), or before `iat`. */
  isInFuture(time: number): boolean {
    return time > this.seconds() + this.tolerance;
  }

  /** Whether `time` is more than `age` seconds ago. */
  isOlderThan(time: number, age: number): boolean {
    return time < this.seconds() - age - this.tolerance;
  }

  /** A token's times and the time now as dates, for who reads the log: a clock that is wrong is seen there. */
  beside(times: Readonly<Record<string, number | undefined>>): Readonly<Record<string, string | undefined>> {
    const dates = Object.entries(times).map(([name, time]) => [name, time === undefined ? undefined : dateOf(time)]);
    return { ...Object.fromEntries(dates), now: dateOf(this.seconds()) };
  }
}

/** Seconds since the epoch as a date. A clock may be further off than a `Date` can hold. */
function dateOf(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? String(seconds) : date.toISOString();
}
