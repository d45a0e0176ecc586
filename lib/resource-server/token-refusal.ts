import type { AccessTokenErrorCode } from '../errors/codes.js';
import { AccessTokenError, ConfigError, OAuthError } from '../errors/errors.js';
import { OidcError } from '../errors/oidc.error.js';
import type { AccessRule } from '../nest/access-rule.js';
import { retryAfterOf, type Answer, type ResponseHeader } from '../nest/answer.js';
import type { Refusal } from '../nest/refusal.js';
import { challenge, type ChallengeParameters } from './challenge.js';
import type { Scheme } from './credentials.js';

// The errors of RFC 6750, section 3.1. Unknown, expired and revoked tokens are answered alike.

const NO_CREDENTIALS: Answer = {
  status: 401,
  error: 'unauthorized',
  error_description: 'An access token is required.',
};
const INVALID_REQUEST: Answer = {
  status: 400,
  error: 'invalid_request',
  error_description: 'The access token can not be read from the request.',
};
const INVALID_TOKEN: Answer = {
  status: 401,
  error: 'invalid_token',
  error_description: 'The access token is not valid here.',
};
const INSUFFICIENT_SCOPE: Answer = {
  status: 403,
  error: 'insufficient_scope',
  error_description: 'The access token was not granted the scope that is required.',
};
/** Not of RFC 6750: no other token would help, so that there is nothing to challenge for. */
const ROLE_MISSING: Answer = {
  status: 403,
  error: 'access_denied',
  error_description: 'A role that is required is missing.',
};
const INSUFFICIENT_AUTHENTICATION: Answer = {
  status: 401,
  error: 'insufficient_user_authentication',
  error_description: 'A stronger or a more recent login is required.',
};
const INVALID_PROOF: Answer = {
  status: 401,
  error: 'invalid_dpop_proof',
  error_description: 'The request carries no DPoP proof that is good for it.',
};
const NONCE_REQUIRED: Answer = {
  status: 401,
  error: 'use_dpop_nonce',
  error_description: 'The DPoP proof has to carry the nonce that this answer brings.',
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
  TOKEN_INVALID: INVALID_TOKEN,
  TOKEN_BINDING: INVALID_TOKEN,
  DPOP_PROOF_MISSING: INVALID_PROOF,
  DPOP_PROOF_INVALID: INVALID_PROOF,
  DPOP_PROOF_REPLAYED: INVALID_PROOF,
  DPOP_NONCE_REQUIRED: NONCE_REQUIRED,
  INSUFFICIENT_SCOPE,
  ROLE_MISSING,
  INSUFFICIENT_AUTHENTICATION,
};

/** The content of challenges, beside the error. */
export interface ChallengeFacts {
  readonly realm: string;
  /** The accepted schemes. Each has its own challenge. */
  readonly offered: readonly Scheme[];
  /** The schemes that the caller used. Their challenges carry the error. */
  readonly attempted: readonly Scheme[];
  /** The algorithms of DPoP proofs. */
  readonly algorithms: readonly string[];
  /** The URL of the protected resource metadata. */
  readonly resourceMetadata: string | undefined;
  readonly rule: AccessRule;
  /** The nonce that the next proof must carry. */
  readonly nonce: string | undefined;
}

const NO_STORE: ResponseHeader = ['Cache-Control', 'no-store'];

const UNAVAILABLE: Answer = {
  status: 503,
  error: 'temporarily_unavailable',
  error_description: 'The access token can not be checked at the moment.',
};

/**
 * The API's answer to an error. An invalid token gets a `WWW-Authenticate` for each scheme. Any other error is the fault
 * of a dependency: a 503, never a 401.
 */
export function tokenRefusal(error: OidcError, facts: ChallengeFacts): Refusal {
  if (!(error instanceof AccessTokenError)) {
    return { ...UNAVAILABLE, headers: [NO_STORE, retryAfterOf(error)], cause: error };
  }
  const answer = ANSWERS[error.code];
  if (answer === ROLE_MISSING) {
    return { ...answer, headers: [NO_STORE], cause: error };
  }
  const { error: name, error_description } = answer;
  const isSilent = error.code === 'CREDENTIALS_MISSING';
  const told = isSilent ? {} : { error: name, error_description, ...DETAILS[name]?.(facts.rule) };
  return {
    ...answer,
    headers: [
      NO_STORE,
      ['WWW-Authenticate', challengesOf(told, facts)],
      ...(facts.nonce === undefined ? [] : [['DPoP-Nonce', facts.nonce] as const]),
    ],
    cause: error,
  };
}

/** The challenge parameters that say what is required, by error. */
const DETAILS: Readonly<Record<string, (rule: AccessRule) => ChallengeParameters>> = {
  insufficient_scope: ({ scopes }) => ({ scope: scopes.join(' ') }),
  insufficient_user_authentication: ({ stepUp: { acr = [], maxAge } = {} }) => ({
    ...(acr.length > 0 && { acr_values: acr.join(' ') }),
    ...(maxAge !== undefined && { max_age: maxAge }),
  }),
};

/** A challenge for each scheme. The error is in that of the used scheme, or in all if that scheme is not offered. */
function challengesOf(
  told: ChallengeParameters,
  { realm, offered, attempted, algorithms, resourceMetadata }: ChallengeFacts,
): readonly string[] {
  const isOffered = offered.some((scheme) => attempted.includes(scheme));
  return offered.map((scheme) =>
    challenge(scheme, {
      realm,
      ...((attempted.includes(scheme) || !isOffered) && told),
      ...(scheme === 'DPoP' && { algs: algorithms.join(' ') }),
      ...(resourceMetadata !== undefined && { resource_metadata: resourceMetadata }),
    }),
  );
}

/** The log level of an error. Faulty tokens are the caller's business; a wrong configuration is the operator's. */
export function levelOf(error: OidcError): 'debug' | 'warn' | 'error' {
  if (error instanceof AccessTokenError) {
    return 'debug';
  }
  return isMisconfiguration(error) ? 'error' : 'warn';
}

/** Whether the configuration is wrong, here or at the server. */
function isMisconfiguration(error: OidcError): boolean {
  return error instanceof ConfigError || error instanceof OAuthError || error.code === 'UNEXPECTED_STATUS';
}
