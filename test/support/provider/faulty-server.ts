import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';

/** A request as it came. */
export interface Recorded {
  /** The name of the route that it was for; `other` when there is none. */
  readonly endpoint: string;
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly body: string;
  /** The urlencoded body; the last of several values. */
  readonly form: Readonly<Record<string, string>>;
  /** Which connection it came on: equal for requests that share one. */
  readonly connection: number;
  /** Filled in by whoever answers, such as with the client that was recognised. */
  readonly notes: Record<string, unknown>;
}

/** What is sent. An object as `body` is JSON; `raw` is written to the socket instead of an HTTP answer. */
export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string | Uint8Array | object | AsyncIterable<string | Uint8Array>;
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
) => Answer | Disturbance | Promise<Answer | Disturbance>;

export type Fault = Answer | Disturbance | Answering;

interface Planned {
  readonly fault: Fault;
  left: number;
}

function isPassing({ left }: Planned): boolean {
  return left !== Number.POSITIVE_INFINITY;
}

/**
 * A small HTTP server on loopback that records what it is asked and can be told to answer wrongly. Its routes are the
 * subclass's.
 *
 * ```ts
 * server.answer('token', 'hang', { times: 1 });
 * server.answer('token', { status: 503, headers: { 'retry-after': '7' } });
 * server.answer('jwks', async (request, next) => ({ ...(await next()), headers: { 'content-type': 'text/html' } }));
 * server.requests('token')[0]?.form['grant_type'];
 * ```
 */
