/** The configuration is wrong, or does not fit what the server publishes. */
export type ConfigErrorCode =
  /** An option or a registered member has a wrong value. */
  | 'INVALID_CONFIG'
  /** The server does not list the registered authentication method. */
  | 'AUTH_METHOD_UNSUPPORTED'
  /** The server publishes no endpoint of the kind that is needed. */
  | 'ENDPOINT_MISSING'
  /** A signature has to be verified and the server publishes no `jwks_uri`. */
  | 'NO_JWKS_URI'
  /** The function `resourceServer.issuers` or `client.client_secret` threw, or its promise was rejected. */
  | 'RESOLVER_FAILED';

/** The server's metadata can't be trusted or understood. */
export type DiscoveryErrorCode =
  | 'ISSUER_MISMATCH'
  | 'INVALID_SERVER_METADATA'
  /** WebFinger: what a user entered is no account and no URL whose host may be asked. */
  | 'IDENTIFIER_INVALID'
  /** WebFinger: the host names no issuer, or none that may be called. */
  | 'ISSUER_NOT_FOUND'
  | ResponseErrorCode;

/** The server could not be reached, did not answer in time, or said that it can't serve now. */
export type TransportErrorCode =
  | 'UPSTREAM_UNAVAILABLE'
  /** It answered 500, or another 5xx that is about this request only. */
  | 'UPSTREAM_ERROR'
  | 'UPSTREAM_TIMEOUT'
  /** `http.maxConcurrent` calls to the endpoint are in flight, and none ended in time. */
  | 'UPSTREAM_BUSY'
  | 'RATE_LIMITED'
  | 'TLS_ERROR';

/** An answer is no valid HTTP, of an unexpected kind, or beyond our limits. */
export type HttpResponseErrorCode =
  | 'UNEXPECTED_STATUS'
  | 'UNEXPECTED_REDIRECT'
  | 'UNEXPECTED_CONTENT_TYPE'
  | 'UNEXPECTED_CONTENT_ENCODING'
  | 'RESPONSE_TOO_LARGE'
  | 'RESPONSE_INCOMPLETE'
  | 'MALFORMED_HTTP'
  | 'INVALID_UTF8'
  | 'INVALID_JSON'
  | 'JSON_TOO_DEEP'
  | 'TOO_MANY_MEMBERS';

/** An answer does not follow its specification. */
export type ResponseErrorCode =
  | HttpResponseErrorCode
  | 'TOKEN_RESPONSE_INVALID'
  | 'DEVICE_RESPONSE_INVALID'
  | 'PAR_RESPONSE_INVALID'
  | 'BACKCHANNEL_RESPONSE_INVALID'
  | 'INTROSPECTION_MALFORMED'
  | 'SIGNED_RESPONSE_REQUIRED'
  | 'USERINFO_REFUSED'
  | 'SIGNED_USERINFO_REQUIRED'
  /** Encryption is registered, and the answer is no JWT. */
  | 'ENCRYPTION_REQUIRED'
  | 'REGISTRATION_RESPONSE_INVALID'
  /** Claims name a source that is not asked. */
  | 'CLAIM_SOURCE_REFUSED'
  | 'JWKS_INVALID'
  | 'TOO_MANY_KEYS';

/** The server answered with an error of the specification. */
export type OAuthErrorCode =
  /** The error concerns this request, such as `invalid_grant` or `access_denied`. */
  | 'OP_ERROR'
  /** The server does not accept us as the client that we are configured to be. */
  | 'CLIENT_MISCONFIGURED';

/** A JWT failed verification, or a value that is bound to one did. */
export type VerificationErrorCode =
  | 'JWT_MALFORMED'
  | 'JWT_TOO_LARGE'
  /** A JWT that is good once was used before. */
  | 'JWT_REPLAYED'
  | 'UNEXPECTED_JWE'
  /** Encryption is registered, and the JWT is not encrypted. */
  | 'ENCRYPTION_REQUIRED'
  /** Something is wrong behind the header of a JWE; nobody is told what. */
  | 'DECRYPTION_FAILED'
  | 'TYP_MISMATCH'
  | 'UNSUPPORTED_CRIT'
  | 'ALG_NOT_ALLOWED'
  | 'KEY_NOT_FOUND'
  | 'AMBIGUOUS_KEY'
  | 'SIGNATURE_INVALID'
  | 'CLAIM_MISSING'
  | 'CLAIM_INVALID'
  | 'UNEXPECTED_CLAIM'
  | 'ISS_MISMATCH'
  /** `tenants` does not take the tenant. */
  | 'TENANT_REFUSED'
  | 'AUD_MISMATCH'
  | 'AZP_MISMATCH'
  | 'SUB_MISMATCH'
  | 'EXPIRED'
  | 'NOT_YET_VALID'
  | 'TOO_OLD'
  | 'NONCE_MISSING'
  | 'NONCE_MISMATCH'
  | 'AT_HASH_MISMATCH'
  | 'C_HASH_MISMATCH'
  | 'S_HASH_MISMATCH'
  | 'RT_HASH_MISMATCH'
  | 'HTM_MISMATCH'
  | 'HTU_MISMATCH'
  | 'ATH_MISMATCH'
  | 'AUTH_TIME_MISSING'
  | 'AUTH_TIME_TOO_OLD'
  | 'AUTH_TIME_MISMATCH'
  /** The end-user did not authenticate in a class that was demanded. */
  | 'ACR_MISMATCH'
  | 'ID_TOKEN_MISSING'
  /** A notification carries no token of a request that is waited for. */
  | 'NOTIFICATION_REFUSED';

