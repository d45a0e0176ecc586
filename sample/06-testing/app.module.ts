import { Controller, Get, Module, UseGuards } from '@nestjs/common';
import {
  AccessToken,
  CurrentUser,
  OidcGuard,
  OidcModule,
  OidcSessionGuard,
  OidcUser,
  Roles,
  Scopes,
  VerifiedAccessToken,
} from 'nestjs-oidc';

@Controller('orders')
@UseGuards(OidcGuard)
export class OrdersController {
  @Get()
  @Scopes('orders:read')
  list(@AccessToken() token: VerifiedAccessToken) {
    return { owner: token.sub };
  }
}

@Controller('account')
@UseGuards(OidcSessionGuard)
export class AccountController {
  @Get()
  show(@CurrentUser() user: OidcUser) {
    return { email: user.claims['email'] };
  }

  @Get('reports')
  @Roles('accountant')
  reports() {
    return { reports: [] };
  }
}

/** The shop, as it is in production. Nothing in it is there for its tests. */
@Module({
  imports: [
    OidcModule.forRootAsync({
      useFactory: () => ({
        issuer: process.env['OIDC_ISSUER'] ?? 'https://op.example.com',
        client: {
          client_id: process.env['OIDC_CLIENT_ID'] ?? 'shop',
          client_secret: process.env['OIDC_CLIENT_SECRET'] ?? 'set OIDC_CLIENT_SECRET',
          redirect_uris: ['https://shop.example.com/auth/callback'],
          introspection_signed_response_alg: 'ES256',
        },
        session: { secret: process.env['SESSION_SECRET'] ?? 'set SESSION_SECRET to 32 bytes or more' },
        routes: true,
        resourceServer: { audience: 'https://shop.example.com/orders', cache: { ttl: 30 } },
      }),
    }),
  ],
  controllers: [OrdersController, AccountController],
})
export class AppModule {}
