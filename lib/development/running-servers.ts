import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { connect } from 'node:net';

import { ConfigError } from '../errors/errors.js';
import { textMember } from '../values/member.js';
import { isLoopback } from '../values/url.js';
import type { DevelopmentClient } from './development-client.js';
import { DevelopmentProvider } from './development-provider.js';
import { DevelopmentServer } from './development-server.js';
import { loadOidcProvider } from './oidc-provider.js';

/**
 * How a client has its provider: this process `started` it, or had it already and has `joined` the client, or somebody
 * else listens there and was `found`.
 */
export type ProviderOrigin = 'started' | 'joined' | 'found';

/** A client's hold on its provider. */
export interface ProviderHold {
  readonly origin: ProviderOrigin;
  /** Lets go of it; the last one closes the server. */
  release(): Promise<void>;
}

interface Running {
  readonly server: DevelopmentServer;
  holds: number;
}

/** A port is the process's: applications and named clients in it share what listens there. */
const running = new Map<string, Running>();

let queue: Promise<unknown> = Promise.resolve();

/** One after the other: who starts, joins and closes at the same time would meet at the port. */
function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const result = queue.then(work);
  queue = result.catch(() => undefined);
  return result;
}

/**
 * Has a provider for development at the issuer of a client: at that host and port, and with that client.
 *
 * @throws {ConfigError} `oidc-provider` is not installed, it can't listen there, or it does not take the client
 */
export function holdProvider(client: DevelopmentClient): Promise<ProviderHold> {
  return inTurn(async () => {
    const { origin } = new URL(client.issuer);
    const known = running.get(origin);
    const there = known ?? (await start(new URL(origin)));
    if (there === undefined) {
      return { origin: 'found', release: async () => undefined };
    }
    running.set(origin, there);
    there.holds += 1;
    const release = (): Promise<void> => inTurn(() => letGo(origin, there));
    const oidcProvider = await loadOidcProvider();
    try {
      await there.server
        .provider(client.issuer, () => new DevelopmentProvider(client.issuer, oidcProvider))
        .add(client);
    } catch (error) {
      await letGo(origin, there);
      throw error;
    }
    return { origin: known === undefined ? 'started' : 'joined', release };
  });
}

async function letGo(origin: string, there: Running): Promise<void> {
  there.holds -= 1;
  if (there.holds === 0) {
    running.delete(origin);
    await there.server.close();
  }
}

/** @returns undefined where somebody listens already */
async function start(origin: URL): Promise<Running | undefined> {
  const port = Number(origin.port || '80');
  try {
    const { address } = await lookup(origin.hostname.replace(/^\[|\]$/g, ''));
    if (!isLoopback(address) && address !== '::1') {
      throw new ConfigError('INVALID_CONFIG', 'development', `needs an issuer that leads to this machine only`);
    }
    if (await isTaken(address, port)) {
      return undefined;
    }
    await loadOidcProvider();
    const server = new DevelopmentServer(origin);
    await server.listen(address, port);
    return { server, holds: 0 };
  } catch (error) {
    const code = textMember(error, 'code');
    if (code === 'EADDRINUSE') {
      return undefined;
    }
    if (error instanceof ConfigError) {
      throw error;
    }
    throw new ConfigError('INVALID_CONFIG', 'development', `can't listen at ${origin.origin} (${code})`, {
      cause: error,
    });
  }
}

/** Some systems let two listen at a port, one of them at all addresses. */
async function isTaken(host: string, port: number): Promise<boolean> {
  const socket = connect(port, host);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
