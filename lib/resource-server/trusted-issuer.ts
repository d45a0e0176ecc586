import { hash } from 'node:crypto';

import type { PublishedServer } from '../authorization-server/published-server.js';
import type { Server } from '../authorization-server/server.js';
import { AccessTokenError, OAuthError } from '../errors/errors.js';
import type { CacheLookup } from '../events/channels.js';
import type { OperatorPort } from '../events/operator-events.js';
import { isOfTenant } from '../jose/tenant.js';
import { unverifiedJwt } from '../jose/unverified-jwt.js';
import { LONGEST_STALE, type IntrospectionFreshness, type Validation } from '../nest/access-rule.js';
import type { OidcStore } from '../storage/oidc-store.js';
import { LocalClaimsCache, type ClaimsCache } from '../token-cache/claims-cache.js';
import { ClaimsSource, type AskForClaims } from '../token-cache/claims-source.js';
import { SharedClaimsCache } from '../token-cache/shared-claims-cache.js';
import { verifyAccessToken, type AccessTokenClaims } from '../tokens/access-token.js';
import type { AccessTokenReader } from '../tokens/access-token-reader.js';
import { blamedOnToken } from '../tokens/access-token-fault.js';
import { introspect } from '../tokens/introspection.js';
import {
  VerifiedAccessToken,
  type AccessTokenExpectations,
  type FoundClaims,
} from '../tokens/verified-access-token.js';
import { chain, isPromise, type Awaitable } from '../values/awaitable.js';
import { requireNoIdToken, requireTenant } from './introspected-token.js';
import { adviceFor, introspectedDespite, notTaken, withoutEndpoint } from './missing-introspection.js';
import type { CacheSettings } from './resource-server.options.js';

export interface TrustedIssuerSettings {
  /** Reads its access tokens, and knows the API's audiences. */
  readonly reader: AccessTokenReader;
  /** Accepted algorithms of JWTs; undefined: any asymmetric one. */
  readonly algorithms: readonly string[] | undefined;
  /** Undefined: no cache. */
  readonly cache: CacheSettings | undefined;
  /** The store of a shared cache; undefined: the cache is in this process. */
  readonly store: OidcStore | undefined;
  readonly operator: OperatorPort;
}

/** An authorization server whose access tokens are accepted. */
export class TrustedIssuer {
  /** Its issuer identifier. */
  readonly issuer: string;
  /** The name that its access tokens have in `iss`. */
  readonly name: string;
  readonly #introspected: ClaimsSource | undefined;
  readonly #signed: ClaimsSource;
  /** What tokens that name the server itself are checked against. */
  readonly #expected: AccessTokenExpectations;

  /** @param registered the same server, with our client there for introspection; undefined: only JWTs are accepted */
  constructor(
    private readonly server: PublishedServer,
    registered: Server | undefined,
    private readonly settings: TrustedIssuerSettings,
  ) {
    const { issuer, clock } = server;
    const { reader, cache: times } = settings;
    const identity = hash('sha256', JSON.stringify([issuer, registered?.client.metadata.client_id]), 'base64url');
    const source = (by: CacheLookup['cache'], ask: AskForClaims, cache: ClaimsCache | undefined) =>
      new ClaimsSource({ identity, issuer, by }, ask, clock.now, cache && times && { cache, times });
    this.issuer = issuer;
    this.name = server.nameInAccessTokens;
    this.#expected = { issuer, clock, reader };
    this.#introspected =
      registered &&
      source(
        'introspection',
        (token) => this.#introspect(registered, token),
        times && introspections(registered, times, settings),
      );
    // Never shared: checking a signature costs less than a call to the store.
    const signatures = times && new LocalClaimsCache(times.maxEntries);
    this.#signed = source('signature', (token) => this.#verifySignature(token), signatures);
  }

  /** Whether its tokens name it by their tenant. */
  get hasTenants(): boolean {
    return this.server.tenants !== undefined;
  }

