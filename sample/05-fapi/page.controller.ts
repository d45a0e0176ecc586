import { Controller, Get, Header, Req, UseGuards } from '@nestjs/common';
import { OidcSession, OidcSessionGuard, OidcUser, OptionalAuth } from 'nestjs-oidc';
import { page } from './page.js';
import { issuer } from './settings.js';

/** Nothing from elsewhere. A sign-out also leads to the provider: browsers check redirects of a form as well. */
const POLICY = `default-src 'none'; style-src 'unsafe-inline'; form-action 'self' ${issuer}; base-uri 'none'; frame-ancestors 'none'`;

@Controller()
@UseGuards(OidcSessionGuard)
export class PageController {
  constructor(private readonly session: OidcSession<OidcUser>) {}

  @Get()
  @OptionalAuth()
  @Header('Content-Type', 'text/html; charset=utf-8')
  @Header('Content-Security-Policy', POLICY)
  async show(@Req() request: object): Promise<string> {
    return page(await this.session.read(request));
  }
}
