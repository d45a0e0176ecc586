import type { ServerResponse } from 'node:http';

import { HttpFaults, type Fault } from './http-faults.js';
import { LoopbackProvider } from './provider/loopback-provider.js';
import type { Recorded } from './provider/loopback-server.js';
import type { ProviderClock } from './provider/provider-clock.js';

/**
 * The correct provider, whose endpoints fail where they are told to: in HTTP, or below it.
 *
 * ```ts
 * op.answer('token', 'hang', { times: 1 });
 * op.answer('token', { status: 503, headers: { 'retry-after': '7' } });
 * op.heal('token');
 * ```
 */
export class FailingProvider<Clock extends ProviderClock> extends LoopbackProvider<Clock> {
  readonly #faults = new HttpFaults();

  /**
   * Plans a wrong answer. Those with `times` are used up first, one after the other; of the lasting ones the latest counts.
   *
   * @param times how many requests it is for; default: all that come
   */
  answer(endpoint: string, fault: Fault, { times = Number.POSITIVE_INFINITY }: { times?: number } = {}): void {
    this.#faults.plan(endpoint, fault, times);
  }

  /** The endpoint, or all of them, answer as they should again. */
  heal(endpoint?: string): void {
    this.#faults.heal(endpoint);
  }

  protected override answerTo(request: Recorded, response: ServerResponse): Promise<void> {
    return this.#faults.answerTo(request, response, () => this.respond(request));
  }
}
