import { LRUCache } from 'lru-cache';

import { isWithin, type Now } from '../clock/clock.js';

/** Milliseconds for which an operator is told of one kind of trouble once. During an outage each call has the same to say. */
const QUIET = 30_000;

/** Kinds of trouble that are told apart. */
const MOST_KINDS = 100;

/** Rate limit for log lines: lets each kind of trouble through once in a while. */
export class OnceInAWhile {
  readonly #lastAt = new LRUCache<string, number>({ max: MOST_KINDS });

  constructor(private readonly now: Now) {}

  /** Whether this kind is due again; then its time starts anew. */
  isDue(kind: string): boolean {
    const now = this.now();
    if (isWithin(now, this.#lastAt.get(kind) ?? Number.NEGATIVE_INFINITY, QUIET)) {
      return false;
    }
    this.#lastAt.set(kind, now);
    return true;
  }
}
