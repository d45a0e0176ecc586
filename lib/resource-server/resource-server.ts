import { createHash } from 'node:crypto';

import type { Introspection } from '../client/introspection.js';
import type { OidcClient } from '../client/oidc-client.js';
import { AccessTokenError, ConfigError, OAuthError } from '../errors/errors.js';
import type { ResourceServerOptions, ValidateAccessToken } from './resource-server.options.js';
import { VerifiedAccessToken } from './verified-access-token.js';

/** The API as its authorization server knows it: verifies access tokens by introspection. */
export class ResourceServer {
  readonly realm: string;
  readonly #audience: readonly string[] | undefined;
  readonly #inFlight = new Map<string, Promise<Introspection>>();

  constructor(
    readonly client: OidcClient,
    private readonly options: ResourceServerOptions | undefined,
  ) {
    const audience = options?.audience;
    this.#audience = typeof audience === 'string' ? [audience] : audience || undefined;
    this.realm = this.#audience?.[0] ?? client.issuer;
  }

  /**
   * Called by each guard that is constructed: what it needs must be configured before the first request.
   *
   * @throws {ConfigError} there is no audience, or nothing to authenticate with at the introspection endpoint
   */
  requireConfiguration(): void {
    if (this.options === undefined) {
      throw new ConfigError('INVALID_CONFIG', 'resourceServer.audience', 'is required by OidcGuard');
    }
    if (this.client.metadata.introspection_endpoint_auth_method === 'none') {
      const member = 'client.introspection_endpoint_auth_method';
      throw new ConfigError('INVALID_CONFIG', member, 'must not be none for OidcGuard (RFC 7662, section 2.1)');
    }
    this.client.needs('introspection_endpoint');
  }

  /** The application's mapping from token to user, if there is one. */
  get validate(): ValidateAccessToken | undefined {
    return this.options?.validate;
  }

  /**
   * Asks the server about the token and checks the answer.
   *
   * @throws {AccessTokenError} the token is not good here
   * @throws {OidcError} of another kind: it can't be told
   */
  async verify(token: string): Promise<VerifiedAccessToken> {
    const { issuer, clock } = this.client;
    return VerifiedAccessToken.verify(token, await this.#introspect(token), {
      issuer,
      clock,
      audience: this.#audience,
    });
  }

  /** One call for all who ask about the same token at the same time. */
  #introspect(token: string): Promise<Introspection> {
    const key = createHash('sha256').update(token).digest('base64url');
    const shared = this.#inFlight.get(key);
    if (shared !== undefined) {
      return shared;
    }
    const call = this.#ask(token).finally(() => this.#inFlight.delete(key));
    this.#inFlight.set(key, call);
    return call;
  }

  async #ask(token: string): Promise<Introspection> {
    try {
      return await this.client.introspect(token, { audience: this.#audience ?? [] });
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
}
