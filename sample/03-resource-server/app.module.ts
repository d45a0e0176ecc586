import { Module, type OnApplicationShutdown } from '@nestjs/common';
import { Redis } from 'ioredis';
import { OidcModule } from 'nestjs-oidc';
import { RedisStore } from 'nestjs-oidc/redis';
import { PaymentsController } from './payments.controller.js';
import { issuer, redisUrl, registration, resource } from './settings.js';

const redis = redisUrl ? new Redis(redisUrl) : undefined;
// The store says when it can't be reached; without a listener the client prints a stack at each attempt.
redis?.on('error', () => {});

@Module({
  imports: [
    OidcModule.forRoot({
      issuer,
      client: registration,
      resourceServer: {
        audience: resource,
        resource,
        metadata: { resource_name: 'Payments' },
        validation: 'auto',
        cache: { ttl: 30 },
        dpop: {},
      },
      ...(redis && { store: new RedisStore(redis) }),
    }),
  ],
  controllers: [PaymentsController],
})
export class AppModule implements OnApplicationShutdown {
  onApplicationShutdown(): void {
    redis?.disconnect();
  }
}
