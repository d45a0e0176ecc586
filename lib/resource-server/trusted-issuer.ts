import { hash } from 'node:crypto';

import type { PublishedServer } from '../authorization-server/published-server.js';
import type { Server } from '../authorization-server/server.js';
import type { AccessTokenErrorCode, VerificationErrorCode } from '../errors/codes.js';
import { AccessTokenError, ConfigError, OAuthError, VerificationError } from '../errors/errors.js';
import type { OperatorPort } from '../events/operator-events.js';
import { unverifiedJwt } from '../jose/unverified-jwt.js';
import { LONGEST_STALE, type IntrospectionFreshness } from '../nest/access-rule.js';
import type { OidcStore } from '../storage/oidc-store.js';
import { LocalClaimsCache, type ClaimsCache } from '../token-cache/claims-cache.js';
import { ClaimsSource, type AskForClaims, type FoundClaims } from '../token-cache/claims-source.js';
import { SharedClaimsCache } from '../token-cache/shared-claims-cache.js';
import { verifyAccessToken, type AccessTokenClaims } from '../tokens/access-token.js';
import { introspect } from '../tokens/introspection.js';
import { chain, isPromise, type Awaitable } from '../values/awaitable.js';
import type { CacheSettings } from './resource-server.options.js';
import { isCalledAccessToken, VerifiedAccessToken, type AccessTokenExpectations } from './verified-access-token.js';

export interface TrustedIssuerSettings {
  /** One of them must be in `aud`; undefined: not checked. */
  readonly audience: readonly string[] | undefined;
  /** What may have signed a JWT; undefined: any asymmetric algorithm. */
  readonly algorithms: readonly string[] | undefined;
  /** Undefined: nothing is kept. */
  readonly cache: CacheSettings | undefined;
  /** Undefined: what is kept is kept in this process. */
  readonly store: OidcStore | undefined;
  readonly operator: OperatorPort;
}

/**
 * How to find out about a token: the server is asked, its signature is checked, or the latter and then the former for a
 * token that is good and only lacks a claim of RFC 9068.
 */
export type Way = 'introspection' | 'jwt' | 'jwt-then-introspection';

/** An authorization server whose access tokens are good here. */
export class TrustedIssuer {
  /** Its issuer identifier. */
  readonly name: string;
  readonly #introspected: ClaimsSource | undefined;
  readonly #signed: ClaimsSource;
  readonly #expected: AccessTokenExpectations;

