import { OidcError } from '../errors/oidc.error.js';
import { decodeClaims, parseCompactJws } from './compact-jws.js';
import { typeOf } from './jwt.js';

/** What a JWT says of itself, which decides whom to ask about it and nothing else. */
export interface UnverifiedJwt {
  readonly typ: string | undefined;
  readonly iss: string | undefined;
}

/** Reads a token that may be a JWT; undefined when it is not one. */
export function unverifiedJwt(token: string, maxLength: number): UnverifiedJwt | undefined {
  // Base64url of `{"`: what is opaque costs nothing more.
  if (!token.startsWith('eyJ')) {
    return undefined;
  }
  try {
    const { header, payload } = parseCompactJws(token, maxLength);
    const { iss } = decodeClaims(payload);
    return { typ: typeOf(header['typ']), iss: typeof iss === 'string' ? iss : undefined };
  } catch (error) {
    if (error instanceof OidcError) {
      return undefined;
    }
    throw error;
  }
}
