import { AccessTokenError } from '../../errors/errors.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../../values/json.js';

/** The methods of confirmation that are understood: each a thumbprint. */
const METHODS: readonly string[] = ['jkt', 'x5t#S256'];

/** What a token is bound to: a key (RFC 9449, section 6), a certificate (RFC 8705, section 3.1), or both. */
export interface Confirmation {
  readonly jkt?: string;
  readonly 'x5t#S256'?: string;
}

const NONE: Confirmation = {};

/** base64url of SHA-256, without padding. */
const THUMBPRINT = /^[\w-]{43}$/;

/**
 * Reads `cnf`. A member that is not understood is ignored beside one that is (RFC 7800, section 3.1).
 *
 * @throws {AccessTokenError} `TOKEN_BINDING`: no member is understood, or one of those is malformed
 */
export function confirmationOf(cnf: JsonValue | undefined): Confirmation {
  if (cnf === undefined) {
    return NONE;
  }
  if (!isConfirmation(cnf)) {
    throw unconfirmed('The token is bound in a way that is not understood.');
  }
  return cnf;
}

function isConfirmation(cnf: JsonValue): cnf is JsonObject & Confirmation {
  if (!isJsonObject(cnf)) {
    return false;
  }
  const known = METHODS.map((method) => cnf[method]).filter((value) => value !== undefined);
  return known.length > 0 && known.every((value) => typeof value === 'string' && THUMBPRINT.test(value));
}

/** Who sends the token has not shown to be who it was issued to. */
export function unconfirmed(message: string): AccessTokenError {
  return new AccessTokenError('TOKEN_BINDING', message);
}
