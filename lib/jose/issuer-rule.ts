import type { Awaitable } from '../values/awaitable.js';
import type { JsonObject } from '../values/json.js';

/** Issuer rule: what `iss` of a JWT must be, where that is not known before the JWT is read. */
export interface IssuerRule {
  /**
   * The name that `iss` must be beside the other claims.
   *
   * @throws {VerificationError} there is none beside them
   */
  nameFor(claims: JsonObject): Awaitable<string>;
  /**
   * Asked last, when all else of a JWT is good: whether the application takes this issuer.
   *
   * @throws {VerificationError} it does not
   */
  requireTaken(claims: JsonObject): Awaitable<void>;
}
