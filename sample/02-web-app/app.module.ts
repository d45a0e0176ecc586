import { Module, type OnApplicationShutdown } from '@nestjs/common';
import { Redis } from 'ioredis';
import { MemoryStore, OidcModule } from 'nestjs-oidc';
import { RedisStore } from 'nestjs-oidc/redis';
import { AccountController } from './account.controller.js';
import { PageController } from './page.controller.js';
import { issuer, redisUrl, registration, sessionSecret } from './settings.js';

const redis = redisUrl ? new Redis(redisUrl) : undefined;
// The store says when it can't be reached; without a listener the client prints a stack at each attempt.
redis?.on('error', () => {});

@Module({
  imports: [
    OidcModule.forRoot({
      issuer,
      client: registration,
      login: { scope: 'openid profile email offline_access' }, // offline_access: refresh tokens
      session: { secret: sessionSecret, idleLifetime: 3600, persistent: 'on-request', revokeOnLogout: true },
      store: redis ? new RedisStore(redis) : new MemoryStore(),
      routes: true,
    }),
  ],
  controllers: [PageController, AccountController],
})
export class AppModule implements OnApplicationShutdown {
  onApplicationShutdown(): void {
    redis?.disconnect();
  }
}