/** A request to the redirect URI is no valid response to a login of ours. */
export type AuthorizationResponseErrorCode =
  | 'MISSING_RESPONSE'
  | 'RESPONSE_MODE'
  /** The response to a login of this browser came to a path that is not the callback's. */
  | 'CALLBACK_PATH_MISMATCH'
  | 'STATE_MISSING'
  | 'STATE_MISMATCH'
  | 'CODE_MISSING'
  /** The response lacks a token that its response type brings. */
  | 'TOKEN_MISSING'
  /** The response is a plain one, and a JWT was asked for (JARM). */
  | 'JARM_REQUIRED'
  /** The response is a JWT that does not verify; the cause says why. */
  | 'JARM_INVALID'
  | 'ISS_MISSING'
  | 'ISS_MISMATCH'
  | 'UNEXPECTED_PARAMETER'
  | 'NO_TRANSACTION'
  | 'TRANSACTION_INVALID'
  | 'TRANSACTION_EXPIRED'
  /** The store has no such transaction: it was used before, or is another browser's. */
  | 'TRANSACTION_CONSUMED'
  | RequestErrorCode;

/** A request is ambiguous or malformed. */
export type RequestErrorCode =
  'DUPLICATE_PARAMETER' | 'INVALID_PARAMETER' | 'UNSUPPORTED_MEDIA_TYPE' | 'BODY_TOO_LARGE';

/** The access token of an API call was refused. */
export type AccessTokenErrorCode =
  | 'CREDENTIALS_MISSING'
  | 'CREDENTIALS_MALFORMED'
  | 'TOKEN_INACTIVE'
  | 'TOKEN_EXPIRED'
  | 'TOKEN_NOT_YET_VALID'
  | 'TOKEN_ISSUER'
  | 'TOKEN_AUDIENCE'
  | 'TOKEN_TYPE'
  /** A JWT fails verification, or lacks a claim that RFC 9068 requires. */
  | 'TOKEN_INVALID'
  | 'TOKEN_BINDING'
  | 'DPOP_PROOF_MISSING'
  | 'DPOP_PROOF_INVALID'
  /** The proof was used before. */
  | 'DPOP_PROOF_REPLAYED'
  /** The proof carries no nonce of ours, or one that is too old. */
  | 'DPOP_NONCE_REQUIRED'
  | 'INSUFFICIENT_SCOPE'
  /** The token has none of the roles that the route requires. */
  | 'ROLE_MISSING'
  /** The login behind the token is too weak or too old (RFC 9470). */
  | 'INSUFFICIENT_AUTHENTICATION';

/** An API refused a call that we made, with a challenge. */
export type ChallengeErrorCode = 'RESOURCE_REFUSED';

/** The store that replicas share, or that keeps used proofs, can't be reached. */
export type StoreErrorCode = 'STORE_UNAVAILABLE' | 'STORE_TIMEOUT';

/** The session of the application can't be read, kept or started. */
export type SessionErrorCode =
  | 'SESSION_MISSING'
  | 'SESSION_TOO_LARGE'
  /** The session has no access token that is good any more, and none can be had. */
  | 'ACCESS_TOKEN_EXPIRED'
  /** No session keeps an access token, or the login brought none: it is not configured. */
  | 'ACCESS_TOKEN_MISSING'
  /** The server takes the refresh token no more, or its answer speaks of another person. */
  | 'SESSION_ENDED'
  /** Another site asked for a change in the name of the session, or began a login that nobody would see. */
  | 'CROSS_SITE_REQUEST'
  /** The user has none of the roles that the route requires. */
  | 'ROLE_MISSING'
  /** The application's `validate` did not accept who logged in. */
  | 'USER_REFUSED';

/** All codes of {@link OidcError}. */
export type OidcErrorCode =
  | ConfigErrorCode
  | DiscoveryErrorCode
  | TransportErrorCode
  | ResponseErrorCode
  | OAuthErrorCode
  | VerificationErrorCode
  | AuthorizationResponseErrorCode
  | AccessTokenErrorCode
  | ChallengeErrorCode
  | StoreErrorCode
  | SessionErrorCode;
