import { Controller, Get, Post, Redirect, Req, Res, UseFilters, UseGuards } from '@nestjs/common';
import { CurrentUser, OidcLoginGuard, OidcSession, OidcSessionGuard, OidcUser, Public } from 'nestjs-oidc';
import { LoginFilter } from './login.filter.js';

@Controller('auth')
export class AuthController {
  constructor(private readonly session: OidcSession) {}

  /** The guard answers: 303 to the provider. */
  @Get('login')
  @UseGuards(OidcLoginGuard)
  @UseFilters(LoginFilter)
  login(): void {}

  /** The guard answers: the session cookie, and 303 to where the login began. */
  @Get('callback')
  @UseGuards(OidcLoginGuard)
  @UseFilters(LoginFilter)
  callback(): void {}

  /** RP-initiated logout: our session ends whatever happens, then the browser goes on to end the provider's. */
  @Post('logout')
  @UseGuards(OidcSessionGuard)
  @Public()
  @Redirect('/', 303)
  async logout(
    @CurrentUser() user: OidcUser | undefined,
    @Req() request: object,
    @Res({ passthrough: true }) response: object,
  ): Promise<{ url: string } | undefined> {
    if (!user) {
      return undefined;
    }
    const url = await this.session.endSessionUrl(request).catch(() => undefined);
    await this.session.end(request, response);
    return url ? { url } : undefined;
  }
}
