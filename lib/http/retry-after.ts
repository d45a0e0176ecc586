import { DEFAULT_RETRY_AFTER } from '../errors/errors.js';

/** Seconds; no server keeps us away for longer. */
const LONGEST = 3600;

/**
 * Reads `Retry-After` (RFC 9110, section 10.2.3): seconds or a date.
 *
 * @param now milliseconds since the epoch
 * @returns seconds from 0 to 3600; the default for anything else, a date in the past included
 */
export function retryAfter(value: string | undefined, now: number): number {
  if (value === undefined) {
    return DEFAULT_RETRY_AFTER;
  }
  if (/^\d+$/.test(value)) {
    return Math.min(Number(value), LONGEST);
  }
  const seconds = /^[A-Z][a-z]{2},/.test(value) ? Math.ceil((Date.parse(value) - now) / 1000) : Number.NaN;
  return seconds > 0 ? Math.min(seconds, LONGEST) : DEFAULT_RETRY_AFTER;
}
