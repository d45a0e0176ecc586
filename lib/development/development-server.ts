import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

import type { DevelopmentProvider } from './development-provider.js';
import { isForHost } from './same-origin.js';

/** Metadata of an issuer with a path may be asked for before that path (RFC 8414, section 3.1). */
const METADATA = '/.well-known/oauth-authorization-server';

/** HTTP server of providers for development: one for each issuer at a host and port. */
export class DevelopmentServer {
  readonly #providers = new Map<string, DevelopmentProvider>();
  readonly #server: Server = createServer((request, response) => this.#answer(request, response));

  /** @param origin of its issuers: requests that name another host are refused */
  constructor(private readonly origin: URL) {
    // It keeps no process alive, such as one whose boot failed.
    this.#server.on('connection', (socket) => socket.unref());
    this.#server.unref();
  }

  /** @throws what Node throws, such as `EADDRINUSE` */
  async listen(host: string, port: number): Promise<void> {
    this.#server.listen(port, host);
    await once(this.#server, 'listening');
  }

  /** The provider of an issuer, made when there is none. */
  provider(issuer: string, make: () => DevelopmentProvider): DevelopmentProvider {
    const provider = this.#providers.get(issuer) ?? make();
    this.#providers.set(issuer, provider);
    return provider;
  }

  /** Closes the connections that are kept alive too: the port is free at once. */
  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    if (!isForHost(request, this.origin)) {
      return refuse(response, 421, `The provider for development is at ${this.origin.origin}.`);
    }
    const { url = '' } = request;
    for (const provider of this.#providers.values()) {
      const path = pathBelow(provider.base, url);
      if (path !== undefined) {
        Object.assign(request, { url: path, originalUrl: url, baseUrl: provider.base });
        return provider.handle(request, response);
      }
    }
    return refuse(response, 404, `There is no issuer at ${this.origin.origin} with such a path.`);
  }
}

/** The path and the query of a request below an issuer; undefined: it is not below. */
function pathBelow(base: string, url: string): string | undefined {
  const [path = '', ...query] = url.split(/(?=\?)/);
  if (path === METADATA + base) {
    return METADATA + query.join('');
  }
  if (!path.startsWith(`${base}/`) && path !== base) {
    return undefined;
  }
  return (path.slice(base.length) || '/') + query.join('');
}

function refuse(response: ServerResponse, status: number, sentence: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store' });
  response.end(`${sentence}\n`);
}
