import { AccessTokenError } from '../../errors/errors.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../../http/json.js';

/** The methods of confirmation that are understood (RFC 7800, section 3.1): each a thumbprint. */
const METHODS: readonly string[] = ['jkt', 'x5t#S256'];

/** What a token is bound to: a key (RFC 9449, section 6), a certificate (RFC 8705, section 3.1), or both. */
export interface Confirmation {
  readonly jkt?: string;
  readonly 'x5t#S256'?: string;
}

const NONE: Confirmation = {};

/** base64url of SHA-256, without padding. */
const THUMBPRINT = /^[\w-]{43}$/;

/** @throws {AccessTokenError} `TOKEN_BINDING`: it names a method that is not understood, or nothing at all */
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
  const methods = isJsonObject(cnf) ? Object.entries(cnf) : [];
  return (
    methods.length > 0 &&
    methods.every(([method, value]) => METHODS.includes(method) && typeof value === 'string' && THUMBPRINT.test(value))
  );
}

/** Who sends the token has not shown to be who it was issued to. */
export function unconfirmed(message: string): AccessTokenError {
  return new AccessTokenError('TOKEN_BINDING', message);
}
