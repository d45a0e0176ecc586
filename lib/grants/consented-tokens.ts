import type { Server } from '../authorization-server/server.js';
import { VerificationError } from '../errors/errors.js';
import { hasOpenid } from '../tokens/openid-scope.js';
import type { HashClaim } from '../tokens/token-hash.js';
import type { TokenResponse } from '../tokens/token-response.js';
import type { TrustedAudiences } from '../tokens/trusted-audiences.js';
import { verifiedTokens, type VerifiedTokens } from './verified-tokens.js';

/** What tokens are held to that somebody consented to on another device. */
export interface ConsentExpectations {
  /** The scope that was asked for: with `openid` an ID token is required. */
  readonly scope: string;
  readonly trustedAudiences: TrustedAudiences | undefined;
  /** Hashes that the ID token must have. */
  readonly hashes?: readonly HashClaim[];
}

/**
 * Validates tokens that somebody consented to on another device. Their ID token has no nonce, because none was sent: what
 * ties it to us is the answer that it came in.
 *
 * @throws {VerificationError} the ID token is not good, or missing
 */
export async function consentedTokens(
  server: Server,
  answer: TokenResponse,
  { scope, trustedAudiences, hashes = [] }: ConsentExpectations,
): Promise<VerifiedTokens> {
  const { default_max_age: max_age } = server.client.metadata;
  const granted = await verifiedTokens(server, answer, { max_age, trustedAudiences, hashes });
  if (granted.idToken === undefined && hasOpenid(scope)) {
    throw new VerificationError('ID_TOKEN_MISSING', 'The token response has no ID token.');
  }
  return granted;
}