  /** @param registered the same server, where our client there can introspect; undefined: only JWTs are understood */
  constructor(
    private readonly server: PublishedServer,
    registered: Server | undefined,
    private readonly settings: TrustedIssuerSettings,
  ) {
    const { issuer, clock } = server;
    const { audience, cache: times } = settings;
    const identity = hash('sha256', JSON.stringify([issuer, registered?.client.metadata.client_id]), 'base64url');
    const source = (ask: AskForClaims, cache: ClaimsCache | undefined) =>
      new ClaimsSource(identity, ask, clock.now, cache && times && { cache, times });
    this.name = issuer;
    this.#expected = { issuer, clock, audience };
    this.#introspected =
      registered &&
      source((token) => this.#introspect(registered, token), times && introspections(registered, times, settings));
    // Never shared: a signature is cheaper to check than a store is to ask.
    this.#signed = source((token) => this.#verifySignature(token), times && new LocalClaimsCache(times.maxEntries));
  }

  /** Whether tokens can be introspected there; if not, only JWTs are understood. */
  get introspects(): boolean {
    return this.#introspected !== undefined;
  }

  /**
   * @throws {AccessTokenError} the token is not good here
   * @throws {OidcError} of another kind: it can't be told
   */
  verify(token: string, way: Way, freshness: IntrospectionFreshness): Awaitable<VerifiedAccessToken> {
    return chain(this.#find(token, way, freshness), (found) =>
      VerifiedAccessToken.verify(token, found, this.#expected),
    );
  }

  /** Drops what is kept about a token: whoever presents it next, it is verified anew. */
  async evict(token: string): Promise<void> {
    await Promise.all([this.#signed.evict(token), this.#introspected?.evict(token)]);
  }

  /** Drops every verified signature, for when the keys are no longer trusted. */
  evictSigned(): void {
    this.#signed.evictAll();
  }

  #find(token: string, way: Way, freshness: IntrospectionFreshness): Awaitable<FoundClaims> {
    const introspected = this.#introspected;
    if (introspected === undefined || way === 'jwt') {
      return this.#signed.find(token, freshness);
    }
    if (way === 'introspection') {
      return introspected.find(token, freshness);
    }
    const found = this.#signed.find(token, freshness);
    return isPromise(found)
      ? found.catch((error: unknown) => introspectedDespite(error, () => introspected.find(token, freshness)))
      : found;
  }

  async #introspect(server: Server, token: string): Promise<AccessTokenClaims | undefined> {
    try {
      const introspection = await introspect(server, token, { audience: this.settings.audience ?? [] });
      if (!introspection.active) {
        return undefined;
      }
      requireNoIdToken(token, introspection);
      return introspection;
    } catch (error) {
      // RFC 7009, section 2.2.1, which servers answer at introspection too: this form of token is none of theirs.
      if (error instanceof OAuthError && error.error === 'unsupported_token_type') {
        throw new AccessTokenError('TOKEN_TYPE', 'The server does not introspect tokens of this form.', {
          cause: error,
        });
      }
      throw error;
    }
  }

  async #verifySignature(token: string): Promise<AccessTokenClaims> {
    const { audience, algorithms } = this.settings;
    try {
      return await verifyAccessToken(this.server, token, { audience, algorithms });
    } catch (error) {
      // The token is to blame; keys that can't be had are not, and go through as they are.
      if (error instanceof VerificationError) {
        const code = CODES[error.code] ?? 'TOKEN_INVALID';
        throw new AccessTokenError(code, 'The token does not verify.', { cause: error });
      }
      throw error;
    }
  }
}

/** Asks the server, where it can be asked, about a token that only lacks a claim; anything else stays refused. */
async function introspectedDespite(refusal: unknown, ask: () => Awaitable<FoundClaims>): Promise<FoundClaims> {
  if (!lacksClaim(refusal)) {
    throw refusal;
  }
  try {
    return await ask();
  } catch (error) {
    throw error instanceof ConfigError && error.code === 'ENDPOINT_MISSING' ? refusal : error;
  }
}

/** Its signature, issuer, audience and times are good. */
function lacksClaim(error: unknown): boolean {
  const cause = error instanceof AccessTokenError ? error.cause : undefined;
  return cause instanceof VerificationError && cause.code === 'CLAIM_MISSING';
}

const CODES: Readonly<Partial<Record<VerificationErrorCode, AccessTokenErrorCode>>> = {
  EXPIRED: 'TOKEN_EXPIRED',
  NOT_YET_VALID: 'TOKEN_NOT_YET_VALID',
  ISS_MISMATCH: 'TOKEN_ISSUER',
  AUD_MISMATCH: 'TOKEN_AUDIENCE',
  TYP_MISMATCH: 'TOKEN_TYPE',
  JWT_MALFORMED: 'TOKEN_TYPE',
  UNEXPECTED_JWE: 'TOKEN_TYPE',
};

/** Claims of an ID token alone (OpenID Connect Core 1.0, sections 2 and 3.3.2.11; FAPI 1.0 Advanced, section 5.1.1). */
const ID_TOKEN_CLAIMS: readonly string[] = ['nonce', 'at_hash', 'c_hash', 's_hash'];

/**
 * An introspected token is an ID token where the answer, or the token itself, has a claim of one and the server does not
 * call it an access token. Some servers call ID tokens active, and their audience may be this API's.
 *
 * @throws {AccessTokenError} `TOKEN_TYPE`
 */
function requireNoIdToken(token: string, answer: AccessTokenClaims): void {
  if (isCalledAccessToken(answer)) {
    return;
  }
  const own = unverifiedJwt(token)?.claims ?? {};
  const claims = ID_TOKEN_CLAIMS.filter((claim) => (answer[claim] ?? own[claim] ?? undefined) !== undefined);
  if (claims.length > 0) {
    throw new AccessTokenError('TOKEN_TYPE', 'The token is an ID token.', { facts: { claims } });
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
