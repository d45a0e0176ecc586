import type { Clock } from '../clock/clock.js';
import type { AccessTokenErrorCode } from '../errors/codes.js';
import { AccessTokenError } from '../errors/errors.js';
import { factOf, type ErrorFacts } from '../errors/oidc.error.js';
import type { AccessTokenReader } from './access-token-reader.js';
import type { AccessTokenClaims } from './access-token.js';
import { isAccessToken } from './token-type.js';

/** The claims of a token, from the server, a cache or its signature. */
export interface FoundClaims {
  /** Undefined: the token is not active. */
  readonly claims: AccessTokenClaims | undefined;
  /** Whether this is an older answer, because the server is down. */
  readonly isStale: boolean;
}

/** How strong and how recent the end-user's login must be (RFC 9470). */
export interface StepUpRequirement {
  /** Authentication context class references, one of which the token's `acr` must be. */
  readonly acr?: readonly string[];
  /** Whole seconds since the token's `auth_time`. */
  readonly maxAge?: number;
}

/** The values that an access token must match, introspected or not. */
export interface AccessTokenExpectations {
  readonly issuer: string;
  /** Reads the claims by the issuer's profile, for this API. */
  readonly reader: AccessTokenReader;
  readonly clock: Clock;
}

/** A verified access token: active, from a trusted issuer, for this API and not expired. Only the library makes one. */
export class VerifiedAccessToken {
  /** The issuer. With several issuers, a user is identified by `iss` and `sub` together. */
  readonly iss: string;
  /**
   * The end-user; undefined for a token that a client got for itself, which has no `sub` or the client's own identifier
   * (RFC 9068, section 5). A client may have got itself registered under a user's `sub`: keep the two apart where you
   * store what belongs to them.
   */
  readonly sub: string | undefined;
  readonly client_id: string | undefined;
  readonly scopes: readonly string[];
  /** Seconds since the epoch; undefined when the server did not say. */
  readonly exp: number | undefined;
  readonly #value: string;
  readonly #reader: AccessTokenReader;

  private constructor(
    value: string,
    /** All claims, from introspection (RFC 7662, section 2.2) or from the JWT (RFC 9068). */
    readonly claims: AccessTokenClaims,
    issuer: string,
    /** Whether the claims are an older answer, because the server is down: see `staleIfError`. */
    readonly isStale: boolean,
    reader: AccessTokenReader,
  ) {
    this.#value = value;
    this.#reader = reader;
    this.iss = issuer;
    this.client_id = reader.clientOf(claims);
    this.sub = claims.sub === this.client_id ? undefined : claims.sub;
    this.scopes = reader.scopesOf(claims);
    this.exp = claims.exp;
    Object.freeze(this);
  }

  /** Roles, where the profile of the issuer's access tokens says: see `accessTokens`. Each at most once. */
  get roles(): readonly string[] {
    return this.#reader.rolesOf(this.claims);
  }

  /** The token itself, for calls to another API. It appears in no log and in no JSON. */
  get value(): string {
    return this.#value;
  }

  /**
   * Checks the claims. The server only says that a token is active, not that it is for this API.
   *
   * @throws {AccessTokenError} the token is refused
   * @internal
   */
  static verify(
    value: string,
    found: FoundClaims,
    { issuer, reader, clock }: AccessTokenExpectations,
  ): VerifiedAccessToken {
    const { claims, isStale } = found;
    if (claims === undefined) {
      throw refuse('TOKEN_INACTIVE', 'The token is not active.');
    }
    if (!isAccessToken(claims)) {
      const { typ, token_type, token_use } = claims;
      const facts = { typ: factOf(typ), token_type, token_use: factOf(token_use) };
      throw refuse('TOKEN_TYPE', 'The token is of another kind.', facts);
    }
    if (claims.iss !== undefined && claims.iss !== issuer) {
      throw refuse('TOKEN_ISSUER', 'The token is of another issuer.', { iss: claims.iss, wanted: issuer });
    }
    if (!reader.isForUs(claims)) {
      const facts = { aud: factOf(claims.aud), wanted: reader.audience };
      throw refuse('TOKEN_AUDIENCE', 'The token is for another API.', facts);
    }
    if (claims.exp !== undefined && clock.isExpired(claims.exp)) {
      throw refuse('TOKEN_EXPIRED', 'The token is expired.', clock.beside({ exp: claims.exp }));
    }
    if (claims.nbf !== undefined && clock.isInFuture(claims.nbf)) {
      throw refuse('TOKEN_NOT_YET_VALID', 'The token is not valid yet.', clock.beside({ nbf: claims.nbf }));
    }
    return new VerifiedAccessToken(value, claims, issuer, isStale, reader);
  }

  /** @throws {AccessTokenError} `INSUFFICIENT_SCOPE` when one of them was not granted */
  requireScopes(scopes: readonly string[]): void {
    if (!scopes.every((scope) => this.scopes.includes(scope))) {
      throw refuse('INSUFFICIENT_SCOPE', 'The token lacks a scope.', { scope: this.scopes, wanted: scopes });
    }
  }

  /** @throws {AccessTokenError} `INSUFFICIENT_AUTHENTICATION`: the login was too weak, too long ago or unknown */
  requireAuthentication({ acr, maxAge }: StepUpRequirement, clock: Clock): void {
    const { acr: given, auth_time: at } = this.claims;
    const isStrong = acr === undefined || acr.length === 0 || (given !== undefined && acr.includes(given));
    // A time in the future, for example one in milliseconds, is invalid.
    const isTold = at !== undefined && !clock.isInFuture(at);
    const isRecent = maxAge === undefined || (isTold && !clock.isOlderThan(at, maxAge));
    if (!isStrong || !isRecent) {
      const facts = { acr: given, wanted: acr, ...clock.beside({ auth_time: at }), max_age: maxAge };
      throw refuse('INSUFFICIENT_AUTHENTICATION', 'The login behind the token is too weak or too long ago.', facts);
    }
  }
}

function refuse(code: AccessTokenErrorCode, message: string, facts?: ErrorFacts): AccessTokenError {
  return new AccessTokenError(code, message, { facts });
}
