import { LRUCache } from 'lru-cache';

import type { Now } from '../clock/clock.js';
import { AccessTokenError } from '../errors/errors.js';
import type { Awaitable } from './awaitable.js';
import type { ResolveIssuer, TrustedIssuerOptions } from './resource-server.options.js';
import type { TrustedIssuer } from './trusted-issuer.js';

/** Issuers that a resolver named and that are kept with their keys and caches; the one unused longest goes first. */
const MOST_RESOLVED = 100;

/** Milliseconds after which a resolver is asked again whether it still trusts an issuer. */
const TRUSTED_FOR = 300_000;

interface Resolved {
  readonly issuer: TrustedIssuer;
  /** What the resolver returned: the same object again means that nothing changed. */
  readonly options: TrustedIssuerOptions;
  readonly resolvedAt: number;
}

/**
 * The issuers whose tokens are good here. Names are compared as they are, character by character; one that nobody
 * trusts costs no call.
 */
export class TrustedIssuers {
  readonly #known = new Map<string, TrustedIssuer>();
  readonly #resolved = new LRUCache<string, Resolved>({ max: MOST_RESOLVED });
  readonly #resolving = new Map<string, Promise<TrustedIssuer>>();
  readonly #resolve: ResolveIssuer | undefined;

  /** @param others a list, or who is asked about every issuer but our own */
  constructor(
    readonly own: TrustedIssuer,
    others: readonly TrustedIssuerOptions[] | ResolveIssuer,
    private readonly create: (options: TrustedIssuerOptions) => TrustedIssuer,
    private readonly now: Now,
  ) {
    this.#known.set(own.client.issuer, own);
    if (typeof others === 'function') {
      this.#resolve = others;
    } else {
      others.forEach((options) => this.#known.set(options.issuer, create(options)));
    }
  }

  /** Those that are known by name from the start. */
  get named(): readonly string[] {
    return [...this.#known.keys()];
  }

  /** @throws {AccessTokenError} `TOKEN_ISSUER`: not one of ours */
  get(issuer: string): Awaitable<TrustedIssuer> {
    const known = this.#known.get(issuer);
    if (known !== undefined) {
      return known;
    }
    if (this.#resolve === undefined) {
      throw untrusted();
    }
    const resolved = this.#resolved.get(issuer);
    const age = this.now() - (resolved?.resolvedAt ?? Number.NEGATIVE_INFINITY);
    return resolved !== undefined && age >= 0 && age < TRUSTED_FOR
      ? resolved.issuer
      : (this.#resolving.get(issuer) ?? this.#ask(issuer, this.#resolve, resolved));
  }

  /** Tells all of them; a token's own issuer may be any. */
  async forget(token: string): Promise<void> {
    const resolved = [...this.#resolved.values()].map(({ issuer }) => issuer);
    await Promise.all([...this.#known.values(), ...resolved].map((issuer) => issuer.forget(token)));
  }

  #ask(issuer: string, resolve: ResolveIssuer, previous: Resolved | undefined): Promise<TrustedIssuer> {
    const asking = this.#resolveAnew(issuer, resolve, previous).finally(() => this.#resolving.delete(issuer));
    this.#resolving.set(issuer, asking);
    return asking;
  }

  async #resolveAnew(issuer: string, resolve: ResolveIssuer, previous: Resolved | undefined): Promise<TrustedIssuer> {
    const options = await resolve(issuer);
    if (options === undefined || options.issuer !== issuer) {
      this.#resolved.delete(issuer);
      throw untrusted();
    }
    const isSame = previous?.options === options;
    const trusted = isSame ? previous.issuer : this.create(options);
    this.#resolved.set(issuer, { issuer: trusted, options, resolvedAt: this.now() });
    return trusted;
  }
}

function untrusted(): AccessTokenError {
  return new AccessTokenError('TOKEN_ISSUER', 'The token is of an issuer that is not trusted.');
}
