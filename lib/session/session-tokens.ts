import * as v from 'valibot';

import { tokenResponseSchema, type TokenResponse, type TokenResponseMembers } from '../tokens/token-response.js';
import type { Complete } from '../values/complete.js';

/** The members of a token response that a session has where `session.tokens` is off; with others it is none of these. */
export const keptOfTokensSchema = v.strictObject(v.pick(tokenResponseSchema, ['scope', 'id_token']).entries);

export type KeptOfTokens = Readonly<v.InferOutput<typeof keptOfTokensSchema>>;

/**
 * The tokens of a session where `session.tokens` is off: nothing that an API takes. Printed or serialised it shows no token.
 */
export class TokensNotKept implements Complete<Partial<TokenResponseMembers>> {
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

  /** Hands all of it out to who seals it. @internal */
  static toStored({ scope, id_token }: TokensNotKept): KeptOfTokens {
    return { scope, id_token } satisfies Complete<KeptOfTokens>;
  }
}

/** The tokens of a session's login. `access_token` tells whether they were kept. */
export type SessionTokens = TokenResponse | TokensNotKept;
