import type { OidcErrorCode } from '../errors/codes.js';
import { SessionError, StoreError, TransportError, type AuthorizationResponseError } from '../errors/errors.js';
import { OidcError } from '../errors/oidc.error.js';
import { PRIVATE_ANSWER, retryAfterOf, type ResponseHeader } from '../nest/answer.js';
import type { Refusal } from '../nest/refusal.js';

/** A 401 must name a scheme (RFC 9110, section 15.5.2). For a scheme that browsers know they would ask for a password. */
const CHALLENGE: ResponseHeader = ['WWW-Authenticate', 'Cookie realm="session"'];

/** What the application has to mend. It stays an error of the server, which Nest logs. */
const OWN_FAULTS: readonly OidcErrorCode[] = ['INVALID_CONFIG', 'ACCESS_TOKEN_MISSING', 'SESSION_TOO_LARGE'];

/** The refusal of a request whose session gives no access token. Undefined for an error that passes as it is. */
export function tokensRefusal(error: unknown): Refusal | undefined {
  if (!isAnswered(error)) {
    return undefined;
  }
  if (error instanceof SessionError) {
    return { ...loginRequired(), cause: error };
  }
  return error instanceof StoreError ? sessionUnavailable(error) : unavailable(error);
}

/** The refusal of a request that can't sign out. Undefined for an error that passes as it is. */
export function logoutRefusal(error: unknown): Refusal | undefined {
  if (!isAnswered(error)) {
    return undefined;
  }
  return error instanceof StoreError ? logoutUnavailable(error) : unavailable(error);
}

/** Whether an error is answered by a refusal: it is neither the application's own nor for the application to mend. */
function isAnswered(error: unknown): error is OidcError {
  return error instanceof OidcError && !OWN_FAULTS.includes(error.code);
}

/** The refusal of a request without a session. */
export function loginRequired(more: readonly ResponseHeader[] = []): Refusal {
  return {
    status: 401,
    error: 'login_required',
    error_description: 'Sign in first.',
    headers: [CHALLENGE, ...PRIVATE_ANSWER, ...more],
    cause: new SessionError('SESSION_MISSING', 'The request has no session'),
  };
}

/** The refusal of a cross-site request that changes state. */
export function crossSite(): Refusal {
  return {
    status: 403,
    error: 'access_denied',
    error_description: 'Another site may not do this in your name.',
    headers: PRIVATE_ANSWER,
    cause: new SessionError('CROSS_SITE_REQUEST', 'A cross-site request would change something'),
  };
}

/** The refusal of a request because the store of sessions failed. The browser keeps its cookie. */
export function sessionUnavailable(cause: StoreError): Refusal {
  return {
    status: 503,
    error: 'temporarily_unavailable',
    error_description: 'Sessions can not be read at the moment. Please try again.',
    headers: [retryAfterOf(cause), ...PRIVATE_ANSWER],
    cause,
  };
}

/** The refusal because a service is silent (504), is down (503), or answers outside the specification (502). */
export function unavailable(cause: OidcError): Refusal {
  const isTransport = cause instanceof TransportError;
  return {
    status: cause.code === 'UPSTREAM_TIMEOUT' ? 504 : isTransport ? 503 : 502,
    error: isTransport ? 'temporarily_unavailable' : 'server_error',
    error_description: 'The service behind this one does not answer. Please try again.',
    headers: [...(isTransport ? [retryAfterOf(cause)] : []), ...PRIVATE_ANSWER],
    cause,
  };
}

/** The refusal of a user who has none of the roles that the route requires. */
export function roleMissing(): Refusal {
  return {
    status: 403,
    error: 'access_denied',
    error_description: 'A role that is required is missing.',
    headers: PRIVATE_ANSWER,
    cause: new SessionError('ROLE_MISSING', 'The user has no role that is required.'),
  };
}

/** The refusal of a logout because the store failed. */
export function logoutUnavailable(cause: StoreError): Refusal {
  return {
    status: 503,
    error: 'temporarily_unavailable',
    error_description: 'The sign-out is not complete. Please try again.',
    headers: [retryAfterOf(cause)],
    cause,
  };
}

/** The refusal of a return from the provider that answers no logout of this browser. */
export function logoutMismatch(cause: AuthorizationResponseError): Refusal {
  return {
    status: 400,
    error: 'invalid_request',
    error_description: 'This does not complete a sign-out. You are signed out here.',
    headers: PRIVATE_ANSWER,
    cause,
  };
}
