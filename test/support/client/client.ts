import { request } from 'undici';

import { Server } from '../../../lib/authorization-server/server.js';
import type { AuthorizationUrlOptions } from '../../../lib/authorization/authorization-parameters.js';
import { OidcClient, type CallbackOptions, type CallbackResult } from '../../../lib/client/oidc-client.js';
import { Clock } from '../../../lib/clock/clock.js';
import type { Wait } from '../../../lib/clock/wait.js';
import type { OperatorEvent } from '../../../lib/events/operator-events.js';
import { Connections } from '../../../lib/http/connections.js';
import type { HttpSettings } from '../../../lib/http/http.options.js';
import { Transport } from '../../../lib/http/transport.js';
import type { ClientMetadata } from '../../../lib/metadata/client-metadata.js';
import type { DiscoveryDocument } from '../../../lib/metadata/discovery.js';
import { parseClientMetadata } from '../../../lib/metadata/registered-client.js';
import { securityProfile, type SecurityProfileName } from '../../../lib/metadata/security-profiles.js';
import type { ServerMetadata } from '../../../lib/metadata/server-metadata.js';
import type { Tenants } from '../../../lib/metadata/tenants.js';
import type { OidcStore } from '../../../lib/storage/oidc-store.js';
import { Evictions } from '../../../lib/tokens/evictions.js';
import { closeLater } from '../closing.js';
import { CLIENT_SECRET, type CorrectProvider } from '../provider/provider.js';
import { LIMITS } from '../http/limits.js';

export const REDIRECT_URI = 'https://app.test/auth/callback';

/** What `OidcModule` makes a client's server of. */
interface ServerSettings {
  /** Members that stand above the published ones. */
  readonly server: Partial<ServerMetadata>;
  readonly document: DiscoveryDocument;
  readonly tenants: Tenants;
  readonly transport: Transport;
  readonly skew: number;
  readonly tolerance: number;
  readonly profile: SecurityProfileName;
}

/** A client without Nest, and what stands behind it. */
export interface StandaloneClient {
  readonly oidc: OidcClient;
  readonly server: Server;
  readonly evictions: Evictions;
  /** What an operator would see. */
  readonly reported: readonly OperatorEvent[];
}

export interface ClientSetup {
  /** Stands above the default client `rp1`. */
  readonly metadata?: Partial<ClientMetadata>;
  /** What the provider knows of the client, where it is not what the client believes. */
  readonly registered?: Readonly<Record<string, unknown>>;
  readonly http?: Partial<HttpSettings>;
  /** What replicas share. */
  readonly store?: OidcStore;
  /** Default: the clock of the provider goes on by as much. */
  readonly wait?: Wait;
  /** Stands above what `OidcModule` would pass. */
  readonly settings?: Partial<ServerSettings>;
}

/** A provider that clients are registered at. */
type RegisteringProvider = Pick<CorrectProvider, 'issuer' | 'clock' | 'register'>;

/**
 * An `OidcClient` without Nest, registered at the provider. It is closed at the end of the test.
 *
 * ```ts
 * const { oidc } = clientOf(op, { metadata: { id_token_signed_response_alg: 'ES256' } });
 * const { idToken } = await loginWith(oidc, op);
 * ```
 */
export function clientOf(
  op: RegisteringProvider,
  { metadata = {}, registered = {}, http = {}, settings = {}, store, wait = advancing(op) }: ClientSetup = {},
): StandaloneClient {
  const client = { client_id: 'rp1', client_secret: CLIENT_SECRET, redirect_uris: [REDIRECT_URI], ...metadata };
  op.register({ ...client, ...registered });
  const reported: OperatorEvent[] = [];
  const {
    server: overrides = {},
    document = 'openid-configuration',
    tenants,
    profile: name,
    transport = new Transport(closeLater(new Connections({ ...LIMITS, ...http }, op.clock.now))),
    skew = 0,
    tolerance = 30,
  } = settings;
  const profile = securityProfile(name);
  const parsed = parseClientMetadata(client, profile);
  const profiled = profile && { profile, client: parsed.metadata };
  const source = { issuer: op.issuer, insecureHttp: false, document, overrides, tenants, profiled };
  const clock = new Clock(op.clock.now, skew, tolerance);
  const operator = { report: (event: OperatorEvent): void => void reported.push(event) };
  const server = new Server(parsed, source, transport, clock, operator);
  const evictions = new Evictions();
  const oidc = new OidcClient(undefined, server, evictions, { operator, store, wait });
  return { oidc, server, evictions, reported };
}

/** A wait that takes no time: the clock of the provider goes on by as much. */
function advancing({ clock }: RegisteringProvider): Wait {
  return async (milliseconds, signal) => {
    signal?.throwIfAborted();
    clock.advance(milliseconds / 1000);
  };
}

/** The parameters of the provider's answer to a login, as a browser would bring them. */
export async function answerTo(url: string): Promise<ReadonlyMap<string, string>> {
  const { headers } = await request(url);
  const { search, hash } = new URL(String(headers['location']));
  return new Map(new URLSearchParams(hash === '' ? search : hash.slice(1)));
}

/** A whole login with nothing between the client and the provider. */
export async function loginWith(
  oidc: OidcClient,
  op: CorrectProvider,
  { request, callback }: { request?: AuthorizationUrlOptions; callback?: CallbackOptions } = {},
): Promise<CallbackResult> {
  const { url, transaction } = await oidc.authorizationUrl(request);
  const code = op.issueCode(oidc.metadata.client_id, await op.parametersAt(url));
  return oidc.callback(
    new Map([
      ['code', code],
      ['state', transaction.state],
      ['iss', op.issuer],
    ]),
    transaction,
    callback,
  );
}

/** What a rejected promise was rejected with. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => {
      throw new Error(`Expected a rejection, got ${JSON.stringify(value)}`);
    },
    (error: unknown) => error,
  );
}
