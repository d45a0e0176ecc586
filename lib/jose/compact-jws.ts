import { compactVerify, errors, type CryptoKey } from 'jose';
import { LRUCache } from 'lru-cache';

import type { VerificationErrorCode } from '../errors/codes.js';
import { VerificationError } from '../errors/errors.js';
import type { JsonObject } from '../values/json.js';
import { isCanonical, malformed, parseJoseHeader, parseJson, type JoseHeader } from './jose-header.js';

/** A JWS in compact serialization (RFC 7515, section 7.1). Its form is right; its signature is not verified. */
export interface CompactJws extends JoseHeader {
  readonly compact: string;
  /** base64url */
  readonly protectedHeader: string;
  /** base64url */
  readonly payload: string;
  /** base64url, empty for an unsecured JWS */
  readonly signature: string;
}

/** A public key or a shared secret, as jose takes it. */
export type VerificationKey = CryptoKey | Uint8Array;

/**
 * Splits a compact JWS and reads its header. Nothing of it is trusted.
 *
 * @param maxLength characters; a longer one is refused before anything is decoded
 * @throws {VerificationError} the form is wrong, it is a JWE, or it uses an extension (`crit`)
 */
export function parseCompactJws(compact: string, maxLength: number): CompactJws {
  if (compact.length > maxLength) {
    throw new VerificationError('JWT_TOO_LARGE', 'The JWT is longer than its purpose allows.');
  }
  const parts = compact.split('.', 6);
  if (parts.length === 5) {
    throw new VerificationError('UNEXPECTED_JWE', 'The JWT is encrypted where only a signed one is taken.');
  }
  const [protectedHeader, payload, signature, surplus] = parts;
  if (!protectedHeader || !payload || signature === undefined || surplus !== undefined || !parts.every(isCanonical)) {
    throw malformed();
  }
  const { header, alg, kid } = knownHeaders.get(protectedHeader) ?? parseJoseHeader(protectedHeader);
  return { compact, protectedHeader, header, alg, kid, payload, signature };
}

/**
 * Keeps the parsed header: a server writes the same few on all its JWTs. Only for one that a server's published key has
 * signed, so that strangers' headers drive out none.
 */
export function keepHeader({ protectedHeader, header, alg, kid }: CompactJws): void {
  if (protectedHeader.length <= LONGEST_KEPT && !knownHeaders.has(protectedHeader)) {
    // A copy: a part of a string keeps the whole of it in memory, and that is a token.
    knownHeaders.set(Buffer.from(protectedHeader).toString(), { header, alg, kid });
  }
}

/** Parsed headers by their text. */
const knownHeaders = new LRUCache<string, JoseHeader>({ max: 100 });

/** Maximum length of a header that is kept, in characters. One with a certificate chain is longer. */
const LONGEST_KEPT = 1024;

/** The errors of jose that are about the JWS, and our codes for them. All others are about the key and its signature. */
const REFUSALS: Readonly<Record<string, VerificationErrorCode>> = {
  ERR_JWS_INVALID: 'JWT_MALFORMED',
  ERR_JOSE_ALG_NOT_ALLOWED: 'ALG_NOT_ALLOWED',
};

/**
 * Verifies the signature with one key after the other (RFC 7515, section 5.2).
 *
 * @returns the payload that one of them signed; undefined when none made the signature, or can verify by this algorithm
 * @throws {VerificationError} jose reads another form or another algorithm than {@link parseCompactJws} did
 */
export async function payloadSignedWith(
  keys: readonly VerificationKey[],
  { compact, alg }: CompactJws,
): Promise<Uint8Array | undefined> {
  for (const key of keys) {
    try {
      return (await compactVerify(compact, key, { algorithms: [alg] })).payload;
    } catch (error) {
      requireSameReading(error);
    }
  }
  return undefined;
}

function requireSameReading(error: unknown): void {
  const code = error instanceof errors.JOSEError ? REFUSALS[error.code] : undefined;
  if (code !== undefined) {
    throw new VerificationError(code, 'The JWT can not be read.', { cause: error });
  }
}

/** Parses the claims in a payload, decoded or in base64url. Their JSON may be as deep as any other that the transport takes. */
export function parseClaims(payload: Uint8Array | string): JsonObject {
  return parseJson(payload, 32);
}
