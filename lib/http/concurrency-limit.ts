import { TransportError } from '../errors/errors.js';
import { locationOf } from '../values/url.js';

/** How many callers may wait for each call that may run. */
const QUEUE_FACTOR = 10;

interface Waiter {
  readonly admit: () => void;
  readonly reject: (error: TransportError) => void;
}

/** Limits concurrent calls to an endpoint; the rest queue, in their order. */
export class ConcurrencyLimit {
  #running = 0;
  readonly #queue = new Set<Waiter>();

  /** @param maxConcurrent calls to the URL at the same time; ten times as many callers may wait */
  constructor(
    private readonly maxConcurrent: number,
    private readonly url: string,
  ) {}

  /**
   * Takes a slot, which has to be given back with {@link release}.
   *
   * @param patience milliseconds to wait for one
   * @returns undefined where one is free now
   * @throws {TransportError} `UPSTREAM_BUSY`: none became free, or the queue is full
   */
  acquire(patience: number): Promise<void> | undefined {
    if (this.#running < this.maxConcurrent) {
      this.#running += 1;
      return undefined;
    }
    if (this.#queue.size >= this.maxConcurrent * QUEUE_FACTOR) {
      throw busy(this.url);
    }
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        admit: () => {
          clearTimeout(timer);
          resolve();
        },
        reject: (error) => {
          clearTimeout(timer);
          this.#queue.delete(waiter);
          reject(error);
        },
      };
      const timer = setTimeout(() => waiter.reject(busy(this.url)), patience);
      this.#queue.add(waiter);
    });
  }

  /** Gives a slot back: to the caller that has waited longest, where one waits. */
  release(): void {
    const [next] = this.#queue;
    if (next === undefined) {
      this.#running -= 1;
    } else {
      this.#queue.delete(next);
      next.admit();
    }
  }

  /** Ends the wait of all callers in the queue with an error. */
  rejectWaiting(error: TransportError): void {
    this.#queue.forEach(({ reject }) => reject(error));
  }
}

function busy(url: string): TransportError {
  const facts = { url: locationOf(url) };
  return new TransportError('UPSTREAM_BUSY', 'Too many calls to the server are on their way.', {
    retryAfter: 1,
    facts,
  });
}
