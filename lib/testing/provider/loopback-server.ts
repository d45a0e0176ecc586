import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';

import { send, type Answer } from './http-answer.js';

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

/**
 * HTTP server on a free port of loopback that records the requests it gets. Routes and answers are the subclass's.
 *
 * ```ts
 * server.requests('token')[0]?.form['grant_type'];
 * ```
 */
export abstract class LoopbackServer {
  readonly #server: Server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    void this.#serve(request, response);
  });
  readonly #recorded: Recorded[] = [];
  readonly #connections = new WeakMap<object, number>();
  readonly #waiting = new Set<() => void>();
  #connectionCount = 0;

  protected constructor(private readonly host = '127.0.0.1') {
    this.#server.on('connection', (socket) => {
      this.#connectionCount += 1;
      this.#connections.set(socket, this.#connectionCount);
      socket.on('error', () => undefined);
    });
  }

  protected async listen(port = 0): Promise<void> {
    this.#server.listen(port, this.host);
    await once(this.#server, 'listening');
    // A test that never comes to its end must not wait for it.
    this.#server.unref();
  }

  /** `http://127.0.0.1:<port>` */
  get origin(): string {
    return `http://${this.host}:${portOf(this.#server)}`;
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

  /** Stops at once, whatever hangs. */
  async close(): Promise<void> {
    if (this.#server.listening) {
      const closed = once(this.#server, 'close');
      this.#server.close();
      this.#server.closeAllConnections();
      await closed;
    }
  }

  /** The name of the route that a path belongs to. */
  protected abstract route(path: string): string;

  /** The answer to a request. */
  protected abstract respond(request: Recorded): Promise<Answer>;

  /** Sends the answer: the seam for who answers otherwise than by HTTP. */
  protected async answerTo(request: Recorded, response: ServerResponse): Promise<void> {
    await send(await this.respond(request), response);
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const request = await this.#record(incoming);
      response.on('error', () => undefined);
      await this.answerTo(request, response);
    } catch (error) {
      // The other side hung up, or a test's own function threw: the latter must be seen.
      if (!incoming.socket.destroyed && !response.headersSent) {
        response.writeHead(500, { 'content-type': 'text/plain' }).end(String(error));
      }
    }
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

/** The port that a server listens at; 0: none. */
export function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** A cookie of a request; undefined: there is none, or it is empty. */
export function cookieOf({ headers }: Recorded, name: string): string | undefined {
  const [, value = ''] = new RegExp(`(?:^|; )${name}=([\\w-]*)`).exec(headers.cookie ?? '') ?? [];
  return value || undefined;
}
