import { AccessTokenError } from '../errors/errors.js';
import { LONGEST_ACCESS_TOKEN } from '../jose/purpose.js';
import * as requests from '../nest/requests.js';

const SCHEMES = ['Bearer', 'DPoP'] as const;

/** Authentication schemes of access tokens (RFC 6750, section 2.1; RFC 9449, section 7.1). */
export type Scheme = (typeof SCHEMES)[number];

/** An access token as it came. It is not verified yet. */
export interface PresentedToken {
  readonly scheme: Scheme;
  readonly value: string;
}

/** The scheme of the credentials, in upper or lower case (RFC 9110, section 11.1). */
const SCHEME = /^[\w!#$%&'*+.^`|~-]+/;

/** An access token: b64token of RFC 6750, section 2.1, which is the token68 of RFC 9449, section 7.1. */
const TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;

/**
 * Reads the access token from the Authorization header. No other place is read (RFC 6750, section 2.1).
 *
 * @param schemes those that are accepted here
 * @throws {AccessTokenError} `CREDENTIALS_MISSING`, or `CREDENTIALS_MALFORMED` when it can't be told without guessing
 */
export function presentedToken(request: unknown, schemes: readonly Scheme[]): PresentedToken {
  if (requests.headerLines(request, 'authorization').length > 1) {
    throw malformed();
  }
  const token = parseCredentials(requests.header(request, 'authorization'), schemes);
  if (isInQueryToo(requests.query(request))) {
    throw malformed();
  }
  return token;
}

/**
 * Parses the value of an Authorization header: `scheme 1*SP token`. {@link requireToken} checks the token itself.
 *
 * @throws {AccessTokenError} `CREDENTIALS_MISSING`, or `CREDENTIALS_MALFORMED` when it can't be told without guessing
 */
export function parseCredentials(authorization: string | undefined, schemes: readonly Scheme[]): PresentedToken {
  const scheme = schemeOf(authorization, schemes);
  if (authorization === undefined || scheme === undefined) {
    throw missing();
  }
  const credentials = authorization.slice(scheme.length);
  const value = credentials.replace(/^ +/, '');
  if (!credentials.startsWith(' ') || value === '') {
    throw malformed();
  }
  return { scheme, value };
}

/**
 * Checks the syntax of a token, wherever it was read from. `extractToken` of an untyped subclass may return anything.
 *
 * @throws {AccessTokenError} `CREDENTIALS_MISSING` there is none, `CREDENTIALS_MALFORMED` it can't be a token
 */
export function requireToken(presented: PresentedToken | undefined): PresentedToken {
  const value: unknown = presented?.value ?? '';
  if (presented === undefined || value === '') {
    throw missing();
  }
  if (typeof value === 'string' && value.length > LONGEST_ACCESS_TOKEN) {
    throw tooLong(value.length);
  }
  if (typeof value !== 'string' || !TOKEN.test(value) || !SCHEMES.includes(presented.scheme)) {
    throw malformed();
  }
  return presented;
}

/** The schemes that a caller used: those that the request names, else all. */
export function attemptedSchemes(
  authorizations: readonly (string | undefined)[],
  schemes: readonly Scheme[],
): readonly Scheme[] {
  const named = authorizations.map((authorization) => schemeOf(authorization, schemes));
  const attempted = schemes.filter((scheme) => named.includes(scheme));
  return attempted.length === 0 ? schemes : attempted;
}

/** The scheme of an Authorization header's value, if it is one of these. */
function schemeOf(authorization: string | undefined, schemes: readonly Scheme[]): Scheme | undefined {
  const written = SCHEME.exec(authorization ?? '')?.[0].toLowerCase();
  return schemes.find((scheme) => scheme.toLowerCase() === written);
}

/** A request may send its token in one way only (RFC 6750, section 2). */
function isInQueryToo(query: string): boolean {
  return query !== '' && new URLSearchParams(query).has('access_token');
}

function missing(): AccessTokenError {
  return new AccessTokenError('CREDENTIALS_MISSING', 'The request carries no access token.');
}

/** The log is told the length, never the token. */
function tooLong(length: number): AccessTokenError {
  const facts = { length, wanted: `at most ${LONGEST_ACCESS_TOKEN}` };
  return new AccessTokenError('CREDENTIALS_MALFORMED', 'The access token is longer than is read.', { facts });
}

function malformed(): AccessTokenError {
  return new AccessTokenError('CREDENTIALS_MALFORMED', 'The access token can not be read from the request.');
}
