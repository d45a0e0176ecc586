import * as v from 'valibot';

import { DpopKey } from '../jose/dpop-key.js';
import type { Complete } from '../values/complete.js';
import { isJsonObject, type JsonObject } from '../values/json.js';
import type { AuthorizationDetails } from './authorization-details.js';

/** Schema of a sealed or stored token response: the key as a private JWK. */
export const tokenResponseSchema = v.object({
  access_token: v.string(),
  token_type: v.string(),
  /** The granted scopes, space-separated. */
  scope: v.string(),
  /** Seconds since the epoch; undefined when the server did not say. */
  expires_at: v.optional(v.number()),
  /** Seconds from the grant to `expires_at`. */
  expires_in: v.optional(v.number()),
  id_token: v.optional(v.string()),
  refresh_token: v.optional(v.string()),
  /** What the tokens allow in detail (RFC 9396, section 7); undefined when the server did not say. */
  authorization_details: v.optional(v.pipe(v.array(v.custom<JsonObject>(isJsonObject)), v.readonly())),
  /** What kind of token a token exchange gave as `access_token` (RFC 8693, section 2.2.1). */
  issued_token_type: v.optional(v.string()),
  /** The key that the access token is bound to, if `dpop_bound_access_tokens` is registered. */
  dpop_key: v.optional(
    v.pipe(
      v.custom<JsonObject>(isJsonObject),
      v.transform((jwk) => DpopKey.fromJwk(jwk)),
      v.custom<DpopKey>((key) => key !== undefined),
    ),
  ),
});

export type TokenResponseMembers = Readonly<v.InferOutput<typeof tokenResponseSchema>>;

/** A token response as JSON. Its tokens and private key are in clear. */
export type StoredTokenResponse = Readonly<v.InferInput<typeof tokenResponseSchema>>;

/**
 * The tokens of one grant (RFC 6749, section 5.1; OpenID Connect Core 1.0, section 3.1.3.3).
 *
 * The tokens themselves are read by name and appear nowhere else: not in a log, not in JSON.
 */
export class TokenResponse implements Complete<TokenResponseMembers> {
  readonly token_type: string;
  /** The granted scopes, space-separated. */
  readonly scope: string;
  /** Seconds since the epoch; undefined when the server did not say. */
  readonly expires_at: number | undefined;
  /** Seconds from the grant to `expires_at`. */
  readonly expires_in: number | undefined;
  /** What kind of token a token exchange gave as `access_token` (RFC 8693, section 2.2.1). */
  readonly issued_token_type: string | undefined;
  readonly #members: TokenResponseMembers;

  constructor(members: TokenResponseMembers) {
    this.token_type = members.token_type;
    this.scope = members.scope;
    this.expires_at = members.expires_at;
    this.expires_in = members.expires_in;
    this.issued_token_type = members.issued_token_type;
    this.#members = members;
    Object.freeze(this);
  }

  get access_token(): string {
    return this.#members.access_token;
  }

  get id_token(): string | undefined {
    return this.#members.id_token;
  }

  get refresh_token(): string | undefined {
    return this.#members.refresh_token;
  }

  /** What the tokens allow in detail (RFC 9396, section 7); undefined when the server did not say. */
  get authorization_details(): AuthorizationDetails | undefined {
    return this.#members.authorization_details;
  }

  /** The key that the access token is bound to, if `dpop_bound_access_tokens` is registered. */
  get dpop_key(): DpopKey | undefined {
    return this.#members.dpop_key;
  }

  /** The same tokens with other members. @internal */
  static with(tokens: TokenResponse, members: Partial<TokenResponseMembers>): TokenResponse {
    return new TokenResponse({ ...tokens.#members, ...members });
  }

  /** The members in clear, for sealing. @internal */
  static toStored(tokens: TokenResponse): StoredTokenResponse {
    const { dpop_key, authorization_details, ...members } = tokens.#members;
    return { ...members, authorization_details: authorization_details?.slice(), dpop_key: dpop_key?.toJwk() };
  }
}
