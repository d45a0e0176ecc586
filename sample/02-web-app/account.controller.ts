import { Controller, Get, Post, Redirect, Req, Res, UseGuards } from '@nestjs/common';
import { CurrentUser, OidcSession, OidcSessionGuard, OidcUser } from 'nestjs-oidc';
import { issuer } from './settings.js';

/** Routes for a person who is signed in. */
@Controller('account')
@UseGuards(OidcSessionGuard)
export class AccountController {
  constructor(private readonly session: OidcSession) {}

  /** Calls an API in the user's name. Here it is the provider's userinfo; the browser never sees the token. */
  @Get()
  async show(@Req() request: object): Promise<unknown> {
    const authorization = `Bearer ${await this.session.accessToken(request)}`;
    const response = await fetch(`${issuer}/me`, { headers: { authorization } });
    return response.json();
  }

  /** The guard refreshes ahead of expiry by itself. This is for the button. */
  @Post('refresh')
  @Redirect('/', 303)
  async refresh(@Req() request: object, @Res({ passthrough: true }) response: object): Promise<void> {
    await this.session.refresh(request, response);
  }

  /** Ends each session that the user has with this application, in all browsers, and their refresh tokens. */
  @Post('sign-out-everywhere')
  @Redirect('/', 303)
  async signOutEverywhere(
    @CurrentUser() user: OidcUser,
    @Req() request: object,
    @Res({ passthrough: true }) response: object,
  ): Promise<void> {
    await this.session.endAll(user.sub, { revoke: true });
    await this.session.end(request, response);
  }
}
