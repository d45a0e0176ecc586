import type {
  AccessTokenErrorCode,
  AuthorizationResponseErrorCode,
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

/** The store can't be reached. Whatever depends on it is refused. */
export class StoreError extends OidcError<StoreErrorCode> {}

/** The session of the application can't be read, kept or started. */
export class SessionError extends OidcError<SessionErrorCode> {}
