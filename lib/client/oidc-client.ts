import type { Server } from '../authorization-server/server.js';
import type { AuthorizationUrlOptions } from '../authorization/authorization-parameters.js';
import { authorizationRequest, type AuthorizationRequest } from '../authorization/authorization-request.js';
import { processAuthorizationResponse } from '../authorization/authorization-response.js';
import { endSessionUrl, type EndSessionOptions } from '../authorization/end-session.js';
import { grantOfLogin, type LoginGrant } from '../authorization/login-grant.js';
import type { AuthorizationTransaction } from '../authorization/transaction.js';
import type { Clock } from '../clock/clock.js';
import { AccessTokenError } from '../errors/errors.js';
import { audit, auditFailure, type Actor } from '../events/audit.js';
import type { IdTokenOptions } from '../grants/authorization-code.js';
import type { ParsedClientMetadata } from '../metadata/client-metadata.schema.js';
import { throwFirst } from '../metadata/finding.js';
import type { ServerMetadata } from '../metadata/server-metadata.js';
import { blamedOnToken } from '../tokens/access-token-fault.js';
import type { AccessTokensOption } from '../tokens/access-tokens.option.js';
import { AccessTokenReaders } from '../tokens/access-token-readers.js';
import { verifyAccessToken } from '../tokens/access-token.js';
import type { Evictions } from '../tokens/evictions.js';
import { introspect, type IntrospectionOptions, type IntrospectionResponse } from '../tokens/introspection.js';
import { revoke } from '../tokens/revocation.js';
import { verifyLogoutToken, type LogoutToken } from '../tokens/logout-token.js';
import { requireTokenText } from '../tokens/token-text.js';
import { trustedAudiencesSchema } from '../tokens/trusted-audiences.js';
import { VerifiedAccessToken } from '../tokens/verified-access-token.js';
import type { JsonObject } from '../values/json.js';
import { validate } from '../values/validate.js';
import type { GrantParts } from './oidc-grants.js';
import { OidcResources } from './oidc-resources.js';

/** How the callback of a login is processed. */
export interface CallbackOptions extends IdTokenOptions {
  /** Ask the userinfo endpoint too. */
  readonly userinfo?: boolean;
}

/** A login that has ended well: its tokens, the verified ID token, and userinfo where it was asked for. */
export interface CallbackResult extends LoginGrant {
  readonly userinfo?: JsonObject;
}

/** What a JWT access token is checked against, beside its issuer and its times. */
export interface AccessTokenOptions {
  /** One of them must be in `aud`; left out: not checked, which only `rfc9068` allows. */
  readonly audience?: readonly string[] | undefined;
  /** The algorithms that may have signed it. Default: every asymmetric one, or those of the security profile. */
  readonly algorithms?: readonly string[] | undefined;
  /** Profile of the access tokens: a name, or a profile of your own. Default `rfc9068`. */
  readonly accessTokens?: AccessTokensOption | undefined;
}

/**
 * The client service: one client, registered at one authorization server.
 *
 * ```ts
 * const { url, transaction } = await oidc.authorizationUrl(); // keep the transaction, send the browser to url
 * const { tokens, idToken } = await oidc.callback(parameters, transaction);
 * const claims = await oidc.userinfo(tokens, idToken.sub);
 * const response = await oidc.fetch('https://api.example.com/orders', {}, tokens);
 * const refreshed = await oidc.refresh(tokens);
 * const end = await oidc.endSessionUrl({ id_token_hint: refreshed.id_token });
 *
 * const own = await oidc.clientCredentials({ scope: 'reports:read' });
 * const { active } = await oidc.introspect(own.access_token);
 * const { sub } = await oidc.verifyAccessToken(own.access_token, { audience: ['https://api.example.com'] });
 * const { sid } = await oidc.verifyLogoutToken(logoutToken);
 * await oidc.revoke(own.access_token); // at the server, and forget
 * await oidc.forget(own.access_token); // here, and in the store
 *
 * await oidc.ready(); // asks the server now
 * const { token_endpoint } = await oidc.serverMetadata();
 * oidc.forgetKeys();
 * ```
 *
 * Every call throws an `OidcError`: `OAuthError` (the server refused), `ResponseError` and `VerificationError` (its answer
 * can't be believed), `TransportError` (it is not there), `DiscoveryError`, `ConfigError`.
 */
export class OidcClient extends OidcResources {
  readonly issuer: string;
  /** What was registered, frozen; secrets print as `[secret]`. */
  readonly metadata: ParsedClientMetadata;
  readonly clock: Clock;
  readonly #server: Server;
  readonly #evictions: Evictions;
  readonly #readers = new AccessTokenReaders();

  /** @param name undefined: the default client */
  constructor(
    readonly name: string | undefined,
    server: Server,
    evictions: Evictions,
    parts?: GrantParts,
  ) {
    super(server, evictions, parts);
    this.issuer = server.issuer;
    this.metadata = server.client.metadata;
    this.clock = server.clock;
    this.#server = server;
    this.#evictions = evictions;
  }

  /** The server's metadata, as published and overridden. A security profile leaves its own algorithms in it. */
  async serverMetadata(): Promise<ServerMetadata> {
    return this.#server.metadata();
  }

