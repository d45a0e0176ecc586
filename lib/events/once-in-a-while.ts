import { isWithin, type Now } from '../clock/clock.js';

/** Milliseconds for which an operator is told of one kind of trouble once. During an outage each call has the same to say. */
const QUIET = 30_000;

/** Kinds of trouble that are told apart. Strangers may be able to make new ones: all beyond these are one more kind. */
const MOST_KINDS = 100;
const ALL_OTHERS = 'all others';

/** Rate limit for log lines: lets each kind of trouble through once in a while. */
export class OnceInAWhile {
  /** Milliseconds since the epoch, the oldest first. */
  readonly #lastAt = new Map<string, number>();

  constructor(private readonly now: Now) {}

  /** Whether this kind is due again; then its time starts anew. */
  isDue(trouble: string): boolean {
    const now = this.now();
    this.#forgetOld(now);
    const kind = this.#lastAt.has(trouble) || this.#lastAt.size < MOST_KINDS ? trouble : ALL_OTHERS;
    if (this.#lastAt.has(kind)) {
      return false;
    }
    this.#lastAt.set(kind, now);
    return true;
  }

  #forgetOld(now: number): void {
    for (const [kind, lastAt] of this.#lastAt) {
      if (isWithin(now, lastAt, QUIET)) {
        return;
      }
      this.#lastAt.delete(kind);
    }
  }
}
