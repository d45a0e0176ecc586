import { AuthorizationResponseError, SessionError } from '../../errors/errors.js';
import { PRIVATE_ANSWER } from '../../nest/answer.js';
import type { Refusal } from '../../nest/refusal.js';

/** The methods that are forwarded. TRACE is not: its answer would show the token (RFC 9110, section 9.3.8). */
const ALLOWED = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS';

/** The refusal of a WebSocket, and of TRACE. */
export function methodRefused(): Refusal {
  return {
    status: 405,
    error: 'invalid_request',
    error_description: 'This is not forwarded.',
    headers: [['Allow', ALLOWED], ...PRIVATE_ANSWER],
    cause: new AuthorizationResponseError('INVALID_PARAMETER', 'A WebSocket and TRACE are not forwarded.'),
  };
}

/** The refusal of a request that a page of another site may have made. */
export function csrfHeaderMissing(): Refusal {
  return {
    status: 403,
    error: 'access_denied',
    error_description: 'Send the header X-CSRF: 1 from a page of this application.',
    headers: PRIVATE_ANSWER,
    cause: new SessionError('CROSS_SITE_REQUEST', 'A request to forward is of another site, or has no X-CSRF header.'),
  };
}

/** The refusal of a path that might not stay below the API's base URL. */
export function pathRefused(): Refusal {
  return {
    status: 400,
    error: 'invalid_request',
    error_description: 'This path is not forwarded.',
    headers: PRIVATE_ANSWER,
    cause: new AuthorizationResponseError('INVALID_PARAMETER', 'A path to forward may leave the base URL of the API.'),
  };
}

/** The refusal of a body that a parser of the application has read, and that can't be written again as it was. */
export function bodyRefused(): Refusal {
  return {
    status: 415,
    error: 'invalid_request',
    error_description: 'A body of this media type is not forwarded.',
    headers: PRIVATE_ANSWER,
    cause: new AuthorizationResponseError(
      'UNSUPPORTED_MEDIA_TYPE',
      'A parser has read a body to forward. With rawBody: true its bytes are kept.',
    ),
  };
}
