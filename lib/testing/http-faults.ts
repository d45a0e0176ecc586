import type { IncomingMessage, ServerResponse } from 'node:http';

import { isStream, send, withMediaType, type Answer } from './provider/http-answer.js';
import type { Recorded } from './provider/loopback-server.js';

export type { Answer } from './provider/http-answer.js';

/** An answer that may be none of HTTP: `raw` is written to the socket instead. */
export interface FaultyAnswer extends Answer {
  readonly raw?: string | Uint8Array;
}

/**
 * - `hang`: no answer, ever; `stall`: the headers and half of the body, then nothing
 * - `reset`: RST instead of an answer; `close`: FIN instead of an answer
 * - `truncate`: half of the body that the headers announce, then FIN; `abort`: the same, then RST
 */
export type Disturbance = 'hang' | 'stall' | 'reset' | 'close' | 'truncate' | 'abort';

export type Answering = (
  request: Recorded,
  next: () => Promise<Answer>,
) => FaultyAnswer | Disturbance | Promise<FaultyAnswer | Disturbance>;

export type Fault = FaultyAnswer | Disturbance | Answering;

interface Planned {
  readonly fault: Fault;
  left: number;
}

function isPassing({ left }: Planned): boolean {
  return left !== Number.POSITIVE_INFINITY;
}

/** The wrong answers that were planned, by endpoint: what goes wrong in HTTP or below it. */
export class HttpFaults {
  readonly #faults = new Map<string, Planned[]>();

  /**
   * Those with `times` are used up first, one after the other; of the lasting ones the latest counts.
   *
   * @param times how many requests it is for
   */
  plan(endpoint: string, fault: Fault, times: number): void {
    const planned = { fault, left: times };
    const known = this.#faults.get(endpoint) ?? [];
    const [passing, lasting] = [known.filter(isPassing), known.filter((one) => !isPassing(one))];
    this.#faults.set(endpoint, isPassing(planned) ? [...passing, planned, ...lasting] : [...passing, planned]);
  }

  /** The endpoint, or all of them, answer as they should again. */
  heal(endpoint?: string): void {
    if (endpoint === undefined) {
      this.#faults.clear();
    } else {
      this.#faults.delete(endpoint);
    }
  }

  /** Answers with what was planned, else rightly. */
  async answerTo(request: Recorded, response: ServerResponse, next: () => Promise<Answer>): Promise<void> {
    const answer = await this.#answerTo(request, next);
    if (typeof answer !== 'string') {
      await sendFaulty(answer, response);
    } else if (answer === 'hang' || answer === 'reset' || answer === 'close') {
      INSTEAD[answer](response.req);
    } else {
      await cutShort(await next(), response, answer);
    }
  }

  async #answerTo(request: Recorded, next: () => Promise<Answer>): Promise<FaultyAnswer | Disturbance> {
    const planned = this.#faults.get(request.endpoint)?.find(({ left }) => left > 0);
    if (planned === undefined) {
      return next();
    }
    planned.left -= 1;
    const { fault } = planned;
    return typeof fault === 'function' ? fault(request, next) : fault;
  }
}

const INSTEAD: Readonly<Record<'hang' | 'reset' | 'close', (incoming: IncomingMessage) => void>> = {
  hang: () => undefined,
  reset: (incoming) => incoming.socket.resetAndDestroy(),
  close: (incoming) => incoming.socket.destroy(),
};

async function sendFaulty(answer: FaultyAnswer, response: ServerResponse): Promise<void> {
  if (answer.raw === undefined) {
    await send(answer, response);
  } else {
    response.socket?.end(answer.raw);
  }
}

async function cutShort(answer: Answer, response: ServerResponse, how: 'truncate' | 'stall' | 'abort'): Promise<void> {
  const { headers, body } = withMediaType(answer);
  const bytes = isStream(body) ? Buffer.alloc(0) : Buffer.from(body);
  response.writeHead(answer.status ?? 200, { ...headers, 'content-length': String(bytes.length) });
  await new Promise((resolve) => response.write(bytes.subarray(0, bytes.length / 2), resolve));
  if (how === 'truncate') {
    response.socket?.end();
  } else if (how === 'abort') {
    response.socket?.resetAndDestroy();
  }
}
