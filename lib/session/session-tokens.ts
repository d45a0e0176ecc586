import * as v from 'valibot';

import { tokenResponseSchema, type TokenResponse, type TokenResponseMembers } from '../tokens/token-response.js';
import type { Complete } from '../values/complete.js';

/** Schema of the token members in a session without `session.tokens`. Strict, to tell it from a whole token response. */
export const keptOfTokensSchema = v.strictObject(v.pick(tokenResponseSchema, ['scope', 'id_token']).entries);

export type KeptOfTokens = Readonly<v.InferOutput<typeof keptOfTokensSchema>>;

/**
 * The tokens of a session without `session.tokens`: no access and no refresh token. Printed or serialised it shows no token.
 */
export class TokensNotKept implements Complete<Partial<TokenResponseMembers>> {
  readonly access_token = undefined;
  readonly refresh_token = undefined;
  readonly token_type = undefined;
  readonly expires_at = undefined;
  readonly expires_in = undefined;
  readonly authorization_details = undefined;
  readonly issued_token_type = undefined;
  readonly dpop_key = undefined;
  /** The granted scopes, space-separated. */
  readonly scope: string;
  readonly #id_token: string | undefined;

  constructor({ scope, id_token }: KeptOfTokens) {
    this.scope = scope;
    this.#id_token = id_token;
    Object.freeze(this);
  }

  /** For `id_token_hint` at logout; undefined if it would make the cookies too large. */
  get id_token(): string | undefined {
    return this.#id_token;
  }

  /** The members in clear, for sealing. @internal */
  static toStored({ scope, id_token }: TokensNotKept): KeptOfTokens {
    return { scope, id_token } satisfies Complete<KeptOfTokens>;
  }
}

/** The tokens of a session. `access_token` is undefined without `session.tokens`. */
export type SessionTokens = TokenResponse | TokensNotKept;
