import type { OidcClient } from '../client/oidc-client.js';
import { AccessTokenError, ConfigError } from '../errors/errors.js';
import { unverifiedJwt, type UnverifiedJwt } from '../jose/unverified-jwt.js';
import type { AccessRule } from '../nest/access-rule.js';
import { MemoryStore } from '../storage/memory-store.js';
import type { OidcStore } from '../storage/oidc-store.js';
import { chain, type Awaitable } from '../values/awaitable.js';
import type { ResourceServerSettings, TrustedIssuerOptions, ValidateAccessToken } from './resource-server.options.js';
import { SenderConstraint, type Presentation } from './sender-constraint/sender-constraint.js';
import { TrustedIssuer, type Way } from './trusted-issuer.js';
import { TrustedIssuers } from './trusted-issuers.js';
import type { VerifiedAccessToken } from './verified-access-token.js';

/** What a resource server is made of, beside its options. */
export interface ResourceServerParts {
  readonly client: OidcClient;
  /** Undefined: replicas share nothing. */
  readonly store: OidcStore | undefined;
  /** Makes our client at another issuer. */
  readonly clientAt: (options: TrustedIssuerOptions) => OidcClient;
  readonly warn: (problem: string) => void;
}

/** The API as its authorization servers know it: verifies access tokens, by introspection or by their signature. */
export class ResourceServer {
  readonly client: OidcClient;
  readonly realm: string;
  readonly senderConstraint: SenderConstraint;
  /** The application's mapping from token to user, if there is one. */
  readonly validate: ValidateAccessToken | undefined;
  readonly #issuers: TrustedIssuers;

  constructor(
    readonly settings: ResourceServerSettings,
    { client, store, clientAt, warn }: ResourceServerParts,
  ) {
    const { algorithms, cache, issuers } = settings;
    const audience = audiencesOf(settings);
    const trusted = { audience, algorithms, cache, store, warn };
    this.client = client;
    this.realm = audience?.[0] ?? client.issuer;
    this.senderConstraint = new SenderConstraint(
      settings,
      store ?? new MemoryStore({ now: client.clock.now }),
      client.clock,
    );
    this.validate = settings.validate;
    const own = new TrustedIssuer(client, { ...trusted, introspects: client.canIntrospect });
    const create = (options: TrustedIssuerOptions) =>
      new TrustedIssuer(clientAt(options), { ...trusted, introspects: options.client !== undefined });
    this.#issuers = new TrustedIssuers(own, issuers, create, client.clock.now);
    client.onForget({ token: (token) => this.#forget(token), keys: () => own.forgetSignatures() });
  }

  /** The issuers that are known at boot. */
  get issuers(): readonly string[] {
    return this.#issuers.named;
  }

  /**
   * Finds out about a token as a route needs it, and whether who sent it may use it.
   *
   * @throws {AccessTokenError} the token is not good here
   * @throws {OidcError} of another kind: it can't be told
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
    // What a token says of itself is read where something depends on it.
    const jwt = validation === 'auto' || this.#issuers.areSeveral ? unverifiedJwt(token) : undefined;
    const verify = (issuer: TrustedIssuer) => issuer.verify(token, this.#wayAt(issuer, rule, jwt), freshness);
    return chain(this.#issuers.get(jwt?.iss), verify);
  }

  #wayAt(issuer: TrustedIssuer, { validation: required }: AccessRule, jwt: UnverifiedJwt | undefined): Way {
    if (!issuer.introspects && required === 'introspection') {
      throw new AccessTokenError(
        'TOKEN_ISSUER',
        'The issuer has to be asked about the token, and we are not registered there.',
      );
    }
    const validation = required ?? this.settings.validation;
    const automatic = jwt?.typ === 'at+jwt' ? 'jwt-then-introspection' : 'introspection';
    return !issuer.introspects ? 'jwt' : validation === 'auto' ? automatic : validation;
  }

  /** At its issuer, also where that was not met yet: other replicas that share the store may know it. */
  async #forget(token: string): Promise<void> {
    const name = this.#issuers.areSeveral ? unverifiedJwt(token)?.iss : undefined;
    try {
      const issuer = await this.#issuers.get(name);
      await issuer.forget(token);
    } catch (error) {
      // Of an issuer that nobody trusts nothing is kept.
      if (!(error instanceof AccessTokenError)) {
        throw error;
      }
    }
  }
}

function audiencesOf({ audience }: ResourceServerSettings): readonly string[] | undefined {
  return typeof audience === 'string' ? [audience] : audience || undefined;
}

/**
 * Called by each guard that is constructed: what it needs must be configured before the first request.
 *
 * @throws {ConfigError} there is no audience, or nothing to authenticate with at the introspection endpoint
 */
export function requireConfiguration(server: ResourceServer | undefined): asserts server is ResourceServer {
  if (server === undefined) {
    throw new ConfigError('INVALID_CONFIG', 'resourceServer.audience', 'is required by OidcGuard');
  }
  if (server.settings.validation === 'jwt') {
    return;
  }
  server.client.needs('introspection_endpoint');
}
