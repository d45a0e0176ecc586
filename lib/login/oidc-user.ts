import type { JsonObject } from '../values/json.js';

/** Who logged in, as the strategy sees it by default. An application's own `validate` makes what it likes of it. */
export abstract class OidcUser {
  /** The subject: never reassigned, unique at its issuer (OpenID Connect Core 1.0, section 2). */
  abstract readonly sub: string;
  /** The ID token's claims, and those of userinfo where `login.userinfo` asks for them. */
  abstract readonly claims: JsonObject;
}
