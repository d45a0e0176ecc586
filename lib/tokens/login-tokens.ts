import * as v from 'valibot';

import { SessionError } from '../errors/errors.js';
import type { Complete } from '../values/complete.js';
import { TokenResponse, tokenResponseSchema, type TokenResponseMembers } from './token-response.js';

/** Schema of stored tokens without an access token. Strict, to tell it from a whole token response. */
export const noAccessTokenSchema = v.strictObject(v.pick(tokenResponseSchema, ['scope', 'id_token']).entries);

export type NoAccessTokenMembers = Readonly<v.InferOutput<typeof noAccessTokenSchema>>;

/**
 * Tokens without an access token, and so without a refresh token: the login asked for an ID token alone (the response type
 * `id_token`), or the session keeps no others (`session.tokens`). Printed or serialised it shows no token.
 */
export class NoAccessToken implements Complete<Partial<TokenResponseMembers>> {
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

  constructor({ scope, id_token }: NoAccessTokenMembers) {
    this.scope = scope;
    this.#id_token = id_token;
    Object.freeze(this);
  }

  /** For `id_token_hint` at logout; undefined in a session if it would make the cookies too large. */
  get id_token(): string | undefined {
    return this.#id_token;
  }

  /** The members in clear, for sealing. @internal */
  static toStored({ scope, id_token }: NoAccessToken): NoAccessTokenMembers {
    return { scope, id_token } satisfies Complete<NoAccessTokenMembers>;
  }
}

/**
 * The tokens of a login or of its session. `access_token` is undefined after a login with the response type `id_token`, and in a
 * session without `session.tokens`.
 */
export type LoginTokens = TokenResponse | NoAccessToken;

/**
 * The tokens with an access token.
 *
 * @throws {SessionError} `ACCESS_TOKEN_MISSING`: there is none
 */
export function requireAccessToken(tokens: LoginTokens): TokenResponse {
  if (!(tokens instanceof TokenResponse)) {
    throw new SessionError(
      'ACCESS_TOKEN_MISSING',
      'There is no access token: set session.tokens: true, or a store, so that sessions keep it. ' +
        'With the response type id_token a login brings none.',
    );
  }
  return tokens;
}
