import { typesOf } from './authorization-details.js';
import type { TokenResponse } from './token-response.js';

/**
 * Scopes that ask for claims (OpenID Connect Core 1.0, section 5.4). The claims themselves say what was granted, and some
 * providers name these scopes in another way in their token responses.
 */
const SCOPES_OF_CLAIMS: readonly string[] = ['openid', 'profile', 'email', 'address', 'phone'];

/** What a login asked for. */
export interface Asked {
  /** Space-separated. */
  readonly scope: string;
  /** The types of `authorization_details`. */
  readonly authorization_details_types?: readonly string[];
}

/**
 * What a login asked for and was not granted: scopes (RFC 6749, section 3.3), and types of authorization details (RFC 9396,
 * section 7). Within a type a server may grant less, or fill in more: that is the application's to compare.
 *
 * @returns such as `scope orders:write` or `authorization_details payment_initiation`
 */
export function missingGrants(
  { scope, authorization_details_types = [] }: Asked,
  { scope: granted, refresh_token, authorization_details }: TokenResponse,
): readonly string[] {
  // A refresh token is what offline_access asks for.
  const known = [...granted.split(' '), ...SCOPES_OF_CLAIMS, ...(refresh_token ? ['offline_access'] : [])];
  const types = typesOf(authorization_details);
  return [
    ...scope.split(' ').flatMap((one) => (known.includes(one) ? [] : [`scope ${one}`])),
    ...authorization_details_types.flatMap((one) => (types.includes(one) ? [] : [`authorization_details ${one}`])),
  ];
}
