import { TransportError } from '../errors/errors.js';
import { locationOf } from '../values/url.js';

/** How many may wait for each one that may call. */
const QUEUE_FACTOR = 10;

interface Waiter {
  readonly enter: () => void;
  readonly fail: (error: TransportError) => void;
}

/** The calls that an endpoint has to bear at the same time, and who waits to make one. */
export class Places {
  #taken = 0;
  readonly #waiting = new Set<Waiter>();

  /** @param most calls to the URL at the same time; ten times as many callers may wait */
  constructor(
    private readonly most: number,
    private readonly url: string,
  ) {}

  /**
   * Takes a place; each that is taken has to be given back with {@link leave}.
   *
   * @param patience milliseconds to wait for one
   * @returns undefined where there is room now
   * @throws {TransportError} `UPSTREAM_BUSY`: there is none
   */
  enter(patience: number): Promise<void> | undefined {
    if (this.#taken < this.most) {
      this.#taken += 1;
      return undefined;
    }
    if (this.#waiting.size >= this.most * QUEUE_FACTOR) {
      throw busy(this.url);
    }
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        enter: () => {
          clearTimeout(timer);
          resolve();
        },
        fail: (error) => {
          clearTimeout(timer);
          this.#waiting.delete(waiter);
          reject(error);
        },
      };
      const timer = setTimeout(() => waiter.fail(busy(this.url)), patience);
      this.#waiting.add(waiter);
    });
  }

  /** Gives the place to who has waited longest. */
  leave(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#taken -= 1;
    } else {
      this.#waiting.delete(next);
      next.enter();
    }
  }

  /** Tells all who wait that they wait in vain. */
  refuse(error: TransportError): void {
    this.#waiting.forEach(({ fail }) => fail(error));
  }
}

function busy(url: string): TransportError {
  const facts = { url: locationOf(url) };
  return new TransportError('UPSTREAM_BUSY', 'Too many calls to the server are on their way.', {
    retryAfter: 1,
    facts,
  });
}
