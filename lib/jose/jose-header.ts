import { VerificationError } from '../errors/errors.js';
import { OidcError } from '../errors/oidc.error.js';
import { parseJsonObject, type JsonObject } from '../values/json.js';

/** A parsed header of a JWS or JWE, and the parameters that find the key. */
export interface JoseHeader {
  readonly header: JsonObject;
  readonly alg: string;
  readonly kid: string | undefined;
}

/** Maximum JSON depth of a header: that of a JWK with its certificate chain. */
const HEADER_DEPTH = 4;

/**
 * Parses a protected header in base64url (RFC 7515, section 4; RFC 7516, section 4). Nothing of it is trusted.
 *
 * @throws {VerificationError} it is malformed, or uses an extension (`crit`)
 */
export function parseJoseHeader(protectedHeader: string): JoseHeader {
  const header = parseJson(protectedHeader, HEADER_DEPTH);
  const { alg, kid } = header;
  // RFC 7515, section 4.1.11: we understand no extension, so that whatever is critical is refused.
  if ('crit' in header || 'b64' in header) {
    throw new VerificationError('UNSUPPORTED_CRIT', 'The JWT uses an extension that is not understood.');
  }
  if (typeof alg !== 'string' || (kid !== undefined && typeof kid !== 'string')) {
    throw malformed();
  }
  return { header, alg, kid };
}

/** @throws {VerificationError} `JWT_MALFORMED` the part, decoded or in base64url, is no JSON object of this depth */
export function parseJson(part: Uint8Array | string, maxDepth: number): JsonObject {
  try {
    return parseJsonObject(typeof part === 'string' ? Buffer.from(part, 'base64url') : part, maxDepth);
  } catch (error) {
    throw error instanceof OidcError ? malformed(error) : error;
  }
}

/** The last characters that leave no bit over, by the length of the text modulo 4. */
const LAST_CHARACTERS = [
  'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_',
  '',
  'AQgw',
  'AEIMQUYcgkosw048',
] as const;

/** Whether text is base64url without padding, in its only spelling (RFC 4648, sections 3.5 and 5). jose takes others too. */
export function isCanonical(part: string): boolean {
  // Decoding and encoding again says the same, and copies a long part twice.
  return !/[^\w-]/.test(part) && LAST_CHARACTERS[part.length % 4]?.includes(part.at(-1) ?? '') === true;
}

export function malformed(cause?: OidcError): VerificationError {
  return new VerificationError('JWT_MALFORMED', 'The JWT is malformed.', { cause });
}
