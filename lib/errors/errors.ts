import type {
  AccessTokenErrorCode,
  AuthorizationResponseErrorCode,
  ChallengeErrorCode,
  ConfigErrorCode,
  DiscoveryErrorCode,
  OAuthErrorCode,
  ResponseErrorCode,
  SessionErrorCode,
  StoreErrorCode,
  TransportErrorCode,
  VerificationErrorCode,
} from './codes.js';
import { printable } from './log-line.js';
import { OidcError, type OidcErrorOptions } from './oidc.error.js';

/** The configuration is wrong. At boot this stops the application. It names the member and never prints its value. */
export class ConfigError extends OidcError<ConfigErrorCode> {
  readonly #problem: string;

  /** @param member path of the option, such as `client.redirect_uris` */
  constructor(
    code: ConfigErrorCode,
    readonly member: string,
    problem: string,
    options?: OidcErrorOptions,
  ) {
    super(code, `${member}: ${problem}`, options);
    this.#problem = problem;
  }

  /** The same error with a longer path to the member, for an option inside of another one. */
  within(path: string): ConfigError {
    return new ConfigError(this.code, `${path}.${this.member}`, this.#problem);
  }

  /** The same error for one of several clients, with its name: each of them has a `client_secret`. */
  of(name: string): ConfigError {
    return new ConfigError(this.code, this.member, `${this.#problem} (client ${JSON.stringify(name)})`);
  }
}

/** The server's metadata can't be trusted or understood (OpenID Connect Discovery 1.0, RFC 8414). */
export class DiscoveryError extends OidcError<DiscoveryErrorCode> {}

/** Seconds that a server which failed is left alone, and that callers are told to wait, where it names no time itself. */
export const DEFAULT_RETRY_AFTER = 5;

/** The server could not be reached, did not answer in time, or said that it can't serve now. */
export class TransportError extends OidcError<TransportErrorCode> {
  /** Seconds after which to call again: the server's `Retry-After`, else 5. */
  readonly retryAfter: number;

  constructor(
    code: TransportErrorCode,
    message: string,
    options: OidcErrorOptions & { readonly retryAfter?: number } = {},
  ) {
    super(code, message, options);
    this.retryAfter = options.retryAfter ?? DEFAULT_RETRY_AFTER;
  }
}

/** The server answered outside the specification. */
export class ResponseError extends OidcError<ResponseErrorCode> {}

/** Options of {@link OAuthError}. */
export interface OAuthErrorOptions extends OidcErrorOptions {
  /** As the server sent it. */
  readonly error_description?: string | undefined;
}

/** The server answered with an error of the specification (RFC 6749, sections 4.1.2.1 and 5.2). */
export class OAuthError extends OidcError<OAuthErrorCode> {
  /**
   * Description by the server, or by whoever wrote it into the address of the browser. At most 255 characters of printable
   * ASCII. A page has to escape it, as any text of a stranger.
   */
  readonly error_description: string | undefined;

  /** @param error the registered error, such as `invalid_grant` */
  constructor(
    code: OAuthErrorCode,
    readonly error: string,
    message: string,
    options: OAuthErrorOptions = {},
  ) {
    const { error_description, facts } = options;
    super(code, message, { ...options, facts: { error, error_description, ...facts } });
    this.error_description = error_description && printable(error_description);
  }
}

/** A JWT failed verification, or a value that is bound to one did. */
export class VerificationError extends OidcError<VerificationErrorCode> {}

/** A request to the redirect URI is no valid response to a login of ours. */
export class AuthorizationResponseError extends OidcError<AuthorizationResponseErrorCode> {}

/** The access token of an API call was refused. */
export class AccessTokenError extends OidcError<AccessTokenErrorCode> {}

/** The parameters of a challenge that say what an API wants (RFC 6750, section 3; RFC 9470, section 3; RFC 9728, section 5.1). */
export interface ReceivedChallenge {
  /** In lower case: `bearer`, `dpop`. Undefined: the challenge can't be read. */
  readonly scheme: string | undefined;
  readonly error: string | undefined;
  readonly error_description: string | undefined;
  /** Space-separated. */
  readonly scope: string | undefined;
  /** Space-separated. */
  readonly acr_values: string | undefined;
  /** Seconds. */
  readonly max_age: number | undefined;
  readonly resource_metadata: string | undefined;
}

/**
 * An API refused a call, and said with a challenge what it wants.
 *
 * The parameters are the API's own text: a page has to escape them.
 */
export class ChallengeError extends OidcError<ChallengeErrorCode> implements ReceivedChallenge {
  readonly scheme: string | undefined;
  /** `invalid_token`, `insufficient_scope`, `insufficient_user_authentication` or another one. */
  readonly error: string | undefined;
  readonly error_description: string | undefined;
  /** The scopes that the call needs, space-separated. */
  readonly scope: string | undefined;
  /** What the login behind the token has to be, space-separated (RFC 9470, section 3). */
  readonly acr_values: string | undefined;
  /** Seconds since the login at most (RFC 9470, section 3). */
  readonly max_age: number | undefined;
  /** Where the API's metadata is (RFC 9728, section 5.1). */
  readonly resource_metadata: string | undefined;

  /** @param status of the answer, such as 401 or 403 */
  constructor(
    readonly status: number,
    { scheme, error, error_description, scope, acr_values, max_age, resource_metadata }: ReceivedChallenge,
    url: string | undefined,
  ) {
    const facts = { url, status, error, error_description, scope, acr_values, max_age };
    super('RESOURCE_REFUSED', 'The API refused the call.', { facts });
    this.scheme = scheme;
    this.error = error;
    this.error_description = error_description && printable(error_description);
    this.scope = scope;
    this.acr_values = acr_values;
    this.max_age = max_age;
    this.resource_metadata = resource_metadata;
  }
}

/** The store can't be reached. Whatever depends on it is refused. */
export class StoreError extends OidcError<StoreErrorCode> {}

/** The session of the application can't be read, kept or started. */
export class SessionError extends OidcError<SessionErrorCode> {}
