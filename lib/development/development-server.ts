import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

import { ConfigError } from '../errors/errors.js';
import { textMember } from '../values/member.js';
import type { DevelopmentClient } from './development-client.js';
import { DevelopmentProvider } from './development-provider.js';
import { isTaken, loopbackAddresses } from './loopback.js';
import type { OidcProvider } from './oidc-provider.js';
import { isForHost } from './same-origin.js';

/** Metadata of an issuer with a path may be asked for before that path (RFC 8414, section 3.1). */
const METADATA = '/.well-known/oauth-authorization-server';

/** The machine has no such address, though a name may stand for it: many have no IPv6. */
const NOT_HERE: readonly unknown[] = ['EADDRNOTAVAIL', 'EAFNOSUPPORT'];

/** HTTP server of providers for development: one for each issuer at a host and port. */
export class DevelopmentServer {
  readonly #providers = new Map<string, DevelopmentProvider>();
  /** One for each address of the host. */
  readonly #servers: Server[] = [];

  /** @param origin of its issuers: requests that name another host are refused */
  constructor(private readonly origin: URL) {}

  /**
   * Listens at the port of its origin, at each address of its host, if nobody does at any of them.
   *
   * @returns whether it listens
   * @throws {ConfigError} nobody can listen there
   */
  async listen(known?: readonly string[]): Promise<boolean> {
    const port = Number(this.origin.port || '80');
    try {
      const addresses = known ?? (await loopbackAddresses(this.origin));
      const taken = await Promise.all(addresses.map((address) => isTaken(address, port)));
      if (taken.includes(true)) {
        return false;
      }
      await this.#listenAt(addresses, port);
      return true;
    } catch (error) {
      await this.close();
      const code = textMember(error, 'code');
      if (code === 'EADDRINUSE') {
        return false;
      }
      const problem = `can't listen at ${this.origin.origin} (${code})`;
      throw new ConfigError('INVALID_CONFIG', 'development', problem, { cause: error });
    }
  }

  async #listenAt(addresses: readonly string[], port: number): Promise<void> {
    const missing: unknown[] = [];
    for (const address of addresses) {
      const server = createServer((request, response) => this.#answer(request, response)).listen(port, address);
      // It keeps no process alive, such as one whose boot failed.
      server.on('connection', (socket) => socket.unref()).unref();
      try {
        await once(server, 'listening');
        this.#servers.push(server);
      } catch (error) {
        if (!NOT_HERE.includes(textMember(error, 'code'))) {
          throw error;
        }
        missing.push(error);
      }
    }
    if (this.#servers.length === 0) {
      throw missing[0];
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
    await Promise.all(
      this.#servers.splice(0).map(async (server) => {
        const closed = once(server, 'close');
        server.close();
        server.closeAllConnections();
        await closed;
      }),
    );
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    if (!isForHost(request, this.origin)) {
      return refuse(response, 421, `The provider for development is at ${this.origin.origin}.`);
    }
    const { url = '' } = request;
    // The longest path first: all of them stand below an issuer without one.
    for (const provider of [...this.#providers.values()].sort((one, other) => other.base.length - one.base.length)) {
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
