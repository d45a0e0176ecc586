import 'reflect-metadata';
import { Controller, Get, Injectable, Module, UnauthorizedException, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';

const [name, adapter, issuer, redisPort] = process.argv.slice(2);

/** Decorators, for a file that no compiler reads. */
function decorate(target, ...decorators) {
  decorators.forEach((decorator) => decorator(target));
  return target;
}

function route(controller, method, ...decorators) {
  const descriptor = Object.getOwnPropertyDescriptor(controller.prototype, method);
  decorators.forEach((decorator) => decorator(controller.prototype, method, descriptor));
}

class OrdersController {
  list() {
    return { orders: [1, 2, 3] };
  }
}

async function ours(resourceServer = {}, options = {}) {
  const { OidcGuard, OidcModule, Scopes } = await import('../../dist/bundle/index.js');
  const { SECRET } = await import('./clients.js');
  route(OrdersController, 'list', Get(), Scopes('orders:read'));
  decorate(OrdersController, Controller('orders'), UseGuards(OidcGuard));
  return [
    OidcModule.forRoot({
      issuer,
      client: { client_id: 'rp1', client_secret: SECRET, introspection_signed_response_alg: 'ES256' },
      resourceServer: { audience: 'https://api.test', ...resourceServer },
      ...options,
    }),
  ];
}

/** OpenTelemetry as an application has it, but for where its metrics go. */
async function watch() {
  const { instrumentOidc } = await import('../../dist/bundle/opentelemetry.js');
  const { BasicTracerProvider } = await import('@opentelemetry/sdk-trace-base');
  const metrics = await import('@opentelemetry/sdk-metrics');
  const exporter = new metrics.InMemoryMetricExporter(metrics.AggregationTemporality.CUMULATIVE);
  const reader = new metrics.PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 10_000 });
  instrumentOidc({
    tracerProvider: new BasicTracerProvider(),
    meterProvider: new metrics.MeterProvider({ readers: [reader] }),
  });
}

const SIDES = {
  /** As the README has it. */
  async ours() {
    return ours();
  },
  /** The same with the cache that the README shows. */
  async 'ours-cached'() {
    return ours({ cache: { ttl: 3600 } });
  },
  /** The same with spans and metrics of OpenTelemetry. */
  async 'ours-watched'() {
    await watch();
    return ours({ cache: { ttl: 3600 } });
  },
  /** The same with JWT access tokens, verified by their signature, and the cache. */
  async 'ours-jwt'() {
    return ours({ cache: { ttl: 3600 }, validation: 'jwt' });
  },
  /** As several replicas run it. */
  async 'ours-redis'() {
    const { RedisStore } = await import('../../dist/bundle/redis.js');
    const { Redis } = await import('ioredis');
    return ours({ cache: { ttl: 1 } }, { store: new RedisStore(new Redis(Number(redisPort), '127.0.0.1')) });
  },
  async 'ours-1s'() {
    return ours({ cache: { ttl: 1 } });
  },
  /** The same route with nothing before it. */
  async unguarded() {
    route(OrdersController, 'list', Get());
    decorate(OrdersController, Controller('orders'));
    return [];
  },
  /** What Nest takes for any guard. */
  async 'guard that does nothing'() {
    guarded(() => true);
    return [];
  },
  /** What a team writes with the reference implementation and a Map, and a limit to it. */
  async 'openid-client-map'() {
    const introspect = await openidIntrospection();
    const known = new Map();
    guarded(async (context) => {
      const request = context.switchToHttp().getRequest();
      const token = tokenOf(request);
      let entry = known.get(token);
      if (entry === undefined || entry.until < Date.now()) {
        entry = { claims: await introspect(token), until: Date.now() + 3_600_000 };
        known.set(token, entry);
        if (known.size > 10_000) known.delete(known.keys().next().value);
      }
      return admit(request, entry.claims);
    });
    return [];
  },
  /** What a team writes with the reference implementation, and the checks that it leaves to them. */
  async 'openid-client'() {
    const introspect = await openidIntrospection();
    guarded(async (context) => {
      const request = context.switchToHttp().getRequest();
      return admit(request, await introspect(tokenOf(request)));
    });
    return [];
  },
};

/** The route behind a guard of a team's own. */
function guarded(canActivate) {
  class Guard {}
  Guard.prototype.canActivate = canActivate;
  decorate(Guard, Injectable());
  route(OrdersController, 'list', Get());
  decorate(OrdersController, Controller('orders'), UseGuards(Guard));
}

async function openidIntrospection() {
  const { tokenIntrospection } = await import('openid-client');
  const { openidClient } = await import('./clients.js');
  const configuration = await openidClient(issuer, 'ES256');
  return (token) => tokenIntrospection(configuration, token);
}

function tokenOf(request) {
  const [, token] = /^Bearer ([\w.~+/-]+=*)$/i.exec(request.headers.authorization ?? '') ?? [];
  if (token === undefined) throw new UnauthorizedException();
  return token;
}

function admit(request, claims) {
  const isGood =
    claims.active &&
    claims.iss === issuer &&
    [claims.aud].flat().includes('https://api.test') &&
    claims.exp > Date.now() / 1000 &&
    claims.scope?.split(' ').includes('orders:read');
  if (!isGood) throw new UnauthorizedException();
  request.user = claims;
  return true;
}

const imports = await SIDES[name]();
class AppModule {}
decorate(AppModule, Module({ imports, controllers: [OrdersController] }));
const app = await NestFactory.create(AppModule, adapter === 'fastify' ? new FastifyAdapter() : new ExpressAdapter(), {
  logger: ['error', 'fatal'],
});
await app.listen(0, '127.0.0.1');

process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send({ cpu: user + system });
});
process.on('disconnect', () => process.exit(0));
process.send({ origin: await app.getUrl() });
