import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { OidcException } from 'nestjs-oidc';
import { pageHeaders } from './layout.js';
import { failedLoginPage } from './page.js';
import { issuer } from './settings.js';

/** Shows a page where a failed login would answer with JSON. The guard has set the status and the other headers. */
@Catch(OidcException)
export class LoginFilter implements ExceptionFilter<OidcException> {
  constructor(private readonly host: HttpAdapterHost) {}

  catch(exception: OidcException, context: ArgumentsHost): void {
    const { httpAdapter } = this.host;
    const response: unknown = context.switchToHttp().getResponse();
    for (const [name, value] of Object.entries(pageHeaders(issuer))) httpAdapter.setHeader(response, name, value);
    httpAdapter.reply(response, failedLoginPage(exception.message), exception.getStatus());
  }
}
