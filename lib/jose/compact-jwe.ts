import { VerificationError } from '../errors/errors.js';
import { isCanonical, malformed, parseJoseHeader, type JoseHeader } from './jose-header.js';

/** A JWE in compact serialization (RFC 7516, section 7.1). Its form is right; it is not decrypted. */
export interface CompactJwe extends JoseHeader {
  readonly compact: string;
  readonly enc: string;
}

/** Maximum length of a header in characters: that of algorithms, names, an ephemeral key and some claims. */
const LONGEST_HEADER = 4096;

/** Maximum length of all that stands around the ciphertext in characters: the header, and the key of an RSA key of 16,384 bits. */
const LONGEST_FRAME = 8192;

/**
 * Splits a compact JWE and reads its header. Nothing of it is trusted.
 *
 * @param longestPlaintext bytes; a longer JWE is refused before anything is decoded
 * @throws {VerificationError} the form is wrong, it is no JWE, it is compressed, or it uses an extension (`crit`)
 */
export function parseCompactJwe(compact: string, longestPlaintext: number): CompactJwe {
  if (compact.length > Math.ceil((longestPlaintext * 4) / 3) + LONGEST_FRAME) {
    throw new VerificationError('JWT_TOO_LARGE', 'The JWT is longer than its purpose allows.');
  }
  const parts = compact.split('.', 6);
  if (parts.length === 3) {
    throw new VerificationError('ENCRYPTION_REQUIRED', 'Encryption is registered; the JWT is not encrypted.');
  }
  const [protectedHeader = '', , iv, ciphertext, tag, surplus] = parts;
  if (protectedHeader.length > LONGEST_HEADER) {
    throw new VerificationError('JWT_TOO_LARGE', 'The header of the JWT is longer than we read.');
  }
  if (!protectedHeader || !iv || !ciphertext || !tag || surplus !== undefined || !parts.every(isCanonical)) {
    throw malformed();
  }
  const { header, alg, kid } = parseJoseHeader(protectedHeader);
  const { enc } = header;
  if (typeof enc !== 'string') {
    throw malformed();
  }
  // A short one could become long: RFC 8725, section 3.6, advises against compression.
  if ('zip' in header) {
    throw new VerificationError('ALG_NOT_ALLOWED', 'The JWT is compressed, which is never taken.');
  }
  return { compact, header, alg, enc, kid };
}
