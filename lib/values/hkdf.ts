import { hkdfSync } from 'node:crypto';

/**
 * Derives a key from a secret: HKDF with SHA-256 (RFC 5869).
 *
 * @param purpose separates the keys of one secret from each other
 * @param length bytes
 * @param salt separates keys for the same purpose, such as those of two APIs
 */
export function hkdf(secret: string, purpose: string, length: number, salt = ''): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, salt, `nestjs-oidc ${purpose}`, length));
}
