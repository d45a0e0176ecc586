/** Options of a wait for somebody's consent. */
export interface ConsentOptions {
  /** Ends the wait: it rejects with the reason of the signal. A request that is on its way is waited for. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Somebody's consent on another device. It is waited for once, however many callers ask: what it is asked for with is spent
 * when it comes. After an abort it can be waited for again.
 */
export class Consent<T> {
  #end: Promise<T> | undefined;

  constructor(private readonly wait: (signal: AbortSignal | undefined) => Promise<T>) {}

  /** A caller who comes while another one waits joins that wait, with its signal. */
  granted({ signal }: ConsentOptions = {}): Promise<T> {
    this.#end ??= this.#begin(signal);
    return this.#end;
  }

  async #begin(signal: AbortSignal | undefined): Promise<T> {
    try {
      return await this.wait(signal);
    } catch (error) {
      if (signal?.aborted === true) {
        this.#end = undefined;
      }
      throw error;
    }
  }
}
