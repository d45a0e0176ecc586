import { Readable } from 'node:stream';

import type { Server } from '../authorization-server/server.js';
import { ChallengeError } from '../errors/errors.js';
import type { StreamedRequest } from '../http/streamed-calls.js';
import { distributedClaims, type DistributedClaimsOptions } from '../tokens/distributed-claims.js';
import type { Evictions } from '../tokens/evictions.js';
import { aggregatedClaims, type ForeignClaims, type ForeignClaimsOptions } from '../tokens/foreign-claims.js';
import { requireAccessToken, type LoginTokens } from '../tokens/login-tokens.js';
import { apiRequest, fetchResource, type ApiRequestInit } from '../tokens/resource-fetch.js';
import { authorizationHeaders, type ApiRequest } from '../tokens/resource-request.js';
import type { TokenResponse } from '../tokens/token-response.js';
import { userinfo, type UserinfoOptions } from '../tokens/userinfo.js';
import type { JsonObject } from '../values/json.js';
import { OidcGrants } from './oidc-grants.js';

/** The calls of a client to protected resources: userinfo, the sources of claims that it names, and APIs. */
export class OidcResources extends OidcGrants {
  readonly #server: Server;
  readonly #evictions: Evictions;

  constructor(...parts: ConstructorParameters<typeof OidcGrants>) {
    super(...parts);
    [this.#server, this.#evictions] = parts;
  }

  /**
   * The end-user's claims (OpenID Connect Core 1.0, section 5.3); an answer about another `sub` is refused.
   *
   * ```ts
   * const { email, email_verified } = await oidc.userinfo(tokens, '248289761001');
   * ```
   *
   * @param tokens of a login, or an access token that is bound to no key
   * @throws {SessionError} `ACCESS_TOKEN_MISSING`: the login brought no access token
   */
  async userinfo(tokens: LoginTokens | string, sub: string, options?: UserinfoOptions): Promise<JsonObject> {
    return userinfo(this.#server, sentTokens(tokens), sub, options);
  }

  /**
   * Claims that the provider hands on from another party as a JWT: aggregated claims (OpenID Connect Core 1.0, section 5.6).
   * They are no part of the user's own claims, and unverified unless `trusted` names who signed them.
   *
   * ```ts
   * const claims = await oidc.userinfo(tokens, '248289761001');
   * for (const { source, verifiedBy, claims: foreign } of await oidc.aggregatedClaims(claims)) {
   *   logger.log(`${source} says ${Object.keys(foreign).join()}, verified by ${verifiedBy ?? 'nobody'}`);
   * }
   * ```
   *
   * @param claims of an ID token or of {@link userinfo}
   */
  async aggregatedClaims(claims: JsonObject, options: ForeignClaimsOptions = {}): Promise<readonly ForeignClaims[]> {
    return aggregatedClaims(claims, options, this.#server);
  }

  /**
   * Fetches claims from another party's endpoint: distributed claims (OpenID Connect Core 1.0, section 5.6). Nothing else calls
   * these endpoints. What comes is as foreign as {@link aggregatedClaims}.
   *
   * ```ts
   * const claims = await oidc.userinfo(tokens, '248289761001');
   * const [credit] = await oidc.distributedClaims(claims, { origins: ['https://credit.example.com'] });
   * ```
   *
   * @param claims of an ID token or of {@link userinfo}
   */
  async distributedClaims(
    claims: JsonObject,
    options: DistributedClaimsOptions = {},
  ): Promise<readonly ForeignClaims[]> {
    return distributedClaims(this.#server, claims, options);
  }

  /**
   * The headers for an API call with these tokens: `authorization`, and `dpop` for tokens that are bound to a key (RFC 9449,
   * section 7.1). A proof works for one request only. {@link fetch} does all of it.
   *
   * ```ts
   * const headers = await oidc.authorizationHeaders(tokens, { method: 'GET', url });
   * const response = await fetch(url, { headers });
   * ```
   *
   * @param request its `nonce` is what the API last sent as `DPoP-Nonce`
   * @throws {SessionError} `ACCESS_TOKEN_EXPIRED`: refresh the tokens first; `ACCESS_TOKEN_MISSING`: there is no access token
   */
  async authorizationHeaders(tokens: LoginTokens, request: ApiRequest): Promise<Readonly<Record<string, string>>> {
    return authorizationHeaders(this.#server.clock, requireAccessToken(tokens), request);
  }

  /**
   * Calls an API with an access token, as the Fetch API does. With tokens that are bound to a key the call carries a proof, and
   * is made once more with the nonce that the API asks for (RFC 9449, section 9).
   *
   * ```ts
   * const response = await oidc.fetch('https://api.example.com/orders', { method: 'POST', body: '{"item":7}' }, tokens);
   * const order = await response.json();
   * ```
   *
   * Redirects are not followed: the caller gets them, as any other answer but a refusal with a challenge. The answer's body is
   * not limited. The client's certificate is shown where `OIDC_DISPATCHER` has one.
   *
   * @param url https; http on loopback hosts, else with `insecureHttp`
   * @param tokens of a login; text is a bearer token. Left out: {@link clientToken}. Where the API takes it no more, the call is
   *   made once again with a new one, if its body is no stream
   * @throws {ChallengeError} the API refused the call, and its challenge says why
   * @throws {SessionError} `ACCESS_TOKEN_EXPIRED`: refresh the tokens first
   */
  async fetch(url: string | URL, init: ApiRequestInit = {}, tokens?: LoginTokens | string): Promise<Response> {
    const request = await apiRequest(this.#server, url, init);
    if (tokens !== undefined) {
      return fetchResource(this.#server, request, sentTokens(tokens));
    }
    return this.#fetchAsClient(request, !(request.body instanceof Readable));
  }

  /** With the client's own token: it may have been revoked, so that a new one is taken, once (RFC 6750, section 3.1). */
  async #fetchAsClient(request: StreamedRequest, isRepeatable: boolean): Promise<Response> {
    const own = await this.clientToken();
    try {
      return await fetchResource(this.#server, request, own);
    } catch (error) {
      if (!(error instanceof ChallengeError) || error.error !== 'invalid_token') {
        throw error;
      }
      await this.#evictions.evictToken(own.access_token);
      if (!isRepeatable) {
        throw error;
      }
    }
    return this.#fetchAsClient(request, false);
  }
}

function sentTokens(tokens: LoginTokens | string): TokenResponse | { access_token: string; dpop_key: undefined } {
  return typeof tokens === 'string' ? { access_token: tokens, dpop_key: undefined } : requireAccessToken(tokens);
}
