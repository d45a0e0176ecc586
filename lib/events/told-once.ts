import { LRUCache } from 'lru-cache';

import { isWithin, type Now } from '../clock/clock.js';

/** Milliseconds for which one and the same trouble is told once: while it lasts, each call has it. */
const QUIET = 30_000;

/** Kinds of trouble that are told apart. */
const MOST_KINDS = 100;

/** What was told to the operator of late. */
export class ToldOnce {
  readonly #toldAt = new LRUCache<string, number>({ max: MOST_KINDS });

  constructor(private readonly now: Now) {}

  /** Whether this has to be told; then it counts as told. */
  isNew(trouble: string): boolean {
    const now = this.now();
    if (isWithin(now, this.#toldAt.get(trouble) ?? Number.NEGATIVE_INFINITY, QUIET)) {
      return false;
    }
    this.#toldAt.set(trouble, now);
    return true;
  }
}
