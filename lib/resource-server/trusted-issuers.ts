import { LRUCache } from 'lru-cache';

import { isWithin, type Now } from '../clock/clock.js';
import { AccessTokenError, ConfigError } from '../errors/errors.js';
import { resolverFailed } from '../metadata/resolver-failed.js';
import type { VerifiedAccessToken } from '../tokens/verified-access-token.js';
import type { Awaitable } from '../values/awaitable.js';
import {
  isTrustedIssuer,
  TRUSTED_ISSUER,
  type ResolvedIssuer,
  type ResolveIssuer,
  type TrustedIssuerOptions,
} from './resource-server.options.js';
import type { TrustedIssuer } from './trusted-issuer.js';

/** Maximum number of resolved issuers, kept with their keys and caches. The least recently used goes first. */
const MOST_RESOLVED = 100;

/** Maximum number of remembered untrusted names. Bounded, because strangers can make names up. */
const MOST_UNTRUSTED = 1000;

/** Milliseconds for which a resolver's answer is kept, be it trusted or not. */
const TRUSTED_FOR = 300_000;
const UNTRUSTED_FOR = 5000;

/** The option's name, for errors. */
const MEMBER = 'resourceServer.issuers';

interface Resolved {
  readonly issuer: TrustedIssuer;
  /** The resolver's last answer. If it returns the same object again, nothing has changed. */
  readonly options: TrustedIssuerOptions;
  readonly resolvedAt: number;
}

/**
 * The issuers whose access tokens are accepted. Names are compared character by character. An untrusted
 * issuer is refused without a call to it.
 */
export class TrustedIssuers {
  readonly #known = new Map<string, TrustedIssuer>();
  /** Those that have a name for each tenant. */
  readonly #ofTenants: readonly TrustedIssuer[];
  readonly #resolved = new LRUCache<string, Resolved>({ max: MOST_RESOLVED });
  readonly #untrustedAt = new LRUCache<string, number>({ max: MOST_UNTRUSTED });
  readonly #resolving = new Map<string, Promise<TrustedIssuer>>();
  readonly #resolve: ResolveIssuer | undefined;

  /** @param others a list, or a resolver for every issuer but our own */
  constructor(
    /** The module's own. */
    readonly own: TrustedIssuer,
    others: readonly TrustedIssuerOptions[] | ResolveIssuer,
    private readonly create: (options: TrustedIssuerOptions) => TrustedIssuer,
    private readonly now: Now,
  ) {
    this.#known.set(own.name, own);
    if (typeof others === 'function') {
      this.#resolve = others;
    } else {
      others.map(create).forEach((issuer) => this.#known.set(issuer.name, issuer));
    }
    this.#ofTenants = [...this.#known.values()].filter(({ hasTenants }) => hasTenants);
  }

  /** The issuer identifiers of those that are known from the start. */
  get known(): readonly string[] {
    return [...this.#known.values()].map(({ issuer }) => issuer);
  }

  /** Whether other issuers than our own are accepted. Then a token's `iss` claim decides which one verifies it. */
  get areSeveral(): boolean {
    return this.#resolve !== undefined || this.#known.size > 1;
  }

  /**
   * @param name the token's `iss`; undefined: our own issuer
   * @throws {AccessTokenError} `TOKEN_ISSUER`: not trusted
   */
  get(name: string | undefined): Awaitable<TrustedIssuer> {
    return name === undefined || !this.areSeveral ? this.own : (this.#knownAs(name) ?? this.#resolvedAs(name));
  }

  /** The issuer of this name, else one that has it for one of its tenants. */
  #knownAs(name: string): TrustedIssuer | undefined {
    return this.#known.get(name) ?? this.#ofTenants.find((issuer) => issuer.isNamed(name));
  }

  /**
   * Checks that a verified token is of the issuer that vouches for it. Among several, one could otherwise speak for the
   * users of another: by its introspections, or by the `access_token_issuer` that it publishes.
   *
   * @throws {AccessTokenError} `TOKEN_ISSUER`
   */
  requireOwn(token: VerifiedAccessToken, issuer: TrustedIssuer): VerifiedAccessToken {
    if (this.areSeveral && !issuer.isNamed(token.iss)) {
      throw this.#untrusted(token.iss);
    }
    return token;
  }

  #resolvedAs(name: string): Awaitable<TrustedIssuer> {
    const now = this.now();
    if (this.#resolve === undefined || isWithin(now, this.#untrustedAt.get(name) ?? Number.NaN, UNTRUSTED_FOR)) {
      throw this.#untrusted(name);
    }
    const resolved = this.#resolved.get(name);
    return resolved !== undefined && isWithin(now, resolved.resolvedAt, TRUSTED_FOR)
      ? resolved.issuer
      : (this.#resolving.get(name) ?? this.#ask(name, this.#resolve, resolved));
  }

  #ask(name: string, resolve: ResolveIssuer, previous: Resolved | undefined): Promise<TrustedIssuer> {
    const asking = this.#resolveAnew(name, resolve, previous).finally(() => this.#resolving.delete(name));
    this.#resolving.set(name, asking);
    return asking;
  }

  async #resolveAnew(name: string, resolve: ResolveIssuer, previous: Resolved | undefined): Promise<TrustedIssuer> {
    const options = await resolved(resolve, name);
    if (options === undefined || nameInAccessTokens(options) !== name) {
      this.#resolved.delete(name);
      this.#untrustedAt.set(name, this.now());
      throw this.#untrusted(name);
    }
    const isSame = previous?.options === options;
    const issuer = isSame ? previous.issuer : this.create(options);
    this.#resolved.set(name, { issuer, options, resolvedAt: this.now() });
    return issuer;
  }

  #untrusted(iss: string): AccessTokenError {
    const facts = { iss, wanted: [...this.#known.keys()] };
    return new AccessTokenError('TOKEN_ISSUER', 'The token is of an issuer that is not trusted.', { facts });
  }
}

/** The name by which a token says that it is of this issuer. */
function nameInAccessTokens({ issuer, server }: TrustedIssuerOptions): string {
  return server?.access_token_issuer ?? issuer;
}

/**
 * Asks the resolver about an issuer.
 *
 * @returns undefined: the issuer is not trusted
 * @throws {ConfigError} the resolver failed, or its answer is malformed
 */
async function resolved(resolve: ResolveIssuer, name: string): Promise<TrustedIssuerOptions | undefined> {
  const options = (await answerOf(resolve, name)) ?? false;
  if (options === false) {
    return undefined;
  }
  if (!isTrustedIssuer(options)) {
    throw new ConfigError('INVALID_CONFIG', MEMBER, `what it returned ${TRUSTED_ISSUER}`);
  }
  return options;
}

async function answerOf(resolve: ResolveIssuer, name: string): Promise<ResolvedIssuer> {
  try {
    return await resolve(name);
  } catch (error) {
    throw resolverFailed(MEMBER, error);
  }
}
