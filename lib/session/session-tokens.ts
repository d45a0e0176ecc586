import type { TokenResponse } from '../tokens/token-response.js';

/** The members of {@link TokensNotKept} that a session has. */
export interface KeptOfTokens {
  readonly scope: string;
  readonly id_token?: string | undefined;
}

/**
 * What a session has of its login's tokens where `session.tokens` is off: nothing that an API takes. Printed or serialised it
 * shows no token.
 */
export class TokensNotKept {
  readonly access_token = undefined;
  readonly refresh_token = undefined;
  readonly token_type = undefined;
  readonly expires_at = undefined;
  readonly dpop_key = undefined;
  /** What was granted, space-separated. */
  readonly scope: string;
  readonly #id_token: string | undefined;

  constructor({ scope, id_token }: KeptOfTokens) {
    this.scope = scope;
    this.#id_token = id_token;
    Object.freeze(this);
  }

  /** For the logout hint; undefined where the cookies would become too large with it. */
  get id_token(): string | undefined {
    return this.#id_token;
  }
}

/** The tokens of a session's login. `access_token` tells whether they were kept. */
export type SessionTokens = TokenResponse | TokensNotKept;
