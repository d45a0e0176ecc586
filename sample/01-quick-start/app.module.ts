import { Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { OidcModule } from 'nestjs-oidc';
import { ApiController } from './api.controller.js';
import { LoginFilter } from './login.filter.js';
import { OrdersController } from './orders.controller.js';
import { OrdersService } from './orders.service.js';
import { PageController } from './page.controller.js';
import { audience, issuer, registration, secret } from './settings.js';

@Module({
  imports: [
    OidcModule.forRoot({
      issuer,
      client: registration,
      development: true, // the provider, in this process
      login: { scope: 'openid profile email orders:read' },
      session: { secret: secret(), tokens: true },
      routes: true, // /auth/login, /auth/callback, /auth/logout and the others
      resourceServer: { audience },
    }),
  ],
  controllers: [PageController, OrdersController, ApiController],
  providers: [OrdersService, { provide: APP_FILTER, useClass: LoginFilter }],
})
export class AppModule {}
