import { HttpException } from '@nestjs/common';

import type { OidcError } from '../errors/oidc.error.js';

/** The body of every refusal: the RFC's error and one fixed sentence. Nothing that a stranger sent stands in it. */
export interface OidcExceptionBody {
  readonly error: string;
  readonly error_description: string;
}

/**
 * What the guards throw. The body is exactly `{ error, error_description }`; the fine code, for logs and for exception
 * filters, stands on `exception.cause.code`.
 *
 * The headers of the refusal (`WWW-Authenticate`, `Cache-Control`, `Retry-After`, `Set-Cookie`) are already set on the
 * response when a filter sees the exception.
 */
export class OidcException extends HttpException {
  declare readonly cause: OidcError | undefined;
  readonly error: string;

  constructor(status: number, body: OidcExceptionBody, options: { readonly cause?: OidcError | undefined } = {}) {
    super({ error: body.error, error_description: body.error_description }, status, options);
    this.error = body.error;
    this.message = body.error_description;
  }
}
