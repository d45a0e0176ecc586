import type { Clock } from '../clock/clock.js';
import { ConfigError } from '../errors/errors.js';
import type { OperatorPort } from '../events/operator-events.js';
import type { Transport } from '../http/transport.js';
import { ASYMMETRIC_ALGORITHMS } from '../jose/algorithms.js';
import type { EncryptionKey } from '../jose/encryption.js';
import type { KeySource } from '../jose/jwt.js';
import type { KeySet } from '../jose/key-set.js';
import type { IssuerRule } from '../jose/issuer-rule.js';
import { RemoteKeys } from '../jose/remote-keys.js';
import { isOfTenant } from '../jose/tenant.js';
import { discover, type Discovered, type DiscoverySource } from '../metadata/discovery.js';
import type { SecurityProfile } from '../metadata/security-profiles.js';
import type { ServerMetadata } from '../metadata/server-metadata.js';
import type { Tenants } from '../metadata/tenants.js';
import { chain, type Awaitable } from '../values/awaitable.js';
import { ServerIssuer } from './server-issuer.js';

/** The public part of an authorization server: its metadata and its keys. Reading them needs no registration. */
export class PublishedServer {
  readonly issuer: string;
  /** The name by which an access token is found to be of this server, before anything was asked. */
  readonly nameInAccessTokens: string;
  /** What its answers name: ID tokens, and introspection and userinfo where they are signed. */
  readonly answerIssuer: IssuerRule;
  /** What its access tokens name: `access_token_issuer` where the server has that, else its issuer. */
  readonly accessTokenIssuer: IssuerRule;
  /** Undefined: it is the server of one issuer. */
  readonly tenants: Tenants | undefined;
  /** The security profile that is kept; undefined: none. */
  readonly profile: SecurityProfile | undefined;
  /** The asymmetric algorithms that are taken, for JWTs of which the server publishes no list. */
  readonly algorithms: readonly string[];
  readonly #discovered: Discovered;
  #keys: { readonly uri: string; readonly remote: RemoteKeys } | undefined;

  constructor(
    source: DiscoverySource,
    readonly transport: Transport,
    readonly clock: Clock,
    readonly operator: OperatorPort,
  ) {
    this.issuer = source.issuer;
    this.nameInAccessTokens = source.overrides.access_token_issuer ?? source.issuer;
    this.#discovered = discover(transport, source, clock.now);
    this.tenants = source.tenants;
    this.profile = source.profiled?.profile;
    this.algorithms = this.profile?.algorithms ?? ASYMMETRIC_ALGORITHMS;
    const issuer = (name: (metadata: ServerMetadata) => string) =>
      new ServerIssuer(() => this.metadata(), source.tenants, name);
    this.answerIssuer = issuer((metadata) => metadata.issuer);
    this.accessTokenIssuer = issuer((metadata) => metadata.access_token_issuer ?? metadata.issuer);
  }

  /** Whether an authorization response that names this issuer is one of the server (RFC 9207). */
  isNamed(iss: string): boolean {
    return iss === this.issuer || (this.tenants !== undefined && isOfTenant(iss, this.issuer));
  }

  /** The server's metadata. It comes at once while the kept copy is fresh. */
  metadata(): ServerMetadata | Promise<ServerMetadata> {
    return this.#discovered.get();
  }

  /** Fetches the server's metadata now, even if the cached copy is fresh. */
  refreshedMetadata(): ServerMetadata | Promise<ServerMetadata> {
    return this.#discovered.refresh();
  }

  /** The server's keys for JWTs that a stranger can send to us. */
  strangersKeys(): Awaitable<KeySource> {
    return chain(this.metadata(), (metadata) => this.publishedKeys(metadata).from('stranger'));
  }

  /** @throws {ConfigError} the server publishes no key to encrypt to by this algorithm */
  async encryptionKey(alg: string): Promise<EncryptionKey> {
    const key = await this.publishedKeys(await this.metadata()).encryptionKey(alg);
    if (key === undefined) {
      const facts = { alg, issuer: this.issuer };
      throw new ConfigError('INVALID_CONFIG', 'server.jwks_uri', 'has no key to encrypt to', { facts });
    }
    return key;
  }

  /** Whether there is metadata, and whether there are keys, that serve while the server is down. */
  get kept(): { readonly metadata: boolean; readonly keys: boolean } {
    return { metadata: this.#discovered.isKept, keys: this.#keys?.remote.areKept === true };
  }

  /** Fetches the server's keys now, even if those kept are fresh. @returns undefined: it publishes none */
  async refreshKeys(): Promise<KeySet | undefined> {
    const metadata = await this.metadata();
    return metadata.jwks_uri === undefined ? undefined : this.publishedKeys(metadata).refresh();
  }

  /** Drops the kept keys: the next verification fetches them. */
  forgetKeys(): void {
    this.#keys = undefined;
  }

  /** @throws {ConfigError} `NO_JWKS_URI` */
  publishedKeys({ jwks_uri: uri }: ServerMetadata): RemoteKeys {
    if (uri === undefined) {
      throw new ConfigError('NO_JWKS_URI', 'server.jwks_uri', 'is not published, and a signature has to be verified');
    }
    if (this.#keys?.uri !== uri) {
      this.#keys = { uri, remote: new RemoteKeys(this.transport, uri, this.clock.now, this.operator) };
    }
    return this.#keys.remote;
  }
}
