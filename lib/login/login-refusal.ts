import type { OidcErrorCode } from '../errors/codes.js';
import {
  AuthorizationResponseError,
  ConfigError,
  DiscoveryError,
  OAuthError,
  ResponseError,
  SessionError,
  StoreError,
  TransportError,
  VerificationError,
} from '../errors/errors.js';
import { troubleOf } from '../errors/log-line.js';
import { OidcError } from '../errors/oidc.error.js';
import type { OperatorEvent } from '../events/operator-events.js';
import { retryAfterOf, type Answer } from '../nest/answer.js';
import type { Refusal } from '../nest/refusal.js';

const BAD_RESPONSE = 'This does not complete a sign-in. Please sign in again.';
const DENIED = 'The sign-in was refused.';
const NOT_KEPT = 'This application can not keep the sign-in.';
const BROKEN = 'The sign-in service can not be used at the moment.';
const UNAVAILABLE = 'The sign-in service is not available at the moment. Please try again.';

const invalidRequest = (status: number): Answer => ({
  status,
  error: 'invalid_request',
  error_description: BAD_RESPONSE,
});
const denied: Answer = { status: 403, error: 'access_denied', error_description: DENIED };
const broken: Answer = { status: 502, error: 'server_error', error_description: BROKEN };
const unavailable = (status: number): Answer => ({
  status,
  error: 'temporarily_unavailable',
  error_description: UNAVAILABLE,
});

/** The answer by class of error: the browser's fault, a refusal, or a dependency's fault. */
const BY_KIND: readonly (readonly [kind: abstract new (...args: never) => OidcError, answer: Answer])[] = [
  [AuthorizationResponseError, invalidRequest(400)],
  [OAuthError, denied],
  [VerificationError, denied],
  [TransportError, unavailable(503)],
  [StoreError, unavailable(503)],
  [ResponseError, broken],
  [DiscoveryError, broken],
  [ConfigError, broken],
  [SessionError, denied],
];

/** The answer by error code, for codes that differ from their class. */
const BY_CODE: Partial<Readonly<Record<OidcErrorCode, Answer>>> = {
  UNSUPPORTED_MEDIA_TYPE: invalidRequest(415),
  BODY_TOO_LARGE: invalidRequest(413),
  CALLBACK_PATH_MISMATCH: broken,
  CLIENT_MISCONFIGURED: broken,
  UPSTREAM_TIMEOUT: unavailable(504),
  SESSION_TOO_LARGE: { status: 500, error: 'server_error', error_description: NOT_KEPT },
  RESOLVER_FAILED: unavailable(503),
};

/**
 * OAuth errors for a mistake in our request or our registration, which the user can't correct: RFC 6749, sections 4.1.2.1
 * and 5.2; OpenID Connect Core 1.0, section 3.1.2.6; RFC 8707, section 2; RFC 9396, section 5; RFC 9449, section 5.
 *
 * Not in the list, because they are about the user or the code: `access_denied`, `invalid_grant`, `login_required`,
 * `consent_required`, `interaction_required`, `account_selection_required`.
 */
const OUR_FAULTS: readonly string[] = [
  'invalid_request',
  'invalid_scope',
  'unsupported_response_type',
  'unsupported_response_mode',
  'unsupported_grant_type',
  'invalid_redirect_uri',
  'invalid_client_metadata',
  'invalid_request_uri',
  'invalid_request_object',
  'request_not_supported',
  'request_uri_not_supported',
  'registration_not_supported',
  'invalid_target',
  'invalid_authorization_details',
  'invalid_dpop_proof',
  'use_dpop_nonce',
];

/** The answer by OAuth error, for errors that are no refusal: the server's fault or ours. */
const BY_OAUTH_ERROR: ReadonlyMap<string, Answer> = new Map([
  ['temporarily_unavailable', unavailable(503)],
  ['server_error', broken],
  ...OUR_FAULTS.map((error) => [error, broken] as const),
]);

/** The refusal of a login. */
export interface LoginRefusal extends Refusal {
  readonly cause: OidcError;
}

/**
 * The refusal for a login's error. Its body repeats nothing of the request.
 *
 * @returns undefined for an error of the application, which passes as it is
 */
export function loginRefusal(error: unknown): LoginRefusal | undefined {
  if (!(error instanceof OidcError)) {
    return undefined;
  }
  const answer = answerTo(error);
  return answer && { ...answer, headers: answer.status === 503 ? [retryAfterOf(error)] : [], cause: error };
}

/** The event of a refused login. Its kinds are fixed, so that strangers can't flood the log with new ones. */
export function refusedLogin({ status, cause }: LoginRefusal): OperatorEvent<'login-refused'> {
  const isOurFault = status >= 500;
  return { kind: 'login-refused', error: cause, trouble: isOurFault ? troubleOf(cause) : cause.code, isOurFault };
}

function answerTo(error: OidcError): Answer | undefined {
  const byError = error instanceof OAuthError ? BY_OAUTH_ERROR.get(error.error) : undefined;
  return byError ?? BY_CODE[error.code] ?? BY_KIND.find(([kind]) => error instanceof kind)?.[1];
}
