import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

import { ConfigError } from '../errors/errors.js';
import { textMember } from '../values/member.js';
import type { DevelopmentClient } from './development-client.js';
import { DevelopmentProvider } from './development-provider.js';
import { isTaken, loopbackAddress } from './loopback.js';
import type { OidcProvider } from './oidc-provider.js';
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

  /**
   * Listens at the host and the port of its origin, if nobody does.
   *
   * @returns whether it listens
   * @throws {ConfigError} nobody can listen there
   */
  async listen(): Promise<boolean> {
    const port = Number(this.origin.port || '80');
    try {
      const address = await loopbackAddress(this.origin);
      if (await isTaken(address, port)) {
        return false;
      }
      this.#server.listen(port, address);
      await once(this.#server, 'listening');
      return true;
    } catch (error) {
      const code = textMember(error, 'code');
      if (code === 'EADDRINUSE') {
        return false;
      }
      const problem = `can't listen at ${this.origin.origin} (${code})`;
      throw new ConfigError('INVALID_CONFIG', 'development', problem, { cause: error });
    }
  }

  /**
   * Registers a client at the provider of its issuer.
   *
   * @returns whether the provider is a new one
   * @throws {ConfigError} the provider refuses the client
   */
  async add(client: DevelopmentClient, oidcProvider: OidcProvider): Promise<boolean> {
    const known = this.#providers.get(client.issuer);
    const provider = known ?? new DevelopmentProvider(client.issuer, oidcProvider);
    await provider.add(client);
    this.#providers.set(client.issuer, provider);
    return known === undefined;
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
