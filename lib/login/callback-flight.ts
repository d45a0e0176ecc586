import { hash } from 'node:crypto';

import { isWithin, type Now } from '../clock/clock.js';

/** Milliseconds for which an ended flight can be joined: the second request may arrive after the first answer. */
const AFTERWARDS = 3000;

/** Maximum number of flights. With the largest sessions they use 12 MB. */
const MAX_ENTRIES = 1000;

interface Flight<Outcome> {
  readonly outcome: Promise<Outcome>;
  endedAt?: number;
}

/**
 * Single flight of callbacks: if a browser sends its callback twice, both requests get the same outcome. Without it the
 * second is refused, because a code works once (RFC 6749, section 4.1.2), and the browser shows that page.
 *
 * Requests join by the same sealed transaction cookie, which only one browser has, and the same response. The outcome holds
 * tokens only in sealed form.
 */
export class CallbackFlight<Outcome> {
  readonly #flights = new Map<string, Flight<Outcome>>();

  constructor(private readonly now: Now) {}

  /**
   * The outcome of an equal callback, else of `run`.
   *
   * @param run never rejects
   */
  async join(brought: readonly string[], run: () => Promise<Outcome>): Promise<Outcome> {
    this.#forgetOldest();
    const key = hash('sha256', JSON.stringify(brought), 'base64url');
    const known = this.#flights.get(key);
    if (known !== undefined && !this.#isOver(known)) {
      return known.outcome;
    }
    const flight: Flight<Outcome> = { outcome: run() };
    // As the latest, where an ended one has its place.
    this.#flights.delete(key);
    this.#flights.set(key, flight);
    const outcome = await flight.outcome;
    flight.endedAt = this.now();
    return outcome;
  }

  /**
   * Removes the oldest flights that are over, and the oldest above the maximum. It stops at the first that stays: to look at
   * all of them would cost each login as much as its signature.
   */
  #forgetOldest(): void {
    for (const [key, flight] of this.#flights) {
      if (this.#flights.size < MAX_ENTRIES && !this.#isOver(flight)) {
        return;
      }
      this.#flights.delete(key);
    }
  }

  #isOver({ endedAt }: Flight<Outcome>): boolean {
    return endedAt !== undefined && !isWithin(this.now(), endedAt, AFTERWARDS);
  }
}