export abstract class FaultyServer {
  readonly #server: Server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    void this.#serve(request, response);
  });
  readonly #recorded: Recorded[] = [];
  readonly #faults = new Map<string, Planned[]>();
  readonly #connections = new WeakMap<object, number>();
  readonly #waiting = new Set<() => void>();
  #connectionCount = 0;
  #host = '127.0.0.1';

  protected constructor() {
    this.#server.on('connection', (socket) => {
      this.#connectionCount += 1;
      this.#connections.set(socket, this.#connectionCount);
      socket.on('error', () => undefined);
    });
  }

  protected async listen(host: string, port = 0): Promise<void> {
    this.#host = host;
    this.#server.listen(port, host);
    await once(this.#server, 'listening');
  }

  /** `http://127.0.0.1:<port>` */
  get origin(): string {
    const address = this.#server.address();
    return `http://${this.#host}:${isAddress(address) ? address.port : 0}`;
  }

  /** TCP connections that were ever opened to this server. */
  get connections(): number {
    return this.#connectionCount;
  }

  /** The requests to an endpoint, or all of them, oldest first. */
  requests(endpoint?: string): readonly Recorded[] {
    return this.#recorded.filter((request) => endpoint === undefined || request.endpoint === endpoint);
  }

  /** The last request to an endpoint. */
  last(endpoint: string): Recorded {
    const request = this.requests(endpoint).at(-1);
    if (request === undefined) {
      throw new Error(`Nobody asked ${endpoint}`);
    }
    return request;
  }

  count(endpoint?: string): number {
    return this.requests(endpoint).length;
  }

  /** Resolves when the endpoint was asked so often: for requests that are not awaited, or that hang. */
  async arrival(endpoint: string, count = 1): Promise<void> {
    while (this.count(endpoint) < count) {
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  /** Forgets the requests, and nothing else. */
  forgetRequests(): void {
    this.#recorded.length = 0;
  }

  /**
   * Plans a wrong answer. Those with `times` are used up first, one after the other; of the lasting ones the latest counts.
   *
   * @param times how many requests it is for; default: all that come
   */
  answer(endpoint: string, fault: Fault, { times = Number.POSITIVE_INFINITY }: { times?: number } = {}): void {
    const planned = { fault, left: times };
    const known = this.#faults.get(endpoint) ?? [];
    const [passing, lasting] = [known.filter(isPassing), known.filter((one) => !isPassing(one))];
    this.#faults.set(endpoint, isPassing(planned) ? [...passing, planned, ...lasting] : [...passing, planned]);
  }

  /** The endpoint answers as it should again. */
  heal(endpoint?: string): void {
    if (endpoint === undefined) {
      this.#faults.clear();
    } else {
      this.#faults.delete(endpoint);
    }
  }

  /** Stops at once, whatever hangs. */
  async close(): Promise<void> {
    if (this.#server.listening) {
      const closed = once(this.#server, 'close');
      this.#server.close();
      this.#server.closeAllConnections();
      await closed;
    }
  }

  /** Stops listening; {@link revive} opens the same port again. */
  async die(): Promise<number> {
    const port = Number(new URL(this.origin).port);
    await this.close();
    return port;
  }

  async revive(port: number): Promise<void> {
    await this.listen(this.#host, port);
  }

  /** The name of the route that a path belongs to. */
  protected abstract route(path: string): string;

  /** The right answer. */
  protected abstract respond(request: Recorded): Promise<Answer>;

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const request = await this.#record(incoming);
      const answer = await this.#answerTo(request);
      response.on('error', () => undefined);
      if (typeof answer !== 'string') {
        await send(answer, response);
      } else if (answer === 'hang' || answer === 'reset' || answer === 'close') {
        INSTEAD[answer](incoming);
      } else {
        await cutShort(await this.respond(request), response, answer);
      }
    } catch (error) {
      // The other side hung up, or a test's own function threw: the latter must be seen.
      if (!incoming.socket.destroyed && !response.headersSent) {
        response.writeHead(500, { 'content-type': 'text/plain' }).end(String(error));
      }
    }
  }

  async #answerTo(request: Recorded): Promise<Answer | Disturbance> {
    const planned = this.#faults.get(request.endpoint)?.find(({ left }) => left > 0);
    if (planned === undefined) {
      return this.respond(request);
    }
    planned.left -= 1;
    const { fault } = planned;
    return typeof fault === 'function' ? fault(request, () => this.respond(request)) : fault;
  }

  async #record(incoming: IncomingMessage): Promise<Recorded> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) {
      chunks.push(chunk);
    }
    const url = new URL(incoming.url ?? '/', this.origin);
    const body = Buffer.concat(chunks).toString();
    const request: Recorded = {
      endpoint: this.route(url.pathname),
      method: incoming.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      headers: incoming.headers,
      rawHeaders: incoming.rawHeaders,
      body,
      form: Object.fromEntries(new URLSearchParams(body)),
      connection: this.#connections.get(incoming.socket) ?? 0,
      notes: {},
    };
    this.#recorded.push(request);
    this.#waiting.forEach((resolve) => resolve());
    this.#waiting.clear();
    return request;
  }
}

const INSTEAD: Readonly<Record<'hang' | 'reset' | 'close', (incoming: IncomingMessage) => void>> = {
  hang: () => undefined,
  reset: (incoming) => incoming.socket.resetAndDestroy(),
  close: (incoming) => incoming.socket.destroy(),
};

async function send(answer: Answer, response: ServerResponse): Promise<void> {
  if (answer.raw !== undefined) {
    response.socket?.end(answer.raw);
    return;
  }
  const { headers, body } = withMediaType(answer);
  response.writeHead(answer.status ?? 200, headers);
  if (isStream(body)) {
    for await (const chunk of Readable.from(body)) {
      response.write(chunk);
    }
    response.end();
  } else {
    response.end(body);
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

interface Prepared {
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: string | Uint8Array | AsyncIterable<string | Uint8Array>;
}

function withMediaType({ headers = {}, body = '' }: Answer): Prepared {
  if (typeof body === 'string' || body instanceof Uint8Array || isStream(body)) {
    return { headers, body };
  }
  return { headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) };
}

function isStream(body: unknown): body is AsyncIterable<string | Uint8Array> {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body;
}

function isAddress(address: string | AddressInfo | null): address is AddressInfo {
  return typeof address === 'object' && address !== null;
}
