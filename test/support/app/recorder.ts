import { Catch, type ArgumentsHost } from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';

import { OidcException } from '../../../lib/index.js';

/** Exception filter: keeps what is thrown and leaves the answer to Nest. */
@Catch()
export class Recorder extends BaseExceptionFilter {
  readonly refusals: OidcException[] = [];
  readonly errors: unknown[] = [];

  override catch(exception: unknown, host: ArgumentsHost): void {
    if (exception instanceof OidcException) {
      this.refusals.push(exception);
    } else {
      this.errors.push(exception);
    }
    super.catch(exception, host);
  }
}