  /** Whether the options give it this name. What it publishes of its access tokens is not asked. */
  isNamed(name: string): boolean {
    return name === this.issuer || name === this.name || (this.hasTenants && isOfTenant(name, this.name));
  }

  /** Whether tokens can be introspected there. If not, only JWTs are accepted. */
  get introspects(): boolean {
    return this.#introspected !== undefined;
  }

  /**
   * Verifies an access token of this issuer.
   *
   * @throws {AccessTokenError} the token is refused
   * @throws {OidcError} of another kind: the token can't be verified
   */
  verify(token: string, validation: Validation, freshness: IntrospectionFreshness): Awaitable<VerifiedAccessToken> {
    return chain(this.#find(token, validation, freshness), (found) =>
      this.#namesItself(found)
        ? VerifiedAccessToken.verify(token, found, this.#expected)
        : chain(this.server.accessTokenIssuer.nameFor(found.claims ?? {}), (issuer) =>
            VerifiedAccessToken.verify(token, found, { ...this.#expected, issuer }),
          ),
    );
  }

  /** Evicts a token from the caches. Its next use verifies it anew. */
  async evict(token: string): Promise<void> {
    await Promise.all([this.#signed.evict(token), this.#introspected?.evict(token)]);
  }

  /** Evicts every verified signature, for when the keys are no longer trusted. */
  evictSigned(): void {
    this.#signed.evictAll();
  }

  /** Whether the found claims name the server itself. Then no metadata is fetched to find out whom they must name. */
  #namesItself({ claims }: FoundClaims): boolean {
    return claims === undefined || (!this.hasTenants && (claims.iss ?? this.issuer) === this.issuer);
  }

  #find(token: string, validation: Validation, freshness: IntrospectionFreshness): Awaitable<FoundClaims> {
    const introspected = this.#introspected;
    if (introspected === undefined || validation === 'jwt') {
      return this.#signed.find(token, freshness);
    }
    if (validation === 'introspection') {
      return withoutEndpoint(introspected.find(token, freshness), () => adviceFor(token));
    }
    const jwt = unverifiedJwt(token);
    if (jwt === undefined || !this.settings.reader.takes(jwt)) {
      return withoutEndpoint(introspected.find(token, freshness), (cause) => notTaken(token, cause));
    }
    const found = this.#signed.find(token, freshness);
    return isPromise(found)
      ? found.catch((error: unknown) => introspectedDespite(error, () => introspected.find(token, freshness)))
      : found;
  }

  async #introspect(server: Server, token: string): Promise<AccessTokenClaims | undefined> {
    try {
      const introspection = await introspect(server, token, { audience: this.settings.reader.audience ?? [] });
      if (!introspection.active) {
        return undefined;
      }
      requireNoIdToken(token, introspection);
      if (this.hasTenants) {
        await requireTenant(introspection, server.accessTokenIssuer);
      }
      return introspection;
    } catch (error) {
      // The server does not know this kind of token. The error is of RFC 7009, section 2.2.1; servers use it here too.
      if (error instanceof OAuthError && error.error === 'unsupported_token_type') {
        throw new AccessTokenError('TOKEN_TYPE', 'The server does not introspect tokens of this form.', {
          cause: error,
        });
      }
      throw error;
    }
  }

  async #verifySignature(token: string): Promise<AccessTokenClaims> {
    const { reader, algorithms } = this.settings;
    try {
      return await verifyAccessToken(this.server, token, { reader, algorithms });
    } catch (error) {
      throw blamedOnToken(error, token);
    }
  }
}

function introspections(
  { clock, client }: Server,
  { maxEntries, ttl, negativeTtl }: CacheSettings,
  { store, operator }: TrustedIssuerSettings,
): ClaimsCache {
  if (store === undefined) {
    return new LocalClaimsCache(maxEntries);
  }
  const lifetime = (ttl + LONGEST_STALE) * 1000;
  const settings = { maxEntries, lifetime, negativeTtl, secret: client.sealingSecret?.reveal() };
  return new SharedClaimsCache(store, clock, settings, operator);
}
