import { Module } from '@nestjs/common';
import { OidcModule } from 'nestjs-oidc';
import { ApiController } from './api.controller.js';
import { AuthController } from './auth.controller.js';
import { OrdersController } from './orders.controller.js';
import { OrdersService } from './orders.service.js';
import { PageController } from './page.controller.js';
import { audience, issuer, registration, secret } from './settings.js';

@Module({
  imports: [
    OidcModule.forRoot({
      issuer,
      client: registration,
      login: { scope: 'openid profile email orders:read' },
      session: { secret: secret(), tokens: true },
      resourceServer: { audience },
    }),
  ],
  controllers: [PageController, AuthController, OrdersController, ApiController],
  providers: [OrdersService],
})
export class AppModule {}
