import type { JsonObject } from '../values/json.js';

/** The user that the strategy returns by default. An application's own `validate` may return another type. */
export abstract class OidcUser {
  /** The subject: never reassigned, unique at its issuer (OpenID Connect Core 1.0, section 2). */
  abstract readonly sub: string;
  /** The claims of the ID token, and with `login.userinfo` also those of userinfo. */
  abstract readonly claims: JsonObject;
}
