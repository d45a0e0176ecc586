import type { AccessTokenErrorCode, VerificationErrorCode } from '../errors/codes.js';
import { AccessTokenError, VerificationError } from '../errors/errors.js';
import { unverifiedJwt } from '../jose/unverified-jwt.js';
import { profilesThatTake } from './access-token-readers.js';

const CODES: Readonly<Partial<Record<VerificationErrorCode, AccessTokenErrorCode>>> = {
  EXPIRED: 'TOKEN_EXPIRED',
  NOT_YET_VALID: 'TOKEN_NOT_YET_VALID',
  ISS_MISMATCH: 'TOKEN_ISSUER',
  TENANT_REFUSED: 'TOKEN_ISSUER',
  AUD_MISMATCH: 'TOKEN_AUDIENCE',
  TYP_MISMATCH: 'TOKEN_TYPE',
  JWT_MALFORMED: 'TOKEN_TYPE',
  UNEXPECTED_JWE: 'TOKEN_TYPE',
};

/** What is wrong with a token of another shape than that of the profile. */
const OTHER_SHAPE: readonly VerificationErrorCode[] = ['TYP_MISMATCH', 'UNEXPECTED_CLAIM', 'CLAIM_MISSING'];

/**
 * The error of an access token that is to blame, which a guard answers with 401. Any other error, such as one in fetching
 * the keys, passes as it is.
 *
 * @param token left out: nothing is said of its shape
 */
export function blamedOnToken(error: unknown, token?: string): unknown {
  if (!(error instanceof VerificationError)) {
    return error;
  }
  if (error.code === 'JWT_MALFORMED' && token?.includes('.') === false) {
    return new AccessTokenError('TOKEN_TYPE', 'The token is opaque: only an introspection can check it.');
  }
  const isOfAnotherShape = token !== undefined && OTHER_SHAPE.includes(error.code);
  return new AccessTokenError(CODES[error.code] ?? 'TOKEN_INVALID', 'The token does not verify.', {
    cause: error,
    facts: isOfAnotherShape ? { profiles: profilesFor(token) } : undefined,
  });
}

/** For the log: the profiles that would take the token by its signature, so that `accessTokens` can name one. */
export function profilesFor(token: string): readonly string[] | undefined {
  const jwt = unverifiedJwt(token);
  const profiles = jwt === undefined ? [] : profilesThatTake(jwt);
  return profiles.length === 0 ? undefined : profiles;
}
