import type { PublishedServer } from '../authorization-server/published-server.js';
import { Server } from '../authorization-server/server.js';
import type { Clock } from '../clock/clock.js';
import { AccessTokenError, ConfigError } from '../errors/errors.js';
import type { OperatorPort } from '../events/operator-events.js';
import { unverifiedJwt } from '../jose/unverified-jwt.js';
import type { AccessRule } from '../nest/access-rule.js';
import { MemoryStore } from '../storage/memory-store.js';
import type { OidcStore } from '../storage/oidc-store.js';
import type { Evictions } from '../tokens/evictions.js';
import { accessTokenReader } from '../tokens/access-token-readers.js';
import { accessTokensSchema, type AccessTokensSetting } from '../tokens/access-tokens.option.js';
import { chain, type Awaitable } from '../values/awaitable.js';
import { validate } from '../values/validate.js';
import type { ResourceServerSettings, TrustedIssuerOptions, ValidateAccessToken } from './resource-server.options.js';
import { SenderConstraint, type Presentation } from './sender-constraint/sender-constraint.js';
import { TrustedIssuer } from './trusted-issuer.js';
import { TrustedIssuers } from './trusted-issuers.js';
import type { VerifiedAccessToken } from '../tokens/verified-access-token.js';

/** Makes the servers of other issuers: with our client there, or with public keys only if we are not registered. */
export interface ServersOfIssuers {
  at(options: TrustedIssuerOptions): Server | PublishedServer;
}

/** Dependencies of a resource server. */
export interface ResourceServerParts {
  /** The module's own authorization server. */
  readonly server: Server;
  readonly servers: ServersOfIssuers;
  readonly evictions: Evictions;
  /** The store that replicas share; undefined: each has its own memory. */
  readonly store: OidcStore | undefined;
  readonly operator: OperatorPort;
}

/** Resource server (RFC 6749, section 1.1): verifies access tokens by introspection or by their signature. */
export class ResourceServer {
  readonly server: Server;
  readonly operator: OperatorPort;
  readonly clock: Clock;
  readonly realm: string;
  readonly senderConstraint: SenderConstraint;
  /** The application's mapping from token to user, if there is one. */
  readonly validate: ValidateAccessToken | undefined;
  readonly #issuers: TrustedIssuers;

  constructor(
    readonly settings: ResourceServerSettings,
    { server, servers, evictions, store, operator }: ResourceServerParts,
  ) {
    this.server = server;
    this.operator = operator;
    this.clock = server.clock;
    this.realm = acceptedAudiences(settings)?.[0] ?? server.issuer;
    this.senderConstraint = new SenderConstraint(
      settings,
      store ?? new MemoryStore({ now: server.clock.now }),
      server.clock,
    );
    this.validate = settings.validate;
    this.#issuers = trustedIssuers(settings, { server, servers, store, operator });
    evictions.join({
      evictToken: (token) => this.#evict(token),
      evictSigned: () => this.#issuers.own.evictSigned(),
    });
  }

  /** The issuers that are known at boot. */
  get issuers(): readonly string[] {
    return this.#issuers.known;
  }

  /**
   * Verifies a token as the route requires, and that its sender is the client that it is bound to.
   *
   * @throws {AccessTokenError} the token is refused
   * @throws {OidcError} of another kind: the token can't be verified
   */
  verify(presentation: Presentation, rule: AccessRule): Awaitable<VerifiedAccessToken> {
    return chain(this.senderConstraint.prove(presentation), (proof) =>
      chain(this.#lookUp(presentation.token.value, rule), (token) =>
        this.senderConstraint.confirm(token, presentation, proof),
      ),
    );
  }

