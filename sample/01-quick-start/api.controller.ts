import { BadRequestException, Body, Controller, Get, Post, UseGuards } from '@nestjs/common';
import { AccessToken, OidcGuard, Public, Scopes, VerifiedAccessToken } from 'nestjs-oidc';
import { OrdersService } from './orders.service.js';

/** The API: every route but the public one wants an access token that the provider calls active. */
@Controller('api')
@UseGuards(OidcGuard)
export class ApiController {
  constructor(private readonly orders: OrdersService) {}

  @Get('health')
  @Public()
  health() {
    return { status: 'ok' };
  }

  @Get('orders')
  @Scopes('orders:read')
  list(@AccessToken() token: VerifiedAccessToken) {
    return { orders: this.orders.of(ownerOf(token)) };
  }

  @Post('orders')
  @Scopes('orders:write')
  place(@AccessToken() token: VerifiedAccessToken, @Body('item') item?: unknown) {
    if (typeof item !== 'string' || item === '') {
      throw new BadRequestException('item must be a text');
    }
    return this.orders.place(ownerOf(token), item);
  }
}

/**
 * A token from the login has a subject; one from client credentials stands for the client itself. The two are kept apart: a
 * client may have been registered under the name of a user.
 */
function ownerOf(token: VerifiedAccessToken): string {
  return token.sub === undefined ? `client ${token.client_id}` : `user ${token.sub}`;
}
