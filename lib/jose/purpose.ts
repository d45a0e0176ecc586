/**
 * Purpose of a JWT (RFC 8725, sections 3.11 and 3.12). A token of one purpose never passes as another: `typ` tells them
 * apart where the specification gives one, else the claims that only the other kind has.
 */
export interface Purpose {
  /** As it reads in an error's message. */
  readonly name: string;
  /** The `typ` values, lower case and without `application/`; `undefined` where it may be absent. */
  readonly types: readonly (string | undefined)[];
  readonly required: readonly string[];
  /** Claims that show that this is a JWT of another kind. */
  readonly foreign: readonly string[];
  /**
   * Whom it may be meant for: `every` value of `aud` must be ours, `some` must, or it names neither issuer nor audience
   * and is bound in another way (`none`).
   */
  readonly audience: 'every' | 'some' | 'none';
  /** Seconds since `iat` that it may be old. */
  readonly maxAge?: number;
  /** Characters. */
  readonly maxLength: number;
}

/** ID token (OpenID Connect Core 1.0, sections 2 and 3.1.3.7). It has no `typ` of its own: only the generic one is taken. */
export const ID_TOKEN: Purpose = {
  name: 'ID token',
  types: [undefined, 'jwt'],
  required: ['iss', 'sub', 'aud', 'exp', 'iat'],
  foreign: ['events', 'token_introspection'],
  // Who else may stand in it is looked at by itself, so that the error can tell what would allow it.
  audience: 'some',
  maxAge: 600,
  maxLength: 65_536,
};

/** Signed userinfo. It must have `iss` and `aud` (OpenID Connect Core 1.0, section 5.3.2). */
export const USERINFO: Purpose = {
  name: 'userinfo response',
  types: [undefined, 'jwt'],
  required: ['iss', 'sub', 'aud'],
  foreign: ['nonce', 'at_hash', 'c_hash', 's_hash', 'events', 'token_introspection'],
  audience: 'every',
  maxLength: 524_288,
};

/** Signed introspection (RFC 9701, section 5). Nothing binds it to our request but its age: see `maxAge`. */
export const INTROSPECTION: Purpose = {
  name: 'introspection response',
  types: ['token-introspection+jwt'],
  required: ['iss', 'aud', 'iat', 'token_introspection'],
  foreign: [],
  audience: 'every',
  maxAge: 60,
  maxLength: 524_288,
};

/**
 * Authorization response (JARM, sections 2.1 and 2.4). It has no `typ` of its own, and needs no `iat`. An ID token has a
 * `nonce` or a hash of what came with it.
 */
export const AUTHORIZATION_RESPONSE: Purpose = {
  name: 'authorization response',
  types: [undefined, 'jwt'],
  required: ['iss', 'aud', 'exp'],
  foreign: ['nonce', 'at_hash', 'c_hash', 's_hash', 'events', 'token_introspection'],
  audience: 'some',
  // Section 2.1 recommends ten minutes as the longest life.
  maxAge: 600,
  maxLength: 65_536,
};

/**
 * Logout token (OpenID Connect Back-Channel Logout 1.0, sections 2.4 and 2.6). Anybody can post one: `events` tells it from
 * an ID token, which has no such claim.
 */
export const LOGOUT_TOKEN: Purpose = {
  name: 'logout token',
  types: ['logout+jwt', 'jwt', undefined],
  required: ['iss', 'aud', 'iat', 'exp', 'jti', 'events'],
  foreign: ['nonce', 'at_hash', 'c_hash', 's_hash', 'token_introspection'],
  audience: 'some',
  // Section 4 recommends two minutes.
  maxAge: 120,
  maxLength: 65_536,
};

/** Maximum length of an access token in characters: what Node's server takes by default for all headers together. */
export const LONGEST_ACCESS_TOKEN = 16_384;

/** JWT access token (RFC 9068, sections 2 and 4). */
export const ACCESS_TOKEN: Purpose = {
  name: 'access token',
  types: ['at+jwt'],
  required: ['iss', 'exp', 'aud', 'sub', 'client_id', 'iat', 'jti'],
  foreign: ['events', 'token_introspection'],
  audience: 'some',
  maxLength: LONGEST_ACCESS_TOKEN,
};

/** DPoP proof at a resource server (RFC 9449, sections 4.2 and 7). There it must have the token's hash. */
export const DPOP_PROOF = {
  name: 'DPoP proof',
  types: ['dpop+jwt'],
  required: ['jti', 'htm', 'htu', 'iat', 'ath'],
  foreign: [],
  audience: 'none',
  maxAge: 60,
  maxLength: 8192,
} satisfies Purpose;

/** Claims of another party (OpenID Connect Core 1.0, section 5.6.2). Nothing says whom they are meant for. */
export const FOREIGN_CLAIMS: Purpose = {
  name: 'JWT of a claims provider',
  types: [undefined, 'jwt'],
  required: ['iss'],
  foreign: ['nonce', 'at_hash', 'c_hash', 's_hash', 'events', 'token_introspection'],
  audience: 'some',
  maxLength: 65_536,
};
