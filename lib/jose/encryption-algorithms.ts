import type { KeyKind } from './jwk.js';

/** A key management algorithm of JWE: what its key is. */
interface KeyManagement {
  /** Kinds of the private keys. `oct` is a secret that both sides share. */
  readonly kty: readonly ('RSA' | 'EC' | 'OKP' | 'oct')[];
  /** Length of a shared secret in bytes; undefined: that of the content encryption. */
  readonly bytes?: number;
}

const RSA: KeyManagement = { kty: ['RSA'] };
const ECDH: KeyManagement = { kty: ['EC', 'OKP'] };

/** Curves of key agreement (RFC 7518, section 6.2.1.1; RFC 8037, section 3.2). X448 is in no runtime that we support. */
const CURVES: readonly unknown[] = ['P-256', 'P-384', 'P-521', 'X25519'];

/**
 * The key management algorithms by name (RFC 7518, section 4.1). `RSA1_5` is not among them, because it can be an oracle
 * for plaintexts (RFC 8725, section 3.2). PBES2 is not either, because the sender chooses what a decryption costs.
 */
const KEY_MANAGEMENT: Readonly<Record<string, KeyManagement>> = {
  'RSA-OAEP': RSA,
  'RSA-OAEP-256': RSA,
  'RSA-OAEP-384': RSA,
  'RSA-OAEP-512': RSA,
  'ECDH-ES': ECDH,
  'ECDH-ES+A128KW': ECDH,
  'ECDH-ES+A192KW': ECDH,
  'ECDH-ES+A256KW': ECDH,
  A128KW: { kty: ['oct'], bytes: 16 },
  A192KW: { kty: ['oct'], bytes: 24 },
  A256KW: { kty: ['oct'], bytes: 32 },
  A128GCMKW: { kty: ['oct'], bytes: 16 },
  A192GCMKW: { kty: ['oct'], bytes: 24 },
  A256GCMKW: { kty: ['oct'], bytes: 32 },
  dir: { kty: ['oct'] },
};

/** The content encryption algorithms by name, with the length of their keys in bytes (RFC 7518, section 5.1). */
const CONTENT_ENCRYPTION: Readonly<Record<string, number>> = {
  'A128CBC-HS256': 32,
  'A192CBC-HS384': 48,
  'A256CBC-HS512': 64,
  A128GCM: 16,
  A192GCM: 24,
  A256GCM: 32,
};

/** The content encryption where only `alg` is registered (OpenID Connect Dynamic Client Registration 1.0, section 2). */
export const DEFAULT_CONTENT_ENCRYPTION = 'A128CBC-HS256';

/** The two algorithms of a JWE. */
export interface EncryptionAlgorithms {
  /** Key management. */
  readonly alg: string;
  /** Content encryption. */
  readonly enc: string;
}

function keyManagement(alg: string): KeyManagement | undefined {
  return Object.hasOwn(KEY_MANAGEMENT, alg) ? KEY_MANAGEMENT[alg] : undefined;
}

export function isKeyManagement(alg: string): boolean {
  return keyManagement(alg) !== undefined;
}

export function isContentEncryption(enc: string): boolean {
  return Object.hasOwn(CONTENT_ENCRYPTION, enc);
}

/** The length of the shared secret in bytes; undefined where the key is a private one. */
export function sharedKeyLength({ alg, enc }: EncryptionAlgorithms): number | undefined {
  const algorithm = keyManagement(alg);
  return algorithm?.kty.includes('oct') === true ? (algorithm.bytes ?? CONTENT_ENCRYPTION[enc]) : undefined;
}

/** Whether a key, or its private half, is for an algorithm: by its kind, its curve and what it says itself. */
export function isForKeyManagement({ kty, crv, alg }: KeyKind, name: string): boolean {
  const kinds: readonly unknown[] = keyManagement(name)?.kty ?? [];
  return kinds.includes(kty) && (kty === 'RSA' || CURVES.includes(crv)) && (alg === undefined || alg === name);
}
