import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';

import { Agent, request } from 'undici';

/** Headers of one connection (RFC 9110, section 7.6.1), as far as Node sends them. */
const HOP_BY_HOP = ['connection', 'keep-alive', 'transfer-encoding'];

/**
 * Load balancer that sends each request to the next server. As nginx does, it asks another one where a server is gone before
 * it answered a `GET`.
 */
export class RoundRobin {
  /** Which server answered, request by request. */
  readonly answeredBy: number[] = [];
  readonly #dispatcher = new Agent({ connections: 64 });
  readonly #server = createServer((incoming, outgoing) => void this.#forward(incoming, outgoing));
  #turn = 0;

  private constructor(private readonly addresses: readonly string[]) {}

  static async start(addresses: readonly string[]): Promise<RoundRobin> {
    const roundRobin = new RoundRobin(addresses);
    roundRobin.#server.listen(0, '127.0.0.1');
    await once(roundRobin.#server, 'listening');
    return roundRobin;
  }

  get address(): string {
    return `http://127.0.0.1:${Object(this.#server.address()).port}`;
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
    await this.#dispatcher.destroy();
  }

  async #forward(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const tries = incoming.method === 'GET' ? this.addresses.length : 1;
    const turn = this.#turn;
    this.#turn += 1;
    for (let count = 0; count < tries; count += 1) {
      const index = (turn + count) % this.addresses.length;
      try {
        const answer = await request(`${this.addresses[index]}${incoming.url}`, {
          dispatcher: this.#dispatcher,
          method: incoming.method === 'POST' ? 'POST' : 'GET',
          headers: endToEnd(incoming.headers),
          body: incoming.method === 'POST' ? incoming : null,
        });
        this.answeredBy.push(index);
        outgoing.writeHead(answer.statusCode, endToEnd(answer.headers));
        await pipeline(answer.body, outgoing);
        return;
      } catch {
        // The next one is asked.
      }
    }
    outgoing.writeHead(502).end();
  }
}

function endToEnd(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.includes(name)));
}
