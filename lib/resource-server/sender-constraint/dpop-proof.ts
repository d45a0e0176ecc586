import { hash } from 'node:crypto';

import type { Clock } from '../../clock/clock.js';
import type { VerificationErrorCode } from '../../errors/codes.js';
import { AccessTokenError, VerificationError } from '../../errors/errors.js';
import { isAsymmetric } from '../../jose/algorithms.js';
import { equalInConstantTime } from '../../jose/constant-time.js';
import { embeddedKey } from '../../jose/embedded-key.js';
import { thumbprintOf } from '../../jose/jwk.js';
import { verifyJwt } from '../../jose/jwt.js';
import { DPOP_PROOF } from '../../jose/purpose.js';
import type { JsonObject } from '../../values/json.js';
import { normalizedTargetUri } from './target-uri.js';

/** The request that a proof has to be made for. */
export interface DpopExpectations {
  /** As in the request line. */
  readonly method: string;
  /** The target URI as the client knows it; its query counts for nothing. */
  readonly url: string;
  readonly accessToken: string;
  /** Those that may have signed the proof; what is not asymmetric is never accepted. */
  readonly algorithms: readonly string[];
  readonly clock: Clock;
}

/** What a proof that is good for the request says. Whether it was used before is not known yet. */
export interface VerifiedDpopProof {
  /** The thumbprint of the key that signed it, to be held against the token's `cnf`. */
  readonly jkt: string;
  readonly jti: string;
  readonly nonce: string | undefined;
}

/** Characters. It is told apart from others by its hash, and made of at least 96 bits by honest clients. */
const LONGEST_JTI = 256;

/**
 * Checks a DPoP proof against the request that it came with (RFC 9449, section 4.3): everything but the nonce's value, the
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
  const { header, claims } = await verifyJwt(proof, DPOP_PROOF, {
    // A proof names neither issuer nor audience.
    issuer: '',
    audience: undefined,
    algorithms: expected.algorithms.filter(isAsymmetric),
    clock: expected.clock,
    keys: embeddedKey,
  });
  if (claims['htm'] !== expected.method) {
    throw fail('HTM_MISMATCH', 'is made for another method');
  }
  if (!isFor(claims['htu'], expected.url)) {
    throw fail('HTU_MISMATCH', 'is made for another URI');
  }
  if (!isOf(claims['ath'], expected.accessToken)) {
    throw fail('ATH_MISMATCH', 'is made for another access token');
  }
  return { jkt: await thumbprintOf(header['jwk']), jti: jtiOf(claims), nonce: nonceOf(claims) };
}

function isFor(htu: unknown, url: string): boolean {
  const target = normalizedTargetUri(url);
  return typeof htu === 'string' && target !== undefined && normalizedTargetUri(htu) === target;
}

function isOf(ath: unknown, accessToken: string): boolean {
  return typeof ath === 'string' && equalInConstantTime(ath, hash('sha256', accessToken, 'base64url'));
}

function jtiOf({ jti }: JsonObject): string {
  if (typeof jti !== 'string' || jti === '' || jti.length > LONGEST_JTI) {
    throw fail('CLAIM_INVALID', `has a jti that is no text of 1 to ${LONGEST_JTI} characters`);
  }
  return jti;
}

function nonceOf({ nonce }: JsonObject): string | undefined {
  if (nonce !== undefined && typeof nonce !== 'string') {
    throw fail('CLAIM_INVALID', 'has a nonce that is no text');
  }
  return nonce;
}

function fail(code: VerificationErrorCode, problem: string): VerificationError {
  return new VerificationError(code, `The ${DPOP_PROOF.name} ${problem}.`);
}
