import type { DevelopmentClient } from './development-client.js';
import { DevelopmentServer } from './development-server.js';
import { loadOidcProvider } from './oidc-provider.js';

/**
 * How a client got its provider: this process `started` it, or had started it and has `joined` the client; or somebody else
 * listens there and was `found`.
 */
export type ProviderState = 'started' | 'joined' | 'found';

/** A provider that a client uses. */
export interface AcquiredProvider {
  readonly state: ProviderState;
  /** The last release closes the server. */
  release(): Promise<void>;
}

/** A server, and how many clients use it. */
interface Running {
  readonly server: DevelopmentServer;
  clients: number;
}

/** By origin. A port is the process's: all its applications and their named clients share what listens there. */
const running = new Map<string, Running>();

let queue: Promise<unknown> = Promise.resolve();

/** One after the other: clients that start and stop at the same time would meet at the port. */
function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const result = queue.then(work);
  queue = result.catch(() => undefined);
  return result;
}

/**
 * Registers a client at the provider for development of its issuer, which starts at that host and port if it does not run.
 *
 * @throws {ConfigError} `oidc-provider` is not installed, nobody can listen there, or the client is refused
 */
export function acquireProvider(client: DevelopmentClient): Promise<AcquiredProvider> {
  return inTurn(() => acquire(client));
}

async function acquire(client: DevelopmentClient): Promise<AcquiredProvider> {
  const { origin } = new URL(client.issuer);
  const there = running.get(origin) ?? (await start(origin));
  if (there === undefined) {
    return { state: 'found', release: async () => undefined };
  }
  running.set(origin, there);
  there.clients += 1;
  try {
    const isNew = await there.server.add(client, await loadOidcProvider());
    return { state: isNew ? 'started' : 'joined', release: () => inTurn(() => release(origin, there)) };
  } catch (error) {
    await release(origin, there);
    throw error;
  }
}

async function release(origin: string, there: Running): Promise<void> {
  there.clients -= 1;
  if (there.clients === 0) {
    running.delete(origin);
    await there.server.close();
  }
}

/** @returns undefined where somebody else listens */
async function start(origin: string): Promise<Running | undefined> {
  const server = new DevelopmentServer(new URL(origin));
  return (await server.listen()) ? { server, clients: 0 } : undefined;
}
