import 'reflect-metadata';
import {
  Controller,
  ForbiddenException,
  Get,
  Injectable,
  Module,
  Post,
  UnauthorizedException,
  UseGuards,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';

import { OIDC_CLOCK, OidcModule } from '../../dist/bundle/index.js';
import { SECRET } from './clients.js';
import { freeOrigin } from './free-origin.js';

/** A web application in a process of its own. It tells its origin, and takes milliseconds by which its clock goes on. */
const [name, adapter, issuer, redisPort, givenOrigin] = process.argv.slice(2);

/** Where it listens, and where its browsers find it: replicas have one origin there. */
const own = await freeOrigin();
const origin = givenOrigin ?? own;

let ahead = 0;

/** With the mounted routes. */
async function ours(session, store) {
  return {
    imports: [
      OidcModule.forRoot({
        issuer,
        client: {
          client_id: 'rp1',
          client_secret: SECRET,
          redirect_uris: [`${origin}/auth/callback`],
          post_logout_redirect_uris: [`${origin}/auth/logged-out`],
        },
        login: { scope: 'openid offline_access' },
        session: { secret: SECRET, ...session },
        ...(store && { store }),
        routes: true,
        providers: [{ provide: OIDC_CLOCK, useValue: () => Date.now() + ahead }],
      }),
    ],
  };
}

async function redisStore() {
  const { RedisStore } = await import('../../dist/bundle/redis.js');
  return new RedisStore(await redisClient());
}

async function redisClient() {
  const { createClient } = await import('redis');
  return createClient({ url: `redis://127.0.0.1:${redisPort}` }).connect();
}

/** Decorates a controller of routes below `/auth`, for a file that no compiler reads. */
function controllerOf(routes, ...guards) {
  class AuthController {}
  for (const [method, { decorator, handler }] of Object.entries(routes)) {
    const descriptor = { value: handler, configurable: true };
    Object.defineProperty(AuthController.prototype, method, descriptor);
    decorator(AuthController.prototype, method, descriptor);
  }
  UseGuards(...guards)(AuthController);
  Controller('auth')(AuthController);
  return AuthController;
}

/** What the routes of the others answer: as much as ours. */
const USER = {
  sub: 'alice',
  claims: { iss: issuer, aud: 'rp1', sub: 'alice', iat: 1_800_000_000, exp: 1_800_003_600 },
};

const SIDES = {
  'ours, in Redis': async () => ours({}, await redisStore()),
  'ours, in cookies': () => ours({}),
  'ours, in cookies with tokens': () => ours({ tokens: true }),
  async unguarded() {
    return { controllers: [controllerOf({ me: { decorator: Get('me'), handler: () => USER } })] };
  },
  /** As their documentation has it: a middleware, and what a team writes as a guard. */
  async 'express-session, in Redis'() {
    const [{ default: session }, { RedisStore }] = await Promise.all([
      import('express-session'),
      import('connect-redis'),
    ]);
    const store = new RedisStore({ client: await redisClient() });
    class Guard {
      canActivate(context) {
        const request = context.switchToHttp().getRequest();
        if (request.method === 'POST') {
          request.session.user = USER;
          // As long as those that our session has.
          request.session.tokens = { access_token: 'opaque', refresh_token: SECRET, id_token: 'x'.repeat(500) };
          return true;
        }
        if (request.headers['sec-fetch-site'] === 'cross-site') throw new ForbiddenException();
        if (request.session.user === undefined) throw new UnauthorizedException();
        request.user = request.session.user;
        return true;
      }
    }
    Injectable()(Guard);
    const routes = {
      login: { decorator: Post('login'), handler: () => undefined },
      me: { decorator: Get('me'), handler: () => USER },
    };
    return {
      controllers: [controllerOf(routes, Guard)],
      middleware: session({ secret: SECRET, store, resave: false, saveUninitialized: false }),
    };
  },
};

const { imports = [], controllers = [], middleware } = await SIDES[name]();
class AppModule {}
Module({ imports, controllers })(AppModule);
const platform = adapter === 'fastify' ? new FastifyAdapter() : new ExpressAdapter();
const app = await NestFactory.create(AppModule, platform, { logger: ['error', 'fatal'] });
if (middleware !== undefined) app.use(middleware);
await app.listen(new URL(own).port, '127.0.0.1');

process.on('message', (question) => {
  if (typeof question === 'number') ahead += question;
  const { user, system } = process.cpuUsage();
  process.send({ cpu: user + system });
});
process.on('disconnect', () => process.exit(0));
process.send({ origin: own });
