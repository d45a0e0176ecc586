/** Tokens are renewed ahead of their expiry: a tenth of their lifetime, and a minute at most. */
const AHEAD = 1 / 10;
const LONGEST_AHEAD = 60;

/**
 * Seconds before its expiry at which a token is renewed, so that nobody has to wait for the new one.
 *
 * @param lifetime seconds; undefined: not known
 */
export function secondsAhead(lifetime: number | undefined): number {
  return Math.min(LONGEST_AHEAD, (lifetime ?? Number.POSITIVE_INFINITY) * AHEAD);
}
