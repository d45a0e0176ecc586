import { Controller, Get, HttpCode, Inject, Injectable, Post, Req, Res, UseGuards } from '@nestjs/common';

import {
  AccessToken,
  CurrentUser,
  OidcGuard,
  OidcLoginGuard,
  OidcSession,
  OidcSessionGuard,
  Public,
  Scopes,
  type VerifiedAccessToken,
} from '../../../lib/index.js';

/** Which handlers ran: `GET /orders`. A test's own controllers inject it too. */
@Injectable()
export class Handled {
  readonly calls: string[] = [];

  record(call: string): void {
    this.calls.push(call);
  }
}

@Controller('orders')
@UseGuards(OidcGuard)
export class OrdersController {
  constructor(@Inject(Handled) private readonly handled: Handled) {}

  @Get()
  @Scopes('orders:read')
  list(@AccessToken() token: VerifiedAccessToken) {
    this.handled.record('GET /orders');
    return { sub: token.sub, client_id: token.client_id, scopes: token.scopes };
  }

  @Post()
  @Scopes('orders:write')
  create(@AccessToken() token: VerifiedAccessToken) {
    this.handled.record('POST /orders');
    return { sub: token.sub, client_id: token.client_id, scopes: token.scopes };
  }
}

@Controller()
@UseGuards(OidcGuard)
export class AnyController {
  constructor(@Inject(Handled) private readonly handled: Handled) {}

  @Get('any')
  any(@CurrentUser() user: unknown) {
    this.handled.record('GET /any');
    return { user };
  }

  @Get('public')
  @Public()
  open(@CurrentUser() user: unknown) {
    this.handled.record('GET /public');
    return { user: user ?? null };
  }
}

@Controller('auth')
export class AuthController {
  constructor(
    @Inject(Handled) private readonly handled: Handled,
    @Inject(OidcSession) private readonly session: OidcSession,
  ) {}

  @Get('login')
  @UseGuards(OidcLoginGuard)
  login() {
    this.handled.record('GET /auth/login');
  }

  @Get('callback')
  @UseGuards(OidcLoginGuard)
  callback() {
    this.handled.record('GET /auth/callback');
  }

  @Post('callback')
  @UseGuards(OidcLoginGuard)
  formPost() {
    this.handled.record('POST /auth/callback');
  }

  @Post('logout')
  @HttpCode(200)
  @UseGuards(OidcSessionGuard)
  async logout(@Req() request: object, @Res({ passthrough: true }) response: object) {
    this.handled.record('POST /auth/logout');
    const url = await this.session.endSessionUrl(request);
    await this.session.end(request, response);
    return { url: url ?? '/' };
  }
}

@Controller('me')
@UseGuards(OidcSessionGuard)
export class MeController {
  constructor(@Inject(Handled) private readonly handled: Handled) {}

  @Get()
  me(@CurrentUser() user: unknown) {
    this.handled.record('GET /me');
    return { user };
  }

  @Post()
  change(@CurrentUser() user: unknown) {
    this.handled.record('POST /me');
    return { user };
  }
}

export const CONTROLLERS = [OrdersController, AnyController, AuthController, MeController] as const;