  #lookUp(token: string, rule: AccessRule): Awaitable<VerifiedAccessToken> {
    const { validation = this.settings.validation, freshness } = rule;
    // Unverified: it only chooses the issuer and the way to verify.
    const jwt = this.#issuers.areSeveral ? unverifiedJwt(token) : undefined;
    return chain(this.#issuers.get(jwt?.iss), (issuer) => {
      requireIntrospection(issuer, rule);
      const verified = issuer.verify(token, validation, freshness);
      return chain(verified, (found) => this.#issuers.requireOwn(found, issuer));
    });
  }

  /** Evicts a token at its issuer, even one that is new here: other replicas may have cached the token in the store. */
  async #evict(token: string): Promise<void> {
    const name = this.#issuers.areSeveral ? unverifiedJwt(token)?.iss : undefined;
    try {
      const issuer = await this.#issuers.get(name);
      await issuer.evict(token);
    } catch (error) {
      // Tokens of untrusted issuers are never cached.
      if (!(error instanceof AccessTokenError)) {
        throw error;
      }
    }
  }
}

/**
 * The issuers whose access tokens an API takes.
 *
 * @throws {ConfigError} an option of one of them is wrong
 */
export function trustedIssuers(
  settings: ResourceServerSettings,
  { server, servers, store, operator }: Omit<ResourceServerParts, 'evictions'>,
): TrustedIssuers {
  const { algorithms, cache, issuers, validation } = settings;
  const audience = acceptedAudiences(settings);
  const trusted = (accessTokens: AccessTokensSetting) => ({
    reader: accessTokenReader(accessTokens, audience, 'resourceServer.audience'),
    algorithms,
    cache,
    store,
    operator,
  });
  const own = new TrustedIssuer(server, server.canIntrospect ? server : undefined, trusted(settings.accessTokens));
  const create = (options: TrustedIssuerOptions): TrustedIssuer => {
    const other = servers.at(options);
    const asked = other instanceof Server && (validation !== 'jwt' || other.canIntrospect) ? other : undefined;
    if (asked !== undefined) {
      requireCredentials(asked);
    }
    return new TrustedIssuer(other, asked, trusted(accessTokensOf(options)));
  };
  return new TrustedIssuers(own, issuers, create, server.clock.now);
}

/** @throws {AccessTokenError} a route introspects, and our client is not registered at the token's issuer */
function requireIntrospection(issuer: TrustedIssuer, { validation: required }: AccessRule): void {
  if (!issuer.introspects && required === 'introspection') {
    throw new AccessTokenError(
      'TOKEN_ISSUER',
      'The issuer has to be asked about the token, and we are not registered there.',
    );
  }
}

/** The profile of another issuer's access tokens. @throws {ConfigError} it is none */
function accessTokensOf({ accessTokens }: TrustedIssuerOptions): AccessTokensSetting {
  return validate(accessTokensSchema, accessTokens, 'resourceServer.issuers.accessTokens');
}

function acceptedAudiences({ audience }: ResourceServerSettings): readonly string[] | undefined {
  return typeof audience === 'string' ? [audience] : audience || undefined;
}

/** @throws {ConfigError} our client at another issuer has no credentials for introspection */
function requireCredentials({ issuer, canIntrospect }: Server): void {
  if (!canIntrospect) {
    const problem = 'a client has nothing to authenticate with: introspection needs that (RFC 7662, section 2.1)';
    throw new ConfigError('INVALID_CONFIG', 'resourceServer.issuers', problem, { facts: { issuer } });
  }
}

/**
 * Checks that the resource server is configured. Each guard calls it at boot, before the first request.
 *
 * @throws {ConfigError} there is no audience, or nothing to authenticate with at the introspection endpoint
 */
export function requireConfiguration(api: ResourceServer | undefined): asserts api is ResourceServer {
  if (api === undefined) {
    throw new ConfigError('INVALID_CONFIG', 'resourceServer.audience', 'is required by OidcGuard');
  }
  const { validation } = api.settings;
  if (validation === 'introspection') {
    api.server.needs('introspection_endpoint');
  } else if (validation === 'auto') {
    // A server that has none may sign tokens that the profile takes.
    api.server.uses('introspection_endpoint');
  }
}
