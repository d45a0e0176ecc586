import 'reflect-metadata';
import { Controller, Get, Inject, Module, Req, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Redis } from 'ioredis';

import { PATIENT } from './redis-server.js';

/**
 * One of several processes with one Redis: a web application with mounted routes, and a route that says with which token it
 * would call an API. It is told the HTTP adapter, the built library, the issuer, the secrets of client and sessions, Redis's
 * port and the time, and tells its address. Each message is the time from then on.
 */
const [adapter, library, issuer, clientSecret, sessionSecret, port, bootedAt] = process.argv.slice(2);
const { OidcModule, OidcSession, OidcSessionGuard, OIDC_CLOCK } = await import(`${library}/index.js`);
const { RedisStore } = await import(`${library}/storage/redis-store.js`);

const ORIGIN = 'https://app.test';
let now = Number(bootedAt);

class ReportsController {
  constructor(session) {
    this.session = session;
  }

  async report(request) {
    return { token: await this.session.accessToken(request) };
  }
}
Inject(OidcSession)(ReportsController, undefined, 0);
Req()(ReportsController.prototype, 'report', 0);
Get()(ReportsController.prototype, 'report', Object.getOwnPropertyDescriptor(ReportsController.prototype, 'report'));
UseGuards(OidcSessionGuard)(ReportsController);
Controller('reports')(ReportsController);

const redis = new Redis(Number(port), '127.0.0.1', { retryStrategy: () => 20 });
redis.on('error', () => undefined);
class AppModule {}
Module({
  controllers: [ReportsController],
  imports: [
    OidcModule.forRoot({
      issuer,
      client: {
        client_id: 'rp1',
        client_secret: clientSecret,
        redirect_uris: [`${ORIGIN}/auth/callback`],
        post_logout_redirect_uris: [`${ORIGIN}/auth/logged-out`],
        backchannel_logout_uri: `${ORIGIN}/auth/backchannel-logout`,
        id_token_signed_response_alg: 'RS256',
      },
      login: { scope: 'openid offline_access' },
      routes: true,
      session: { secret: sessionSecret },
      store: new RedisStore(redis, PATIENT),
      providers: [{ provide: OIDC_CLOCK, useValue: () => now }],
    }),
  ],
})(AppModule);

const http = adapter === 'express' ? new ExpressAdapter() : new FastifyAdapter();
const app = await NestFactory.create(AppModule, http, { logger: false });
await app.listen(0, '127.0.0.1');

process.on('message', (time) => {
  now = time;
  process.send('told');
});
process.on('disconnect', () => process.exit(0));
process.send(await app.getUrl());
