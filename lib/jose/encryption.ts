import { CompactEncrypt, importJWK, type CryptoKey } from 'jose';

import type { EncryptionAlgorithms } from './encryption-algorithms.js';
import type { PublicKey } from './jwk.js';

/** A key that somebody published to be encrypted to. */
export interface EncryptionKey {
  readonly kid: string | undefined;
  readonly publicKey: PublicKey;
}

/**
 * Encrypts a signed JWT: a nested JWT (RFC 7519, section 5.2; OpenID Connect Core 1.0, section 10.2).
 *
 * @param key of whom it is for, or the bytes that both sides share
 */
export async function encryptJwt(
  jws: string,
  { alg, enc }: EncryptionAlgorithms,
  key: EncryptionKey | Uint8Array,
): Promise<string> {
  const kid = key instanceof Uint8Array ? undefined : key.kid;
  return new CompactEncrypt(new TextEncoder().encode(jws))
    .setProtectedHeader({ alg, enc, cty: 'JWT', ...(kid !== undefined && { kid }) })
    .encrypt(key instanceof Uint8Array ? key : await imported(key, alg));
}

function imported({ publicKey }: EncryptionKey, alg: string): Promise<CryptoKey | Uint8Array> {
  return importJWK(publicKey, alg);
}