  /**
   * Starts a login with the registered response type (OpenID Connect Core 1.0, section 3).
   *
   * @returns the URL for the browser, and the transaction to keep until the callback
   */
  authorizationUrl(options?: AuthorizationUrlOptions): Promise<AuthorizationRequest> {
    return authorizationRequest(this.#server, options);
  }

  /**
   * Ends a login: checks the authorization response against its transaction, validates its ID token if it has one, exchanges
   * the code if there is one, validates the ID token of the token endpoint, and calls userinfo if `userinfo` is set. Returns
   * tokens only after every check has passed. After the response type `id_token` they have no access token.
   *
   * @param parameters the response's own, or its `response` alone where JARM was asked for
   */
  async callback(
    parameters: ReadonlyMap<string, string>,
    transaction: AuthorizationTransaction,
    options: CallbackOptions = {},
  ): Promise<CallbackResult> {
    validate(trustedAudiencesSchema, options.trustedAudiences, 'trustedAudiences');
    const response = await processAuthorizationResponse(this.#server, parameters, transaction);
    const grant = await grantOfLogin(this.#server, response, transaction, options);
    if (options.userinfo !== true) {
      return grant;
    }
    return { ...grant, userinfo: await this.userinfo(grant.tokens, grant.idToken.sub) };
  }

  /** Token introspection (RFC 7662); the response is signed where that is registered (RFC 9701). */
  introspect(token: string, options?: IntrospectionOptions): Promise<IntrospectionResponse> {
    return introspect(this.#server, token, options);
  }

  /**
   * Verifies a JWT access token by its signature (RFC 9068, or another profile). The server is not asked, so a revoked token
   * is valid until it expires. A guard of one's own returns the result from `OidcGuard.verify`:
   *
   * ```ts
   * class PartnerGuard extends OidcGuard {
   *   @InjectOidcClient('partners') private readonly partners!: OidcClient;
   *
   *   protected override verify({ value }: PresentedToken) {
   *     return this.partners.verifyAccessToken(value, { audience: ['https://api.example.com'], accessTokens: 'keycloak' });
   *   }
   * }
   * ```
   *
   * A token that is bound to a key or a certificate is refused: who sent it is not known here. `OidcGuard` itself takes it.
   *
   * @throws {AccessTokenError} it is no access token of this server for this API, or not within its time, or bound
   * @throws {OidcError} of another kind: it can't be verified
   */
  async verifyAccessToken(
    token: string,
    { audience, algorithms, accessTokens }: AccessTokenOptions = {},
  ): Promise<VerifiedAccessToken> {
    const reader = this.#readers.of(accessTokens, audience);
    try {
      const allowed = algorithms?.filter((alg) => this.#server.algorithms.includes(alg));
      const claims = await verifyAccessToken(this.#server, token, { reader, algorithms: allowed });
      const expected = { issuer: claims.iss ?? this.issuer, reader, clock: this.clock };
      return requireUnbound(VerifiedAccessToken.verify(token, { claims, isStale: false }, expected));
    } catch (error) {
      throw blamedOnToken(error, token);
    }
  }

  /**
   * Verifies a logout token, with which the provider ends sessions (OpenID Connect Back-Channel Logout 1.0, section 2.6). Whether
   * it was used before is the caller's to remember, by its `jti`.
   *
   * @throws {VerificationError} it is none of this provider for this client, or not within its time
   */
  verifyLogoutToken(token: string): Promise<LogoutToken> {
    return verifyLogoutToken(this.#server, token);
  }

  /** Token revocation (RFC 7009). The token is also dropped from the caches, even when the server can't be reached. */
  async revoke(token: string, hint?: 'access_token' | 'refresh_token'): Promise<void> {
    try {
      await revoke(this.#server, token, hint);
    } finally {
      await this.forget(token);
    }
  }

  /**
   * Evicts an access token from the caches, here and in the store that replicas share. Its next use validates it again. The
   * answer to a running call is not cached either.
   *
   * @param actor whose token it is, for the audit: only what is known for sure. A `sid` is published as its hash
   * @throws {StoreError} the shared store can't be reached; other replicas may use the cached token for its lifetime there
   */
  async forget(token: string, actor?: Actor): Promise<void> {
    requireTokenText(token);
    try {
      await this.#evictions.evictToken(token);
    } catch (error) {
      auditFailure('eviction', this, error, actor);
      throw error;
    }
    audit('eviction', this, actor);
  }

  /** URL of the logout at the provider (RP-Initiated Logout 1.0, section 2); undefined without such an endpoint. */
  endSessionUrl(options?: EndSessionOptions): Promise<string | undefined> {
    return endSessionUrl(this.#server, options);
  }

  /** Drops the cached keys of the server, for example after a compromise. The next verification fetches them. */
  forgetKeys(): void {
    this.#server.forgetKeys();
    this.#evictions.evictSigned();
  }

  /**
   * Readiness check: fetches the server's metadata now and checks it. The server must have what this client needs, and list
   * what the client has registered.
   *
   * @throws {OidcError} the server is not there, or does not fit; routes may still serve from what is kept
   */
  async ready(): Promise<void> {
    throwFirst(await this.#server.findings());
  }
}

/** @throws {AccessTokenError} `TOKEN_BINDING`: only the client that it was issued to may use the token */
function requireUnbound(token: VerifiedAccessToken): VerifiedAccessToken {
  const { cnf, token_type } = token.claims;
  if (cnf !== undefined || token_type?.toLowerCase() === 'dpop') {
    throw new AccessTokenError('TOKEN_BINDING', 'The token is bound, and nothing is known of who sent it.');
  }
  return token;
}
