import { PublishedServer } from '../authorization-server/published-server.js';
import { Server } from '../authorization-server/server.js';
import { Clock, type Now } from '../clock/clock.js';
import type { OperatorPort } from '../events/operator-events.js';
import { Connections } from '../http/connections.js';
import { Transport } from '../http/transport.js';
import type { DiscoverySource } from '../metadata/discovery.js';
import { throwFirst } from '../metadata/finding.js';
import { CLOCK_RULES } from '../metadata/profiled-options.js';
import { parseClientMetadata, type RegisteredClient } from '../metadata/registered-client.js';
import { profileFindings } from '../metadata/security-profiles.js';
import type { ServerMetadata } from '../metadata/server-metadata.js';
import type { ServersOfIssuers } from '../resource-server/resource-server.js';
import type { TrustedIssuerOptions } from '../resource-server/resource-server.options.js';
import { parseTrustedServer, serverOverrides, type ParsedOptions, type TrustedServer } from './oidc.options.js';

/** Defaults of all servers of one module. A client's own metadata overrides them. */
export interface ServerDefaults {
  readonly connections: Connections;
  readonly now: Now;
  readonly skew: number;
  readonly tolerance: number;
  readonly operator: OperatorPort;
}

/** Factory of authorization servers: the module's own, and those of the API's other trusted issuers. */
export class Servers implements ServersOfIssuers {
  constructor(
    private readonly options: ParsedOptions,
    private readonly defaults: ServerDefaults,
  ) {}

  /** The server where the module's client is registered. */
  own(): Server {
    const { client } = this.options;
    const source = this.#source(this.options, this.options.server, client);
    return new Server(client, source, ...this.#means(client, this.options));
  }

  /**
   * The server of another issuer. Without a client there, only its public metadata and keys are used.
   *
   * @throws {ConfigError} an option is wrong, or the issuer is plain http that is not allowed
   */
  at(trusted: TrustedIssuerOptions): Server | PublishedServer {
    const { options } = this;
    const server = parseTrustedServer(trusted, options.insecureHttp);
    const own = trusted.issuer === options.issuer ? options.client : undefined;
    const overrides = serverOverrides(trusted.server, trusted.issuer);
    if (trusted.client === undefined) {
      return new PublishedServer(this.#source(server, overrides, undefined), ...this.#means(own, server));
    }
    const client = own ?? parseClientMetadata(trusted.client, options.profile);
    return new Server(client, this.#source(server, overrides, client), ...this.#means(client, server));
  }

  /** @param client the one that is registered there; undefined: none is */
  #source(
    server: TrustedServer,
    overrides: Partial<ServerMetadata>,
    client: RegisteredClient | undefined,
  ): DiscoverySource {
    const { issuer, backchannelUrl, tenants, discovery = {} } = server;
    const { insecureHttp, profile } = this.options;
    const { document = this.options.discovery.document, url } = discovery;
    const profiled = profile && { profile, client: client?.metadata };
    return { issuer, backchannelUrl, tenants, insecureHttp, document, url, overrides, profiled };
  }

  /**
   * Transport, clock and operator port for a server.
   *
   * @throws {ConfigError} the tolerance of the clock breaks the security profile
   */
  #means(
    client: RegisteredClient | undefined,
    { issuer, backchannelUrl: url }: TrustedServer,
  ): [Transport, Clock, OperatorPort] {
    const { connections, now, skew, operator } = this.defaults;
    const { tolerance = this.defaults.tolerance } = client ?? {};
    const member = client?.tolerance === undefined ? 'OIDC_CLOCK_TOLERANCE' : 'client[clockTolerance]';
    throwFirst(profileFindings(CLOCK_RULES, { member, tolerance }, this.options.profile));
    const backchannel = url === undefined ? undefined : { issuer, url };
    const { fetch = this.options.client.fetch } = client ?? {};
    return [
      new Transport(fetch ? new Connections(this.options.http, now, { fetch }) : connections, backchannel),
      new Clock(now, client?.skew ?? skew, tolerance),
      operator,
    ];
  }
}
