import type { Clock } from '../clock/clock.js';
import { VerificationError } from '../errors/errors.js';
import { factOf } from '../errors/oidc.error.js';
import { numericDate } from '../jose/jwt.js';
import { ID_TOKEN } from '../jose/purpose.js';
import type { JsonObject } from '../values/json.js';

/** How the end-user must have authenticated. */
export interface AuthenticationExpectations {
  /** Seconds since the end-user proved who they are. */
  readonly max_age?: number | undefined;
  /** Milliseconds: when the login began. */
  readonly started_at?: number | undefined;
  /** The values of `acr` that were demanded; an empty list: any. Undefined: none was. */
  readonly essential_acr?: readonly string[] | undefined;
}

/**
 * Checks what an ID token says of the authentication: that it was recent enough (OpenID Connect Core 1.0, section 3.1.3.7,
 * 13), and of a class that was demanded (section 5.5.1.1).
 *
 * @param isTimeRequired whether `require_auth_time` is registered
 */
export function requireAuthentication(
  claims: JsonObject,
  clock: Clock,
  expected: AuthenticationExpectations,
  isTimeRequired: boolean,
): void {
  requireTime(claims, clock, expected, isTimeRequired);
  requireClass(claims, expected);
}

function requireTime(
  claims: JsonObject,
  clock: Clock,
  { max_age, started_at }: AuthenticationExpectations,
  isRequired: boolean,
): void {
  const authTime = numericDate(claims, 'auth_time', ID_TOKEN);
  if (authTime === undefined) {
    if (isRequired || max_age !== undefined) {
      throw new VerificationError('AUTH_TIME_MISSING', 'The ID token does not say when the end-user authenticated.');
    }
    return;
  }
  if (clock.isInFuture(authTime)) {
    const facts = clock.beside({ auth_time: authTime });
    throw new VerificationError('NOT_YET_VALID', 'The ID token says that the end-user authenticates in the future.', {
      facts,
    });
  }
  // With max_age=0 the authentication must belong to this login: what counts is the time since it began.
  const age = max_age === 0 && started_at !== undefined ? Math.ceil((clock.now() - started_at) / 1000) : max_age;
  if (age !== undefined && clock.isOlderThan(authTime, age)) {
    throw new VerificationError('AUTH_TIME_TOO_OLD', 'The end-user authenticated too long ago.');
  }
}

/** A server that can't meet a demanded `acr` has to fail the login. One that does not know the demand ignores it. */
function requireClass({ acr }: JsonObject, { essential_acr: demanded }: AuthenticationExpectations): void {
  if (demanded === undefined) {
    return;
  }
  if (typeof acr !== 'string' || (demanded.length > 0 && !demanded.includes(acr))) {
    throw new VerificationError('ACR_MISMATCH', 'The end-user did not authenticate in the way that was demanded.', {
      facts: { acr: factOf(acr) ?? 'none', wanted: demanded },
    });
  }
}
