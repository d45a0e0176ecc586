import type { AccessTokenErrorCode } from '../errors/codes.js';
import { AccessTokenError, ConfigError, OAuthError, TransportError } from '../errors/errors.js';
import type { OidcError } from '../errors/oidc.error.js';
import type { ResponseHeader } from '../nest/answer.js';
import { bearerChallenge, type ChallengeParameters } from './challenge.js';

/** What the guard answers instead of the handler. */
export interface Refusal {
  readonly status: 400 | 401 | 403 | 503;
  readonly body: { readonly error: string; readonly error_description: string };
  readonly headers: readonly ResponseHeader[];
}

/** The words of RFC 6750, section 3.1; unknown, expired and revoked tokens look alike. */
interface Answer {
  readonly status: 400 | 401 | 403;
  readonly error: string;
  readonly description: string;
}

const NO_CREDENTIALS: Answer = {
  status: 401,
  error: 'unauthorized',
  description: 'An access token is required.',
};
const INVALID_REQUEST: Answer = {
  status: 400,
  error: 'invalid_request',
  description: 'The access token can not be read from the request.',
};
const INVALID_TOKEN: Answer = {
  status: 401,
  error: 'invalid_token',
  description: 'The access token is not valid here.',
};
const INSUFFICIENT_SCOPE: Answer = {
  status: 403,
  error: 'insufficient_scope',
  description: 'The access token was not granted the scope that is required.',
};

const ANSWERS: Readonly<Record<AccessTokenErrorCode, Answer>> = {
  CREDENTIALS_MISSING: NO_CREDENTIALS,
  CREDENTIALS_MALFORMED: INVALID_REQUEST,
  TOKEN_INACTIVE: INVALID_TOKEN,
  TOKEN_EXPIRED: INVALID_TOKEN,
  TOKEN_NOT_YET_VALID: INVALID_TOKEN,
  TOKEN_ISSUER: INVALID_TOKEN,
  TOKEN_AUDIENCE: INVALID_TOKEN,
  TOKEN_TYPE: INVALID_TOKEN,
  TOKEN_BINDING: INVALID_TOKEN,
  INSUFFICIENT_SCOPE,
};

const NO_STORE: ResponseHeader = ['Cache-Control', 'no-store'];

/**
 * How an error reads to the caller of an API. What the token is to blame for gets a challenge; everything else is the
 * dependency's fault and a 503, never a 401.
 */
export function refusalOf(error: OidcError, realm: string, scopes: readonly string[]): Refusal {
  if (!(error instanceof AccessTokenError)) {
    const retryAfter = error instanceof TransportError ? error.retryAfter : 5;
    return {
      status: 503,
      body: {
        error: 'temporarily_unavailable',
        error_description: 'The access token can not be checked at the moment.',
      },
      headers: [NO_STORE, ['Retry-After', String(Math.ceil(retryAfter))]],
    };
  }
  const { status, error: name, description } = ANSWERS[error.code];
  const parameters: ChallengeParameters = {
    realm,
    ...(error.code !== 'CREDENTIALS_MISSING' && { error: name, error_description: description }),
    ...(error.code === 'INSUFFICIENT_SCOPE' && { scope: scopes.join(' ') }),
  };
  return {
    status,
    body: { error: name, error_description: description },
    headers: [NO_STORE, ['WWW-Authenticate', bearerChallenge(parameters)]],
  };
}

/** Whether only an operator can mend it: the configuration, or what the server thinks of this client. */
export function isMisconfiguration(error: OidcError): boolean {
  return error instanceof ConfigError || error instanceof OAuthError || error.code === 'UNEXPECTED_STATUS';
}
