import { healthOf, type DocumentHealth, type ServerHealth } from '../authorization-server/server-health.js';
import type { Server } from '../authorization-server/server.js';
import type { OidcErrorCode } from '../errors/codes.js';
import { keepingOf } from '../session/session.options.js';
import type { ParsedOptions } from './oidc.options.js';
import { storeFault } from './store-health.js';

/** What still serves while something is wrong. */
export type HealthyPart = 'sessions' | 'introspection' | 'cached introspections' | 'signed tokens';

/** Details of a client's health: states and codes, no text of an error. */
export interface ClientHealth {
  readonly issuer: string;
  readonly provider: 'reachable' | 'unreachable';
  readonly keys: DocumentHealth['state'];
  /** Left out: there is no `store`. */
  readonly store?: 'reachable' | 'unreachable';
  readonly circuit: 'closed' | 'open';
  /** Seconds until the provider is called again, where the circuit is open. */
  readonly retryAfter?: number;
  /** Why something is not as it should be. */
  readonly codes?: Readonly<Record<string, OidcErrorCode>>;
  /** What still serves, where something is wrong. */
  readonly serves?: readonly HealthyPart[];
}

export type HealthStatus = 'up' | 'degraded' | 'down';

type ApiOptions = NonNullable<ParsedOptions['resourceServer']>;

interface Seen {
  readonly api: ApiOptions | undefined;
  readonly session: ParsedOptions['session'];
  readonly hasStore: boolean;
  readonly isStoreThere: boolean;
  readonly isServerThere: boolean;
  readonly server: ServerHealth;
}

/** What serves with what was seen, in this order. */
const PARTS: readonly (readonly [part: HealthyPart, serves: (seen: Seen) => boolean])[] = [
  [
    'sessions',
    ({ session, hasStore, isStoreThere }) =>
      session !== undefined && (isStoreThere || keepingOf(session, hasStore).keep === 'cookie'),
  ],
  ['introspection', ({ api, isServerThere }) => isServerThere && isIntrospected(api)],
  [
    'cached introspections',
    ({ api, server }) => isIntrospected(api) && api.cache !== undefined && isThere(server.metadata),
  ],
  [
    'signed tokens',
    ({ api, server }) => api !== undefined && api.validation !== 'introspection' && isThere(server.keys),
  ],
];

/**
 * Asks the provider and the store how they are.
 *
 * A client is degraded while requests are still served of what is kept: sessions, cached introspections, tokens whose
 * signature the kept keys verify. It is down when nothing is left.
 */
export async function clientHealth(
  server: Server,
  { resourceServer: api, session, store, http: { timeout } }: ParsedOptions,
): Promise<{ readonly status: HealthStatus; readonly details: ClientHealth }> {
  const [seen, storeCode] = await Promise.all([
    healthOf(server),
    store && storeFault(store, server.clock.now(), timeout),
  ]);
  const { metadata, keys, openCircuit } = seen;
  const isServerThere = metadata.state === 'fetched' && openCircuit === undefined;
  const isStoreThere = storeCode === undefined;
  const isUp = isServerThere && isStoreThere && keys.code === undefined;
  const serves = PARTS.filter(([, does]) =>
    does({ api, session, hasStore: store !== undefined, isStoreThere, isServerThere, server: seen }),
  ).map(([part]) => part);
  const codes = Object.entries({
    provider: metadata.code,
    keys: keys.code,
    store: storeCode,
    circuit: openCircuit?.code,
  }).flatMap(([part, code]) => (code === undefined ? [] : [[part, code] as const]));
  return {
    status: isUp ? 'up' : serves.length > 0 ? 'degraded' : 'down',
    details: {
      issuer: server.issuer,
      provider: metadata.state === 'fetched' ? 'reachable' : 'unreachable',
      keys: keys.state,
      ...(store !== undefined && { store: isStoreThere ? ('reachable' as const) : ('unreachable' as const) }),
      circuit: openCircuit === undefined ? 'closed' : 'open',
      ...(openCircuit !== undefined && { retryAfter: openCircuit.retryAfter }),
      ...(!isUp && { codes: Object.fromEntries(codes), serves }),
    },
  };
}

function isIntrospected(api: ApiOptions | undefined): api is ApiOptions {
  return api !== undefined && api.validation !== 'jwt';
}

function isThere({ state }: DocumentHealth): boolean {
  return state === 'fetched' || state === 'kept';
}
