import { Controller, Get, Post, UseGuards } from '@nestjs/common';
import {
  AccessToken,
  Introspection,
  OidcClient,
  OidcGuard,
  Public,
  Scopes,
  StepUp,
  VerifiedAccessToken,
} from 'nestjs-oidc';

@Controller('payments')
@UseGuards(OidcGuard)
export class PaymentsController {
  constructor(private readonly oidc: OidcClient) {}

  /** What was found out about the token in the last thirty seconds will do, and a minute longer while the provider is down. */
  @Get()
  @Scopes('payments:read')
  @Introspection({ staleIfError: 60 })
  list(@AccessToken() token: VerifiedAccessToken) {
    return { payments: [], caller: token.client_id, isStale: token.isStale };
  }

  /** A JWT is verified by its signature here, and nobody is asked. */
  @Get('rates')
  @Scopes('payments:read')
  rates() {
    return { EUR: 1 };
  }

  /**
   * Money moves: the provider is asked at each call, about a JWT too. It has to introspect them: `oidc-provider` does not,
   * so that a JWT gets 401 here.
   */
  @Post()
  @Scopes('payments:write')
  @Introspection({ maxAge: 0 })
  pay(@AccessToken() token: VerifiedAccessToken) {
    return { paidBy: token.client_id, isBound: token.claims.cnf !== undefined };
  }

  /** Only after a login in the last five minutes, which a machine can't have had. */
  @Post('limits')
  @Scopes('payments:write')
  @StepUp({ maxAge: 300 })
  raise() {
    return { limit: 1_000_000 };
  }

  /** What is kept about the caller's token is forgotten, at every process that shares the store. */
  @Post('forget')
  async forget(@AccessToken() token: VerifiedAccessToken) {
    await this.oidc.forget(token.value);
    return { isForgotten: true };
  }

  @Get('health')
  @Public()
  health() {
    return { status: 'ok' };
  }
}
