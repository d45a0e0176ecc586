import { compactVerify, errors, type CryptoKey } from 'jose';

import type { VerificationErrorCode } from '../errors/codes.js';
import { VerificationError } from '../errors/errors.js';
import { OidcError } from '../errors/oidc.error.js';
import { parseJsonObject, type JsonObject } from '../values/json.js';

/** A JWS in compact serialization (RFC 7515, section 7.1). Its form is right; its signature is not verified. */
export interface CompactJws {
  readonly compact: string;
  readonly header: JsonObject;
  readonly alg: string;
  readonly kid: string | undefined;
  /** base64url */
  readonly payload: string;
  /** base64url, empty for an unsecured JWS */
  readonly signature: string;
}

/** A public key or a shared secret, as jose takes it. */
export type VerificationKey = CryptoKey | Uint8Array;

/** Maximum JSON depth of a header: that of a JWK with its certificate chain. */
const HEADER_DEPTH = 4;

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
    throw new VerificationError('UNEXPECTED_JWE', 'The JWT is encrypted, and no encryption is registered.');
  }
  const [protectedHeader, payload, signature, surplus] = parts;
  if (!protectedHeader || !payload || signature === undefined || surplus !== undefined || !parts.every(isCanonical)) {
    throw malformed();
  }
  const header = decodeJson(protectedHeader, HEADER_DEPTH);
  const { alg, kid } = header;
  // RFC 7515, section 4.1.11: we understand no extension, so that whatever is critical is refused.
  if ('crit' in header || 'b64' in header) {
    throw new VerificationError('UNSUPPORTED_CRIT', 'The JWT uses an extension that is not understood.');
  }
  if (typeof alg !== 'string' || (kid !== undefined && typeof kid !== 'string')) {
    throw malformed();
  }
  return { compact, header, alg, kid, payload, signature };
}

/** The errors of jose that are about the JWS, and our codes for them. All others are about the key and its signature. */
const REFUSALS: Readonly<Record<string, VerificationErrorCode>> = {
  ERR_JWS_INVALID: 'JWT_MALFORMED',
  ERR_JOSE_ALG_NOT_ALLOWED: 'ALG_NOT_ALLOWED',
};

/**
 * Whether the key made the signature (RFC 7515, section 5.2). A key that can't verify by this algorithm did not make it.
 *
 * @throws {VerificationError} jose reads another form or another algorithm than {@link parseCompactJws} did
 */
export async function isSignedWith(key: VerificationKey, { compact, alg }: CompactJws): Promise<boolean> {
  try {
    await compactVerify(compact, key, { algorithms: [alg] });
    return true;
  } catch (error) {
    const code = error instanceof errors.JOSEError ? REFUSALS[error.code] : undefined;
    if (code !== undefined) {
      throw new VerificationError(code, 'The JWT can not be read.', { cause: error });
    }
    return false;
  }
}

/** Decodes the claims. Their JSON may be as deep as any other that the transport takes. */
export function decodeClaims(payload: string): JsonObject {
  return decodeJson(payload, 32);
}

function decodeJson(encoded: string, maxDepth: number): JsonObject {
  try {
    return parseJsonObject(Buffer.from(encoded, 'base64url'), maxDepth);
  } catch (error) {
    throw error instanceof OidcError ? malformed(error) : error;
  }
}

/** Whether text is base64url without padding, in its only spelling (RFC 4648, sections 3.5 and 5). jose takes others too. */
function isCanonical(part: string): boolean {
  return Buffer.from(part, 'base64url').toString('base64url') === part;
}

function malformed(cause?: OidcError): VerificationError {
  return new VerificationError('JWT_MALFORMED', 'The JWT is malformed.', { cause });
}
