import { hash } from 'node:crypto';

import type { Clock } from '../../clock/clock.js';
import type { VerificationErrorCode } from '../../errors/codes.js';
import { AccessTokenError, VerificationError } from '../../errors/errors.js';
import { isAsymmetric } from '../../jose/algorithms.js';
import { equalInConstantTime } from '../../jose/constant-time.js';
import { embeddedKey } from '../../jose/embedded-key.js';
import { verifyJwt } from '../../jose/jwt.js';
import { DPOP_PROOF } from '../../jose/purpose.js';
import type { JsonObject } from '../../values/json.js';
import { normalizedTargetUri } from './target-uri.js';

/** The request that a proof must match. */
export interface DpopExpectations {
  /** The request's method, exactly as sent. */
  readonly method: string;
  /** The target URI as the client knows it. Its query is ignored. */
  readonly url: string;
  readonly accessToken: string;
  /** The accepted signature algorithms. Symmetric ones never are. */
  readonly algorithms: readonly string[];
  readonly clock: Clock;
}

/** A proof that is valid for its request. Its replay is not checked yet. */
export interface VerifiedDpopProof {
  /** The thumbprint of the key that signed it. The token's `cnf` must name the same. */
  readonly jkt: string;
  readonly jti: string;
  readonly nonce: string | undefined;
}

/** Maximum length of `jti`, in characters. Clients need only 96 random bits (RFC 9449, section 4.2). */
const LONGEST_JTI = 256;

/**
 * Verifies a DPoP proof for the request that it came with (RFC 9449, section 4.3). The caller checks the nonce's value, the
 * token's binding and the replay.
 *
 * @param proof the value of the DPoP header
 * @throws {AccessTokenError} `DPOP_PROOF_INVALID` with the {@link VerificationError} as cause
 */
export async function verifyDpopProof(proof: string, expected: DpopExpectations): Promise<VerifiedDpopProof> {
  try {
    return await verify(proof, expected);
  } catch (error) {
    throw error instanceof VerificationError
      ? new AccessTokenError('DPOP_PROOF_INVALID', 'The DPoP proof is not valid for this request.', { cause: error })
      : error;
  }
}

async function verify(proof: string, expected: DpopExpectations): Promise<VerifiedDpopProof> {
  const verified = await verifyJwt(proof, DPOP_PROOF, {
    // A proof names neither issuer nor audience.
    issuer: '',
    audience: undefined,
    algorithms: expected.algorithms.filter(isAsymmetric),
    clock: expected.clock,
    keys: embeddedKey,
  });
  const { claims } = verified;
  if (claims['htm'] !== expected.method) {
    throw fail('HTM_MISMATCH', 'is made for another method');
  }
  if (!namesTarget(claims['htu'], expected.url)) {
    throw fail('HTU_MISMATCH', 'is made for another URI');
  }
  if (!namesToken(claims['ath'], expected.accessToken)) {
    throw fail('ATH_MISMATCH', 'is made for another access token');
  }
  return { jkt: await embeddedKey(verified).thumbprint(), jti: jtiClaim(claims), nonce: nonceClaim(claims) };
}

function namesTarget(htu: unknown, url: string): boolean {
  const target = normalizedTargetUri(url);
  return typeof htu === 'string' && target !== undefined && normalizedTargetUri(htu) === target;
}

function namesToken(ath: unknown, accessToken: string): boolean {
  return typeof ath === 'string' && equalInConstantTime(ath, hash('sha256', accessToken, 'base64url'));
}

function jtiClaim({ jti }: JsonObject): string {
  if (typeof jti !== 'string' || jti === '' || jti.length > LONGEST_JTI) {
    throw fail('CLAIM_INVALID', `has a jti that is no text of 1 to ${LONGEST_JTI} characters`);
  }
  return jti;
}

function nonceClaim({ nonce }: JsonObject): string | undefined {
  if (nonce !== undefined && typeof nonce !== 'string') {
    throw fail('CLAIM_INVALID', 'has a nonce that is no text');
  }
  return nonce;
}

function fail(code: VerificationErrorCode, problem: string): VerificationError {
  return new VerificationError(code, `The ${DPOP_PROOF.name} ${problem}.`);
}
