import { Catch, type ArgumentsHost } from '@nestjs/common';
import { BaseExceptionFilter } from '@nestjs/core';
import { OidcException } from 'nestjs-oidc';
import { pageHeaders } from './layout.js';
import { failedLoginPage } from './page.js';
import { issuer } from './settings.js';

/**
 * Exception filter: a page for a browser whose login failed. Scripts and `curl` ask for no HTML and get the JSON. The guards
 * have set the other headers already.
 */
@Catch(OidcException)
export class LoginFilter extends BaseExceptionFilter<OidcException> {
  override catch(exception: OidcException, context: ArgumentsHost): void {
    const http = context.switchToHttp();
    const { headers } = http.getRequest<{ headers: Readonly<Record<string, string | undefined>> }>();
    const httpAdapter = this.httpAdapterHost?.httpAdapter;
    if (!httpAdapter || !headers['accept']?.includes('text/html')) {
      return super.catch(exception, context);
    }
    const response: unknown = http.getResponse();
    for (const [name, value] of Object.entries(pageHeaders(issuer))) httpAdapter.setHeader(response, name, value);
    httpAdapter.reply(response, failedLoginPage(exception.message), exception.getStatus());
  }
}
