import { VerificationError } from '../errors/errors.js';
import { OidcError } from '../errors/oidc.error.js';
import { parseJsonObject, type JsonObject } from '../values/json.js';

/** A JWS in compact serialization whose form is right and whose signature nobody has looked at yet (RFC 7515, section 7.1). */
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

/** Header parameters nest no deeper than a JWK with its certificate chain. */
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

/** Claims nest as deep as any other JSON that the transport lets in. */
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

const BASE64URL = /^[A-Za-z0-9_-]*$/;

/** The last character of a group that is not full carries bits that must be zero, so that one value has one spelling. */
const LAST_OF_TWO = /[AQgw]$/;
const LAST_OF_THREE = /[AEIMQUYcgkosw048]$/;

/** Whether text is base64url without padding, in its only spelling (RFC 4648, sections 3.5 and 5). */
function isCanonical(part: string): boolean {
  const rest = part.length % 4;
  const ends = rest === 0 || (rest === 2 && LAST_OF_TWO.test(part)) || (rest === 3 && LAST_OF_THREE.test(part));
  return ends && BASE64URL.test(part);
}

function malformed(cause?: OidcError): VerificationError {
  return new VerificationError('JWT_MALFORMED', 'The JWT is malformed.', { cause });
}
