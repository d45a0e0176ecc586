/** The kind of key that a JWS algorithm needs. */
export interface AlgorithmKey {
  readonly kty: 'RSA' | 'EC' | 'OKP' | 'oct' | 'AKP';
  readonly crv?: string;
}

/** A JWS algorithm: the kind of key that it needs, and the hash of `at_hash`, `c_hash` and `s_hash`. */
export interface SignatureAlgorithm extends AlgorithmKey {
  readonly hash: 'sha256' | 'sha384' | 'sha512';
}

/**
 * The JWS algorithms by name (RFC 7518, section 3.1; RFC 8037; RFC 9864 for `Ed25519`). Curve448 and secp256k1 are in no
 * runtime that we support.
 */
const ALGORITHMS: Readonly<Record<string, SignatureAlgorithm>> = {
  RS256: { kty: 'RSA', hash: 'sha256' },
  RS384: { kty: 'RSA', hash: 'sha384' },
  RS512: { kty: 'RSA', hash: 'sha512' },
  PS256: { kty: 'RSA', hash: 'sha256' },
  PS384: { kty: 'RSA', hash: 'sha384' },
  PS512: { kty: 'RSA', hash: 'sha512' },
  ES256: { kty: 'EC', crv: 'P-256', hash: 'sha256' },
  ES384: { kty: 'EC', crv: 'P-384', hash: 'sha384' },
  ES512: { kty: 'EC', crv: 'P-521', hash: 'sha512' },
  EdDSA: { kty: 'OKP', crv: 'Ed25519', hash: 'sha512' },
  Ed25519: { kty: 'OKP', crv: 'Ed25519', hash: 'sha512' },
  HS256: { kty: 'oct', hash: 'sha256' },
  HS384: { kty: 'oct', hash: 'sha384' },
  HS512: { kty: 'oct', hash: 'sha512' },
};

/**
 * Algorithms that we sign with and take from nobody: no specification says by which hash `at_hash` binds tokens to them
 * (RFC 9964). Node has them from 24.7 on; before, their keys can't be read.
 */
const OWN_ALGORITHMS: Readonly<Record<string, AlgorithmKey>> = {
  'ML-DSA-44': { kty: 'AKP' },
  'ML-DSA-65': { kty: 'AKP' },
  'ML-DSA-87': { kty: 'AKP' },
};

/** The kind of key that an algorithm needs; undefined where we have no such algorithm. */
export function algorithmKey(alg: string): AlgorithmKey | undefined {
  return signatureAlgorithm(alg) ?? (Object.hasOwn(OWN_ALGORITHMS, alg) ? OWN_ALGORITHMS[alg] : undefined);
}

/** Whether we can sign with a private key by an algorithm. */
export function signsWithKey(alg: string): boolean {
  return algorithmKey(alg) !== undefined && !isSymmetric(alg);
}

export function signatureAlgorithm(alg: string): SignatureAlgorithm | undefined {
  return Object.hasOwn(ALGORITHMS, alg) ? ALGORITHMS[alg] : undefined;
}

/** Whether an algorithm is symmetric: both sides share its key. A list of the server never adds one. */
export function isSymmetric(alg: string): boolean {
  return signatureAlgorithm(alg)?.kty === 'oct';
}

export function isAsymmetric(alg: string): boolean {
  const algorithm = signatureAlgorithm(alg);
  return algorithm !== undefined && algorithm.kty !== 'oct';
}

/** The asymmetric algorithms. */
export const ASYMMETRIC_ALGORITHMS: readonly string[] = Object.keys(ALGORITHMS).filter(isAsymmetric);

/** Minimum length of an HMAC key in bytes: that of the hash (RFC 7518, section 3.2). */
export function smallestSecret(alg: string): number {
  return { HS256: 32, HS384: 48, HS512: 64 }[alg] ?? 0;
}
