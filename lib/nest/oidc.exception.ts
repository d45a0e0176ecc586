import { HttpException } from '@nestjs/common';

import type { OidcErrorCode } from '../errors/codes.js';
import type { OidcError } from '../errors/oidc.error.js';

/** The body of every refusal: the RFC's error and one fixed sentence. It repeats nothing of the request. */
export interface OidcExceptionBody {
  readonly error: string;
  readonly error_description: string;
}

/**
 * The exception that guards throw. Its body is exactly `{ error, error_description }`. The precise code, for logs and for
 * exception filters, is `exception.code`, that of `exception.cause`.
 *
 * The headers of the refusal (`WWW-Authenticate`, `Cache-Control`, `Retry-After`, `Set-Cookie`) are already set on the
 * response when a filter sees the exception.
 *
 * ```ts
 * @Catch(OidcException)
 * export class SignInFailed implements ExceptionFilter<OidcException> {
 *   catch(exception: OidcException, host: ArgumentsHost) {
 *     const response = host.switchToHttp().getResponse(); // of Express or Fastify
 *     response.status(exception.getStatus()).type('text/html').send(`<h1>${exception.message}</h1>`);
 *   }
 * }
 * ```
 */
export class OidcException extends HttpException {
  declare readonly cause: OidcError | undefined;
  readonly error: string;
  /** The precise code: that of the cause. */
  readonly code: OidcErrorCode | undefined;

  constructor(status: number, body: OidcExceptionBody, options: { readonly cause?: OidcError | undefined } = {}) {
    super({ error: body.error, error_description: body.error_description }, status, options);
    this.error = body.error;
    this.code = options.cause?.code;
    this.message = body.error_description;
  }
}
