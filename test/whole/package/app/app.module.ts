import { Controller, Get, Module, UseGuards } from '@nestjs/common';
import {
  AccessToken,
  CurrentUser,
  OidcGuard,
  OidcLoginGuard,
  OidcModule,
  OidcSessionGuard,
  OidcUser,
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
    return { sub: user.sub, email: user.claims['email'] };
  }
}

@Controller('auth')
@UseGuards(OidcLoginGuard)
export class AuthController {
  @Get('login')
  login(): void {}

  @Get('callback')
  callback(): void {}
}

@Module({
  imports: [
    OidcModule.forRootAsync({
      useFactory: () => ({
        issuer: 'https://op.example.com',
        // With its issuer this is the whole of the server's metadata: nothing is discovered.
        server: {
          issuer: 'https://op.example.com',
          authorization_endpoint: 'https://op.example.com/auth',
          token_endpoint: 'https://op.example.com/token',
          introspection_endpoint: 'https://op.example.com/introspect',
          jwks_uri: 'https://op.example.com/jwks',
        },
        client: {
          client_id: 'app',
          client_secret: 'a-secret-of-a-fixture',
          // Where the tests ask: the host counts, and not the port.
          redirect_uris: ['http://127.0.0.1/auth/callback'],
        },
        session: { secret: 'thirty-two-bytes-are-the-minimum' },
        resourceServer: { audience: 'https://api.example.com' },
      }),
    }),
  ],
  controllers: [OrdersController, AccountController, AuthController],
})
export class AppModule {}
