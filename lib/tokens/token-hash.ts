import { createHash } from 'node:crypto';

import type { VerificationErrorCode } from '../errors/codes.js';
import { VerificationError } from '../errors/errors.js';
import { signatureAlgorithm } from '../jose/algorithms.js';
import { equalInConstantTime } from '../jose/constant-time.js';
import type { JsonObject } from '../values/json.js';

/** What came with an ID token. */
export interface IssuedWith {
  readonly access_token?: string | undefined;
  readonly refresh_token?: string | undefined;
  readonly code?: string | undefined;
  /** Of the authorization response. */
  readonly state?: string | undefined;
}

interface Hash {
  readonly of: keyof IssuedWith;
  readonly mismatch: VerificationErrorCode;
  readonly problem: string;
}

/** The claims of an ID token that hold a hash of what came with it. */
const HASHES = {
  /** OpenID Connect Core 1.0, section 3.1.3.6. */
  at_hash: {
    of: 'access_token',
    mismatch: 'AT_HASH_MISMATCH',
    problem: 'The ID token belongs to another access token.',
  },
  /** OpenID Connect Core 1.0, section 3.3.2.11. */
  c_hash: { of: 'code', mismatch: 'C_HASH_MISMATCH', problem: 'The ID token belongs to another code.' },
  /** Financial-grade API Security Profile 1.0, Part 2: Advanced, section 5.1. */
  s_hash: { of: 'state', mismatch: 'S_HASH_MISMATCH', problem: 'The ID token belongs to another state.' },
  /** OpenID Connect CIBA Core 1.0, section 10.3.1. */
  'urn:openid:params:jwt:claim:rt_hash': {
    of: 'refresh_token',
    mismatch: 'RT_HASH_MISMATCH',
    problem: 'The ID token belongs to another refresh token.',
  },
} as const satisfies Record<string, Hash>;

/** A claim that holds the left half of a hash. */
export type HashClaim = keyof typeof HASHES;

const HASH_CLAIMS: readonly HashClaim[] = ['at_hash', 'c_hash', 's_hash', 'urn:openid:params:jwt:claim:rt_hash'];

/**
 * Checks every hash that the ID token has, where it is known of what.
 *
 * @param alg of the ID token: its hash is the one of the claims
 * @param required hashes that must be there
 * @throws {VerificationError} `CLAIM_MISSING`, `AT_HASH_MISMATCH`, `C_HASH_MISMATCH`, `S_HASH_MISMATCH`, `RT_HASH_MISMATCH`
 */
export function requireHashes(
  claims: JsonObject,
  alg: string,
  issuedWith: IssuedWith,
  required: readonly HashClaim[],
): void {
  const hash = signatureAlgorithm(alg)?.hash;
  for (const name of HASH_CLAIMS) {
    const { of, mismatch, problem } = HASHES[name];
    const claim = claims[name];
    if (claim === undefined && required.includes(name)) {
      throw new VerificationError('CLAIM_MISSING', `The ID token lacks ${name}.`);
    }
    const value = issuedWith[of];
    if (claim === undefined || value === undefined || hash === undefined) {
      continue;
    }
    if (typeof claim !== 'string' || !equalInConstantTime(claim, leftHalf(hash, value))) {
      throw new VerificationError(mismatch, problem);
    }
  }
}

function leftHalf(hash: string, value: string): string {
  const digest = createHash(hash).update(value).digest();
  return digest.subarray(0, digest.length / 2).toString('base64url');
}
