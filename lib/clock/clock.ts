/** The time now in milliseconds since the epoch, as `Date.now`. */
export type Now = () => number;

/**
 * Whether less than so many milliseconds went by since then. A clock that was set back behind it makes nothing last
 * longer: it was not.
 */
export function isWithin(now: number, since: number, length: number): boolean {
  const elapsed = now - since;
  return elapsed >= 0 && elapsed < length;
}

/** A NumericDate later than any `Date` can hold is no time (RFC 7519, section 2). */
const LATEST = 8.64e12;

/** Whether a JSON value is a NumericDate: seconds since the epoch, fractions allowed. */
export function isNumericDate(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= LATEST;
}

/**
 * The time as the client sees it.
 *
 * Skew and tolerance touch the checks of tokens and responses only; lifetimes of cookies, caches and transactions
 * run on {@link Clock.now} as it is.
 */
export class Clock {
  /**
   * @param now milliseconds, the injected clock
   * @param skew seconds added to now for every check and every JWT that we sign
   * @param tolerance seconds granted on `exp`, `nbf`, `iat` and `auth_time`
   */
  constructor(
    readonly now: Now,
    readonly skew: number,
    readonly tolerance: number,
  ) {}

  /** Now in whole seconds with the skew: what a token's times are compared with and what we write into our own. */
  seconds(): number {
    return Math.floor(this.now() / 1000) + this.skew;
  }

  /** RFC 7519, section 4.1.4: now must be before `exp`. */
  isExpired(exp: number): boolean {
    return exp <= this.seconds() - this.tolerance;
  }

  /** RFC 7519, section 4.1.5, and the same rule for `iat`: not before, not issued in the future. */
  isInFuture(time: number): boolean {
    return time > this.seconds() + this.tolerance;
  }

  /** Whether more than `age` seconds went by since `time`. */
  isOlderThan(time: number, age: number): boolean {
    return time < this.seconds() - age - this.tolerance;
  }
}
