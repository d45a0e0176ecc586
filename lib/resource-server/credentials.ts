import { AccessTokenError } from '../errors/errors.js';
import { LONGEST_ACCESS_TOKEN } from '../jose/purpose.js';
import * as requests from '../nest/requests.js';

const SCHEMES = ['Bearer', 'DPoP'] as const;

/** Authentication schemes of access tokens (RFC 6750, section 2.1; RFC 9449, section 7.1). */
export type Scheme = (typeof SCHEMES)[number];

/** An access token as it came; nobody has looked at it yet. */
export interface PresentedToken {
  readonly scheme: Scheme;
  readonly value: string;
}

/** RFC 9110, section 11.1: the scheme of the credentials, in any case. */
const SCHEME = /^[\w!#$%&'*+.^`|~-]+/;

/** RFC 6750, section 2.1: b64token; RFC 9449, section 7.1: token68, which is the same. */
const TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;

/**
 * Takes the access token from the Authorization header, the only place where it is looked for (RFC 6750, section 2.1).
 *
 * @param schemes those that are taken here
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
 * Reads the value of an Authorization header: `scheme 1*SP token`. Whether it is a token, {@link requireToken} says.
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
 * Holds what was presented to what a token may be, wherever it was taken from and whatever an untyped caller returned.
 *
 * @throws {AccessTokenError} `CREDENTIALS_MISSING` when it is none, `CREDENTIALS_MALFORMED` when it can be none
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

/** The schemes that a caller used, as far as it can be told: those that the request names, else all. */
export function attemptedSchemes(
  authorizations: readonly (string | undefined)[],
  schemes: readonly Scheme[],
): readonly Scheme[] {
  const named = authorizations.map((authorization) => schemeOf(authorization, schemes));
  const attempted = schemes.filter((scheme) => named.includes(scheme));
  return attempted.length === 0 ? schemes : attempted;
}

/** The scheme that the value of an Authorization header begins with, where it is one of these. */
function schemeOf(authorization: string | undefined, schemes: readonly Scheme[]): Scheme | undefined {
  const written = SCHEME.exec(authorization ?? '')?.[0].toLowerCase();
  return schemes.find((scheme) => scheme.toLowerCase() === written);
}

/** RFC 6750, section 2: one method of sending the token in one request. */
function isInQueryToo(query: string): boolean {
  return query !== '' && new URLSearchParams(query).has('access_token');
}

function missing(): AccessTokenError {
  return new AccessTokenError('CREDENTIALS_MISSING', 'The request carries no access token.');
}

/** Its length is all that the log needs to know. */
function tooLong(length: number): AccessTokenError {
  const facts = { length, wanted: `at most ${LONGEST_ACCESS_TOKEN}` };
  return new AccessTokenError('CREDENTIALS_MALFORMED', 'The access token is longer than is read.', { facts });
}

function malformed(): AccessTokenError {
  return new AccessTokenError('CREDENTIALS_MALFORMED', 'The access token can not be read from the request.');
}
