import { createHash } from 'node:crypto';

import { isWithin, type Now } from '../clock/clock.js';

/** Milliseconds after the end: the second request is on its way before the browser has the answer to the first. */
const AFTERWARDS = 3000;

/** With the largest sessions, sealed as they are in the answer, 12 MB. */
const MAX_ENTRIES = 1000;

interface Flight<Outcome> {
  readonly outcome: Promise<Outcome>;
  endedAt?: number;
}

/**
 * Single flight: a callback that comes twice is one login, and both requests get its end. A code is good once (RFC 6749,
 * section 4.1.2), so that the second would be refused, and that is the page which the browser shows.
 *
 * It joins only those that bring the same: the sealed cookie of the login, which one browser has, and the same response.
 * What waits here is an outcome; tokens are in it as they are sealed for the browser, or not at all.
 */
export class CallbackFlight<Outcome> {
  readonly #flights = new Map<string, Flight<Outcome>>();

  constructor(private readonly now: Now) {}

  /**
   * The outcome of the callback that brought the same, or else of `run`.
   *
   * @param run never rejects
   */
  async join(brought: readonly string[], run: () => Promise<Outcome>): Promise<Outcome> {
    this.#forgetEnded();
    const key = createHash('sha256').update(JSON.stringify(brought)).digest('base64url');
    const known = this.#flights.get(key);
    if (known !== undefined) {
      return known.outcome;
    }
    const flight: Flight<Outcome> = { outcome: run() };
    this.#flights.set(key, flight);
    const outcome = await flight.outcome;
    flight.endedAt = this.now();
    return outcome;
  }

  /** Those that ended a while ago, and the oldest of too many. */
  #forgetEnded(): void {
    const now = this.now();
    for (const [key, { endedAt }] of this.#flights) {
      const isOver = endedAt !== undefined && !isWithin(now, endedAt, AFTERWARDS);
      if (isOver || this.#flights.size >= MAX_ENTRIES) {
        this.#flights.delete(key);
      }
    }
  }
}
