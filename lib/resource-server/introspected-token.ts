import { AccessTokenError, VerificationError } from '../errors/errors.js';
import type { IssuerRule } from '../jose/issuer-rule.js';
import { unverifiedJwt } from '../jose/unverified-jwt.js';
import type { AccessTokenClaims } from '../tokens/access-token.js';
import { blamedOnToken } from '../tokens/access-token-fault.js';
import { ID_TOKEN_CLAIMS } from '../tokens/access-token-profile.js';
import { isCalledAccessToken } from '../tokens/token-type.js';

/**
 * Checks the tenant that an introspected token is of. An answer of a server for many tenants has to say it.
 *
 * @throws {AccessTokenError} `TOKEN_ISSUER`, or `TOKEN_INVALID` where it is not said
 */
export async function requireTenant(answer: AccessTokenClaims, issuer: IssuerRule): Promise<void> {
  try {
    const name = await issuer.nameFor(answer);
    if (answer.iss !== name) {
      throw new VerificationError('ISS_MISMATCH', 'The introspection response names another issuer.', {
        facts: { iss: answer.iss, wanted: name },
      });
    }
    await issuer.requireTaken(answer);
  } catch (error) {
    throw blamedOnToken(error);
  }
}

/**
 * Refuses ID tokens that the server calls active; their audience may be this API's. A token is taken for one if the
 * answer or the token itself has a claim of ID tokens, and the answer does not call it an access token.
 *
 * @throws {AccessTokenError} `TOKEN_TYPE`
 */
export function requireNoIdToken(token: string, answer: AccessTokenClaims): void {
  if (isCalledAccessToken(answer)) {
    return;
  }
  const own = unverifiedJwt(token)?.claims ?? {};
  const claims = ID_TOKEN_CLAIMS.filter((claim) => (answer[claim] ?? own[claim] ?? undefined) !== undefined);
  if (claims.length > 0) {
    throw new AccessTokenError('TOKEN_TYPE', 'The token is an ID token.', { facts: { claims } });
  }
}
