import { constants, createPublicKey, verify, type KeyObject, type VerifyKeyObjectInput } from 'node:crypto';

import { signatureAlgorithm } from './algorithms.js';
import type { CompactJws } from './compact-jws.js';

/** Undefined: the members make no key that Node can use. */
export function verificationKey(members: Readonly<Record<string, string>>): KeyObject | undefined {
  try {
    return createPublicKey({ key: members, format: 'jwk' });
  } catch {
    return undefined;
  }
}

/**
 * Whether the key made the signature (RFC 7515, section 5.2). Node verifies it beside the event loop, as WebCrypto does,
 * for three quarters of its time.
 *
 * @param key of the kind and the curve of the algorithm
 */
export function isSignedWith(key: KeyObject, { alg, compact, signature }: CompactJws): Promise<boolean> {
  const input = Buffer.from(compact.slice(0, compact.lastIndexOf('.')), 'latin1');
  // A key that Node can not verify with did not make it.
  return new Promise((resolve) => {
    verify(digestOf(alg), input, options(key, alg), Buffer.from(signature, 'base64url'), (error, isGood) =>
      resolve(error === null && isGood),
    );
  });
}

/** EdDSA has its own (RFC 8032). */
function digestOf(alg: string): string | null {
  const algorithm = signatureAlgorithm(alg);
  return algorithm === undefined || algorithm.kty === 'OKP' ? null : algorithm.hash;
}

/** RFC 7518, section 3.5: the salt is as long as the hash; section 3.4: R and S stand side by side. */
function options(key: KeyObject, alg: string): VerifyKeyObjectInput {
  return alg.startsWith('PS')
    ? { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
    : { key, dsaEncoding: 'ieee-p1363' };
}
