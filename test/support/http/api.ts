import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

import { closeLater } from '../closing.js';
import { freePort } from '../ports.js';

/** A request that an {@link Api} got. */
export interface ApiCall {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** An API on a port of loopback, without a mind of its own. It is closed at the end of the test. */
export class Api {
  readonly calls: ApiCall[] = [];
  /** Answers the next requests; it may read the body itself. */
  answer: Answer = (_request, response) => void response.end('{"from":"api"}');

  /** Hears bodies as they come. */
  hear: (chunk: string) => void = () => undefined;

  private constructor(readonly url: string) {}

  static async start(): Promise<Api> {
    const port = await freePort();
    const api = new Api(`http://127.0.0.1:${port}`);
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk) => chunks.push(chunk));
      request.on('data', (chunk) => api.hear(String(chunk)));
      request.on('error', () => undefined);
      const { method = '', url = '', headers } = request;
      request.on('end', () => api.calls.push({ method, url, headers, body: Buffer.concat(chunks).toString() }));
      request.on('end', () => api.answer(request, response));
    });
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    closeLater({
      close: async () => {
        server.closeAllConnections();
        server.close();
        await once(server, 'close');
      },
    });
    return api;
  }

  get last(): ApiCall {
    const call = this.calls.at(-1);
    if (call === undefined) {
      throw new Error('The API was not called');
    }
    return call;
  }
}
