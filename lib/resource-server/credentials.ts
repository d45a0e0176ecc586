import type { ExecutionContext } from '@nestjs/common';

import { AccessTokenError } from '../errors/errors.js';
import { LONGEST_ACCESS_TOKEN } from '../jose/purpose.js';
import { authorizationOf, isHttpRequest } from '../nest/call.js';
import * as requests from '../nest/requests.js';

const SCHEMES = ['Bearer', 'DPoP'] as const;

/** Authentication schemes of access tokens (RFC 6750, section 2.1; RFC 9449, section 7.1). */
export type Scheme = (typeof SCHEMES)[number];

/** An access token from a request, not verified yet. */
export interface PresentedToken {
  readonly scheme: Scheme;
  readonly value: string;
}

/** The scheme in an Authorization header: case-insensitive (RFC 9110, section 11.1). */
const SCHEME = /^[\w!#$%&'*+.^`|~-]+/;

/** The syntax of an access token: b64token of RFC 6750, section 2.1, or token68 of RFC 9449, section 7.1. */
const TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;

/**
 * Reads the access token from the Authorization header. No other place is read (RFC 6750, section 2.1).
 *
 * @param schemes the accepted ones
 * @throws {AccessTokenError} `CREDENTIALS_MISSING`, or `CREDENTIALS_MALFORMED` when the request is ambiguous
 */
export function presentedToken(request: unknown, schemes: readonly Scheme[]): PresentedToken {
  if (requests.headerLines(request, 'authorization').length > 1) {
    throw malformed();
  }
  const token = parseCredentials(requests.header(request, 'authorization'), schemes);
  if (isInQuery(requests.query(request))) {
    throw malformed();
  }
  return token;
}

/**
 * Parses the value of an Authorization header: `scheme 1*SP token`. {@link requireToken} checks the token itself.
 *
 * @throws {AccessTokenError} `CREDENTIALS_MISSING`, or `CREDENTIALS_MALFORMED` when the request is ambiguous
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
 * @throws {AccessTokenError} `CREDENTIALS_MISSING` without a token, `CREDENTIALS_MALFORMED` for wrong syntax
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

/** The schemes that a caller used: the ones named in the request, else all. */
export function attemptedSchemes(
  authorizations: readonly (string | undefined)[],
  schemes: readonly Scheme[],
): readonly Scheme[] {
  const named = authorizations.map((authorization) => schemeOf(authorization, schemes));
  const attempted = schemes.filter((scheme) => named.includes(scheme));
  return attempted.length === 0 ? schemes : attempted;
}

/** Every `Authorization` of a call. */
export function authorizationsOf(request: object, context: ExecutionContext): readonly (string | undefined)[] {
  return isHttpRequest(context)
    ? [requests.header(request, 'authorization'), ...requests.headerLines(request, 'authorization')]
    : [authorizationOf(context)];
}

/**
 * Whether a call carries a token in any way, accepted here or not: it must not pass for one without credentials. Those of
 * another scheme, such as a proxy's, are none of ours.
 */
export function carriesToken(request: object, context: ExecutionContext): boolean {
  return (
    authorizationsOf(request, context).some(isOfToken) || (isHttpRequest(context) && isInQuery(requests.query(request)))
  );
}

/** A single word is a token whose scheme was forgotten. */
function isOfToken(authorization: string | undefined): boolean {
  return schemeOf(authorization, SCHEMES) !== undefined || /^\S+$/.test(authorization ?? '');
}

/** Whether an error says that a call carries no token. */
export function isMissing(error: unknown): boolean {
  return error instanceof AccessTokenError && error.code === 'CREDENTIALS_MISSING';
}

/** The scheme of an Authorization header, if it is an accepted one. */
function schemeOf(authorization: string | undefined, schemes: readonly Scheme[]): Scheme | undefined {
  const written = SCHEME.exec(authorization ?? '')?.[0].toLowerCase();
  return schemes.find((scheme) => scheme.toLowerCase() === written);
}

/** Whether the query has a token. A request may send it in one way only (RFC 6750, section 2). */
function isInQuery(query: string): boolean {
  return query !== '' && new URLSearchParams(query).has('access_token');
}

function missing(): AccessTokenError {
  return new AccessTokenError('CREDENTIALS_MISSING', 'The request carries no access token.');
}

/** The error for a token above the limit. The log gets its length, never the token. */
function tooLong(length: number): AccessTokenError {
  const facts = { length, wanted: `at most ${LONGEST_ACCESS_TOKEN}` };
  return new AccessTokenError('CREDENTIALS_MALFORMED', 'The access token is longer than is read.', { facts });
}

function malformed(): AccessTokenError {
  return new AccessTokenError('CREDENTIALS_MALFORMED', 'The access token can not be read from the request.');
}
