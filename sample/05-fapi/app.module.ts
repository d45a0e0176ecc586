import { Module } from '@nestjs/common';
import { MemoryStore, OidcModule } from 'nestjs-oidc';
import { AccountController } from './account.controller.js';
import { PageController } from './page.controller.js';
import { issuer, registration, sessionSecret } from './settings.js';

@Module({
  imports: [
    OidcModule.forRoot({
      issuer,
      client: registration,
      profile: 'fapi2-message-signing',
      discovery: { when: 'boot' },
      session: { secret: sessionSecret },
      store: new MemoryStore(),
      routes: true,
    }),
  ],
  controllers: [PageController, AccountController],
})
export class AppModule {}
