import { constants, createPublicKey, verify, type KeyObject } from 'node:crypto';

import { signatureAlgorithm } from './algorithms.js';
import type { CompactJws } from './compact-jws.js';

/** How each family of algorithms signs (RFC 7518, sections 3.3 to 3.5; RFC 8037, section 3.1). */
const FAMILIES: Readonly<Record<string, object>> = {
  RS: { padding: constants.RSA_PKCS1_PADDING },
  PS: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST },
  ES: { dsaEncoding: 'ieee-p1363' },
};

/** @throws {Error} of Node: the members make no key */
export function publicKey(jwk: Readonly<Record<string, string>>): KeyObject {
  return createPublicKey({ key: jwk, format: 'jwk' });
}

/**
 * Whether the key made the signature. Node's own `verify` does in half the time what WebCrypto does, and this is what
 * a guarded request costs most.
 *
 * @param key of the kind and curve that the algorithm asks for
 */
export function isSignedWith(key: KeyObject, { compact, alg, signature }: CompactJws): boolean {
  const family = FAMILIES[alg.slice(0, 2)];
  const hash = family === undefined ? null : (signatureAlgorithm(alg)?.hash ?? null);
  const signed = Buffer.from(compact.slice(0, compact.lastIndexOf('.')), 'latin1');
  return verify(hash, signed, { key, ...family }, Buffer.from(signature, 'base64url'));
}
