import 'reflect-metadata';
import { Controller, Get, Module, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Redis } from 'ioredis';

import { PATIENT } from './redis-server.js';

/**
 * One of several processes with one Redis: an API as an application has it. It is told the HTTP adapter, the built
 * library, the issuer, the client's secret, Redis's port and the time, and tells its address.
 */
const [adapter, library, issuer, secret, port, now] = process.argv.slice(2);
const { OidcClient, OidcGuard, OidcModule, OIDC_CLOCK } = await import(`${library}/index.js`);
const { RedisStore } = await import(`${library}/storage/redis-store.js`);

class OrdersController {
  list() {
    return { orders: [] };
  }
}
Get()(OrdersController.prototype, 'list', Object.getOwnPropertyDescriptor(OrdersController.prototype, 'list'));
UseGuards(OidcGuard)(OrdersController);
Controller('orders')(OrdersController);

const redis = new Redis(Number(port), '127.0.0.1');
class AppModule {}
Module({
  controllers: [OrdersController],
  imports: [
    OidcModule.forRoot({
      issuer,
      client: { client_id: 'rp1', client_secret: secret },
      resourceServer: { audience: 'https://api.test', resource: 'https://api.test', cache: {}, dpop: {} },
      store: new RedisStore(redis, PATIENT),
      providers: [{ provide: OIDC_CLOCK, useValue: () => Number(now) }],
    }),
  ],
})(AppModule);

const http = adapter === 'express' ? new ExpressAdapter() : new FastifyAdapter();
const app = await NestFactory.create(AppModule, http, { logger: false });
await app.listen(0, '127.0.0.1');

process.on('message', async (token) => {
  await app.get(OidcClient).forget(token);
  process.send('forgotten');
});
process.on('disconnect', () => process.exit(0));
process.send(await app.getUrl());
