import type { OidcClient } from '../client/oidc-client.js';
import { publishedJwk } from '../jose/jwk.js';
import type { ResponseHeader } from '../nest/answer.js';
import { isJsonObject } from '../values/json.js';

/**
 * The media type is that of RFC 7517, section 8.5.2. Servers keep the keys for five minutes and fetch them again at a `kid` that
 * they do not know (OpenID Connect Core 1.0, section 10.1.1), so that a new key in front can sign at once.
 *
 * No shared cache keeps the answer (RFC 9111, section 5.2.2.7): a global session guard or a middleware of the application may
 * have added cookies to it, and a cache would give them to everybody.
 */
export const KEY_SET_HEADERS: readonly ResponseHeader[] = [
  ['Content-Type', 'application/jwk-set+json'],
  ['Cache-Control', 'private, max-age=300'],
  ['X-Content-Type-Options', 'nosniff'],
];

/** The client's JWK Set with public keys only. All of them stay in it, also those that sign no more. */
export function keySetOf({ jwks }: OidcClient['metadata']): string {
  const keys = (jwks?.keys ?? []).filter(isJsonObject).flatMap((jwk) => publishedJwk(jwk) ?? []);
  return JSON.stringify({ keys });
}
