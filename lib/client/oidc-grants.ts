import type { Server } from '../authorization-server/server.js';
import { clientCredentialsGrant, type ClientCredentialsOptions } from '../grants/client-credentials.js';
import { refreshTokenGrant, type RefreshableTokens, type RefreshOptions } from '../grants/refresh-token.js';
import type { TokenResponse } from '../tokens/token-response.js';
import { trustedAudiencesSchema } from '../tokens/trusted-audiences.js';
import { validate } from '../values/validate.js';

/** The grants of a client beside the login: what the token endpoint gives for something else than a code. */
export class OidcGrants {
  readonly #server: Server;

  constructor(server: Server) {
    this.#server = server;
  }

  /** Client credentials grant (RFC 6749, section 4.4). Default scope: the registered `scope`. */
  clientCredentials(options?: ClientCredentialsOptions): Promise<TokenResponse> {
    return clientCredentialsGrant(this.#server, options);
  }

  /**
   * Refresh token grant (RFC 6749, section 6).
   *
   * @param tokens of a login or an earlier refresh: a new ID token must continue theirs (OpenID Connect Core 1.0, section
   *   12.2), and the key that they are bound to is used. Or the refresh token alone: nothing is known to compare with, unless
   *   `options.claims` says it
   */
  async refresh(tokens: RefreshableTokens | string, options?: RefreshOptions): Promise<TokenResponse> {
    validate(trustedAudiencesSchema, options?.trustedAudiences, 'trustedAudiences');
    return refreshTokenGrant(this.#server, tokens, options);
  }
}
