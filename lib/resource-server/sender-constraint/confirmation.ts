import { AccessTokenError } from '../../errors/errors.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../../values/json.js';

/** The supported confirmation methods. Each is a thumbprint. */
const METHODS: readonly string[] = ['jkt', 'x5t#S256'];

/** The confirmation of a token: the key (RFC 9449, section 6) or certificate (RFC 8705, section 3.1) that it is bound to. */
export interface Confirmation {
  readonly jkt?: string;
  readonly 'x5t#S256'?: string;
}

const NONE: Confirmation = {};

/** base64url of SHA-256, without padding. */
const THUMBPRINT = /^[\w-]{43}$/;

/**
 * Reads the `cnf` claim. Unknown members are ignored beside a supported one (RFC 7800, section 3.1).
 *
 * @throws {AccessTokenError} `TOKEN_BINDING`: no member is supported, or a supported one is malformed
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

/** The error for a sender without proof that the token was issued to them. */
export function unconfirmed(message: string): AccessTokenError {
  return new AccessTokenError('TOKEN_BINDING', message);
}
