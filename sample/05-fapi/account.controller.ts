import { Controller, Get, Req, UnauthorizedException, UseGuards } from '@nestjs/common';
import { CurrentUser, OidcClient, OidcSession, OidcSessionGuard, OidcUser } from 'nestjs-oidc';

@Controller('account')
@UseGuards(OidcSessionGuard)
export class AccountController {
  constructor(
    private readonly session: OidcSession,
    private readonly oidc: OidcClient,
  ) {}

  /** Calls an API in the user's name, here the provider's userinfo. The call carries a proof of the session's key. */
  @Get()
  async show(@CurrentUser() user: OidcUser, @Req() request: object): Promise<unknown> {
    const { tokens } = (await this.session.read(request)) ?? {};
    if (tokens?.access_token === undefined) {
      throw new UnauthorizedException();
    }
    return this.oidc.userinfo(tokens, user.sub);
  }
}
