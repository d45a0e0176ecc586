import { AccessTokenError } from '../errors/errors.js';
import type { Platform } from '../nest/platform.js';

/** Characters of the longest token that is looked at. */
const LONGEST = 8192;

/** RFC 9110, section 11.1: the scheme of the credentials, in any case. */
const SCHEME = /^[\w!#$%&'*+.^`|~-]+/;

/** RFC 6750, section 2.1: `1*SP b64token`. */
const CREDENTIALS = /^ +([A-Za-z0-9\-._~+/]+=*)$/;

/**
 * Takes the access token from the Authorization header, the only place where it is looked for (RFC 6750, section 2.1).
 *
 * @throws {AccessTokenError} `CREDENTIALS_MISSING`, or `CREDENTIALS_MALFORMED` when it can't be told without guessing
 */
export function bearerToken(platform: Platform, request: unknown): string {
  if (platform.headerLines(request, 'authorization') > 1) {
    throw malformed();
  }
  const header = platform.header(request, 'authorization') ?? '';
  const [scheme = ''] = SCHEME.exec(header) ?? [];
  if (scheme.toLowerCase() !== 'bearer') {
    throw new AccessTokenError('CREDENTIALS_MISSING', 'The request carries no access token.');
  }
  const credentials = header.slice(scheme.length);
  const token = credentials.length > LONGEST + 1 ? undefined : CREDENTIALS.exec(credentials)?.[1];
  if (token === undefined || isInQueryToo(platform.query(request))) {
    throw malformed();
  }
  return token;
}

/** RFC 6750, section 2: one method of sending the token in one request. */
function isInQueryToo(query: string): boolean {
  return query !== '' && new URLSearchParams(query).has('access_token');
}

function malformed(): AccessTokenError {
  return new AccessTokenError('CREDENTIALS_MALFORMED', 'The access token can not be read from the request.');
}
