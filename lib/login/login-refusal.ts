import { HttpException } from '@nestjs/common';

import type { OidcErrorCode } from '../errors/codes.js';
import {
  AuthorizationResponseError,
  ConfigError,
  DiscoveryError,
  OAuthError,
  ResponseError,
  SessionError,
  TransportError,
  VerificationError,
} from '../errors/errors.js';
import { logLine } from '../errors/log-line.js';
import { OidcError } from '../errors/oidc.error.js';
import { retryAfterOf, type Answer, type ResponseHeader } from '../nest/answer.js';
import { OidcException } from '../nest/oidc.exception.js';

const BAD_RESPONSE = 'This does not complete a sign-in. Please sign in again.';
const DENIED = 'The sign-in was refused.';
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

/** What a kind of error means for the browser: its fault, a refusal, or a dependency's fault. */
const BY_KIND: readonly (readonly [kind: abstract new (...args: never) => OidcError, answer: Answer])[] = [
  [AuthorizationResponseError, invalidRequest(400)],
  [OAuthError, denied],
  [VerificationError, denied],
  [TransportError, unavailable(503)],
  [ResponseError, broken],
  [DiscoveryError, broken],
  [ConfigError, broken],
  [SessionError, denied],
];

/** Where a code means something else than its kind. */
const BY_CODE: Partial<Readonly<Record<OidcErrorCode, Answer>>> = {
  UNSUPPORTED_MEDIA_TYPE: invalidRequest(415),
  BODY_TOO_LARGE: invalidRequest(413),
  CALLBACK_PATH_MISMATCH: broken,
  CLIENT_MISCONFIGURED: broken,
  UPSTREAM_TIMEOUT: unavailable(504),
  SESSION_TOO_LARGE: broken,
};

/** RFC 6749, section 4.1.2.1: errors by which the server says that it is the one in trouble. */
const BY_OAUTH_ERROR: ReadonlyMap<string, Answer> = new Map([
  ['temporarily_unavailable', unavailable(503)],
  ['server_error', broken],
]);

/** How a login ends that did not succeed. */
export interface LoginRefusal {
  /** What to throw: an `OidcException`, or what the application itself threw, as it is. */
  readonly exception: unknown;
  readonly headers: readonly ResponseHeader[];
  /** One line for the log, without anything that a stranger wrote; undefined where the application threw. */
  readonly log?: string;
  /** Whether it is for an operator to mend, not for the person who signs in. */
  readonly isOurFault: boolean;
}

/** The answer to a failed login. Its body never repeats anything of the request. */
export function refuseLogin(error: unknown): LoginRefusal {
  const answer = error instanceof OidcError ? answerTo(error) : undefined;
  if (answer === undefined || !(error instanceof OidcError)) {
    return { exception: error, headers: [], isOurFault: !(error instanceof HttpException) };
  }
  const { status } = answer;
  return {
    exception: new OidcException(status, answer, { cause: error }),
    headers: status === 503 ? [retryAfterOf(error)] : [],
    log: `Login refused: ${describe(error)}`,
    isOurFault: status >= 500,
  };
}

function answerTo(error: OidcError): Answer | undefined {
  const byError = error instanceof OAuthError ? BY_OAUTH_ERROR.get(error.error) : undefined;
  return byError ?? BY_CODE[error.code] ?? BY_KIND.find(([kind]) => error instanceof kind)?.[1];
}

/** Codes, and for what an operator has to mend the sentence, which is ours as well, with what was seen. */
function describe(error: OidcError): string {
  if (error.code === 'CALLBACK_PATH_MISMATCH') {
    return logLine(error);
  }
  if (error instanceof OAuthError) {
    return `${error.code} (${error.error})`;
  }
  return error instanceof ConfigError ? `${error.code}, ${error.message}` : error.code;
}
