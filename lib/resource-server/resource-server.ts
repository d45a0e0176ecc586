import type { OidcClient } from '../client/oidc-client.js';
import { ConfigError } from '../errors/errors.js';
import { unverifiedJwt } from '../jose/unverified-jwt.js';
import type { AccessRule, Validation } from '../nest/decorators.js';
import type { Platform } from '../nest/platform.js';
import { MemoryStore } from '../storage/memory-store.js';
import type { OidcStore } from '../storage/oidc-store.js';
import { LONGEST_TOKEN } from './credentials.js';
import type { VerifiedDpopProof } from './dpop-proof.js';
import { isPromise, type Awaitable } from './awaitable.js';
import type { ResourceServerSettings, TrustedIssuerOptions, ValidateAccessToken } from './resource-server.options.js';
import { SenderConstraint, type Presentation } from './sender-constraint.js';
import { TrustedIssuer, type Way } from './trusted-issuer.js';
import { TrustedIssuers } from './trusted-issuers.js';
import type { VerifiedAccessToken } from './verified-access-token.js';

/** What a resource server is made of, beside its options. */
export interface ResourceServerParts {
  readonly client: OidcClient;
  readonly platform: Platform;
  /** Undefined: replicas share nothing. */
  readonly store: OidcStore | undefined;
  /** Makes our client at another issuer. */
  readonly clientAt: (options: TrustedIssuerOptions) => OidcClient;
  readonly warn: (problem: string) => void;
}

/** Where and how a token is looked into. */
interface Inquiry {
  readonly issuer: TrustedIssuer;
  readonly way: Way;
}

/** The API as its authorization servers know it: verifies access tokens, by introspection or by their signature. */
export class ResourceServer {
  readonly client: OidcClient;
  readonly realm: string;
  readonly senders: SenderConstraint;
  /** The application's mapping from token to user, if there is one. */
  readonly validate: ValidateAccessToken | undefined;
  readonly #issuers: TrustedIssuers;
  readonly #validation: Validation;
  /** Whether what a token says of itself decides whom to ask. */
  readonly #hasOtherIssuers: boolean;

  constructor(
    readonly settings: ResourceServerSettings,
    { client, platform, store, clientAt, warn }: ResourceServerParts,
  ) {
    const { validation, algorithms, cache, issuers } = settings;
    const audience = audiencesOf(settings);
    const trusted = { audience, algorithms, cache, store, warn };
    this.client = client;
    this.realm = audience?.[0] ?? client.issuer;
    this.senders = new SenderConstraint(
      settings,
      platform,
      store ?? new MemoryStore({ now: client.clock.now }),
      client.clock,
    );
    this.validate = settings.validate;
    this.#validation = validation;
    this.#hasOtherIssuers = typeof issuers === 'function' || issuers.length > 0;
    const own = new TrustedIssuer(client, { ...trusted, introspects: true });
    const create = (options: TrustedIssuerOptions) =>
      new TrustedIssuer(clientAt(options), { ...trusted, introspects: options.client !== undefined });
    this.#issuers = new TrustedIssuers(own, issuers, create, client.clock.now);
    client.onForget(async (token) => (token === undefined ? own.forgetSignatures() : this.#issuers.forget(token)));
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
    const proof = this.senders.prove(presentation);
    if (proof !== undefined) {
      return this.#verifyProven(presentation, rule, proof);
    }
    const token = this.#lookUp(presentation.token.value, rule);
    return isPromise(token)
      ? token.then((later) => this.#confirmed(later, presentation))
      : this.#confirmed(token, presentation);
  }

  async #verifyProven(
    presentation: Presentation,
    rule: AccessRule,
    proof: Promise<VerifiedDpopProof>,
  ): Promise<VerifiedAccessToken> {
    const proven = await proof;
    const token = await this.#lookUp(presentation.token.value, rule);
    this.#confirmed(token, presentation, proven);
    await this.senders.claim(proven);
    return token;
  }

  #confirmed(token: VerifiedAccessToken, presentation: Presentation, proof?: VerifiedDpopProof): VerifiedAccessToken {
    this.senders.confirm(token, presentation, proof);
    return token;
  }

  #lookUp(token: string, { validation = this.#validation, freshness }: AccessRule): Awaitable<VerifiedAccessToken> {
    const inquiry = this.#inquiry(token, validation);
    return isPromise(inquiry)
      ? inquiry.then(({ issuer, way }) => issuer.verify(token, way, freshness))
      : inquiry.issuer.verify(token, inquiry.way, freshness);
  }

  #inquiry(token: string, validation: Validation): Awaitable<Inquiry> {
    const { own } = this.#issuers;
    if (validation !== 'auto' && !this.#hasOtherIssuers) {
      return { issuer: own, way: validation };
    }
    const jwt = unverifiedJwt(token, LONGEST_TOKEN);
    const isOurs = jwt?.iss === undefined || jwt.iss === own.client.issuer || !this.#hasOtherIssuers;
    const way = validation === 'auto' ? (jwt?.typ === 'at+jwt' ? 'jwt' : 'introspection') : validation;
    const issuer = isOurs ? own : this.#issuers.get(jwt.iss);
    return isPromise(issuer) ? issuer.then((later) => ({ issuer: later, way })) : { issuer, way };
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
  if (server.client.metadata.introspection_endpoint_auth_method === 'none') {
    const member = 'client.introspection_endpoint_auth_method';
    throw new ConfigError('INVALID_CONFIG', member, 'must not be none for OidcGuard (RFC 7662, section 2.1)');
  }
  server.client.needs('introspection_endpoint');
}
