import { createHash } from 'node:crypto';

import { isWithin, type Now } from '../clock/clock.js';

/** Milliseconds after its end for which a flight can be joined. The second request may arrive later than the first answer. */
const AFTERWARDS = 3000;

/** Maximum number of entries. With the largest sessions they take 12 MB. */
const MAX_ENTRIES = 1000;

interface Flight<Outcome> {
  readonly outcome: Promise<Outcome>;
  endedAt?: number;
}

/**
 * Single flight of callbacks: both requests of a callback that comes twice get the same outcome. Without it the second is
 * refused, because a code is good once (RFC 6749, section 4.1.2), and the browser shows that page.
 *
 * Requests join by the same sealed transaction cookie, which one browser has, and the same response. The outcome holds tokens
 * only as they are sealed for the browser.
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

  /** Drops what ended some time ago, and the oldest of too many. */
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
