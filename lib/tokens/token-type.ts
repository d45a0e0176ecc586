import type { JsonObject, JsonValue } from '../values/json.js';
import type { MemberType } from '../values/tolerant-reader.js';

/** IANA's registry "OAuth Access Token Types", `mac` of RFC 6749, section 7.1, and the name of RFC 7009, section 2.1. */
const STANDARD: readonly string[] = ['bearer', 'dpop', 'pop', 'n_a', 'mac', 'access_token'];

/**
 * Names of tokens that are no access tokens, in the words of RFC 7009, RFC 8693 and providers. Names of tokens that are
 * bound to a key in a way that is not understood stand here too: unread they would pass as bearer tokens.
 */
const OTHER_KIND = /refresh|offline|logout|saml|pop|(^|[^a-z])(code|(open)?id([-_]?token)?)(?![a-z])/;

/** Whether a name is that of another kind of token, not of an access token. */
export function isOtherKind(name: string): boolean {
  return OTHER_KIND.test(name.toLowerCase());
}

/**
 * The type of a token (RFC 6749, section 7.1). A name that no standard has, as section 8.1 allows providers to make up,
 * says nothing, unless it is the name of another kind of token.
 */
export const TOKEN_TYPE: MemberType = { read: standardType, is: (value) => typeof value === 'string' };

function standardType(value: JsonValue): JsonValue | undefined {
  if (typeof value !== 'string') {
    return value;
  }
  return STANDARD.includes(value.toLowerCase()) || isOtherKind(value) ? value : undefined;
}

/**
 * Whether the claims may be those of an access token. Introspection also knows refresh tokens, and at some servers ID
 * tokens, so an active token need not be an access token. `token_type` is standard; providers add the other two. A `typ`
 * may be the provider's own name. A `typ` that is no text is refused.
 */
export function isAccessToken({ token_type, token_use: use, typ }: JsonObject): boolean {
  return (
    (token_type === undefined || isOneOf(ACCESS_TOKEN_TYPES, token_type)) &&
    (use === undefined || isOneOf(ACCESS_TOKEN_USES, use)) &&
    (typ === undefined || isOneOf(ACCESS_TOKEN_TYPES, typ) || (typeof typ === 'string' && !isOtherKind(typ)))
  );
}

/** Whether the server says that it is an access token: by a standard's `token_type`, Keycloak's `typ` or a `token_use`. */
export function isCalledAccessToken({ token_type, token_use: use, typ }: JsonObject): boolean {
  return isOneOf(ACCESS_TOKEN_TYPES, token_type) || isOneOf(ACCESS_TOKEN_TYPES, typ) || isOneOf(ACCESS_TOKEN_USES, use);
}

const ACCESS_TOKEN_TYPES: readonly string[] = ['bearer', 'access_token', 'dpop'];
const ACCESS_TOKEN_USES: readonly string[] = ['access', 'access_token'];

function isOneOf(kinds: readonly string[], value: JsonValue | undefined): boolean {
  return typeof value === 'string' && kinds.includes(value.toLowerCase());
}
