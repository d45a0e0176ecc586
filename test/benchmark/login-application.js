import 'reflect-metadata';
import { randomBytes } from 'node:crypto';

import { Controller, Get, HttpException, Injectable, Module, Redirect, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AuthGuard } from '@nestjs/passport';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import session from 'express-session';
import { importJWK, jwtVerify } from 'jose';
import passport from 'passport';
import { Pool } from 'undici';

import { openidClient, SECRET } from './clients.js';
import { freeOrigin } from './free-origin.js';

const [name, issuer, adapter] = process.argv.slice(2);

const origin = await freeOrigin();
const callbackURL = `${origin}/auth/callback`;

/** The two routes of a login, which a guard answers, in a Nest application. */
async function serve(guard, imports, ...middleware) {
  class AuthController {
    login() {}
    callback() {}
  }
  const decorate = (method, ...decorators) =>
    decorators.forEach((decorator) =>
      decorator(AuthController.prototype, method, Object.getOwnPropertyDescriptor(AuthController.prototype, method)),
    );
  decorate('login', Get('login'));
  // Where a peer's login ends: ours is answered before.
  decorate('callback', Get('callback'), Redirect('/', 303));
  UseGuards(guard)(AuthController);
  Controller('auth')(AuthController);
  class AppModule {}
  Module({ imports, controllers: [AuthController] })(AppModule);
  const platform = adapter === 'fastify' ? new FastifyAdapter() : new ExpressAdapter();
  const app = await NestFactory.create(AppModule, platform, { logger: ['error', 'fatal'] });
  middleware.forEach((one) => app.use(one));
  await app.listen(new URL(origin).port, '127.0.0.1');
}

/** As the README has it. */
async function ours() {
  const { OidcLoginGuard, OidcModule } = await import('../../dist/bundle/index.js');
  const client = { client_id: 'rp1', client_secret: SECRET, redirect_uris: [callbackURL] };
  await serve(OidcLoginGuard, [OidcModule.forRoot({ issuer, client, session: { secret: SECRET } })]);
}

/** As little as a login can honestly be: a random state, the code's exchange and the ID token's signature. */
async function floor() {
  const jwks = await (await fetch(`${issuer}/jwks`)).json();
  const key = await importJWK(jwks.keys.find(({ alg }) => alg === 'RS256'));
  const pool = new Pool(issuer);
  const headers = {
    authorization: `Basic ${Buffer.from(`rp1:${SECRET}`).toString('base64')}`,
    'content-type': 'application/x-www-form-urlencoded',
  };
  const redirect = (response, location, cookie) => {
    response.header('Location', location);
    response.header('Set-Cookie', cookie);
    throw new HttpException({}, 303);
  };
  class Guard {
    async canActivate(context) {
      const request = context.switchToHttp().getRequest();
      const response = context.switchToHttp().getResponse();
      const { state: returned, code } = request.query;
      if (code === undefined) {
        const state = randomBytes(16).toString('base64url');
        const parameters = new URLSearchParams({ redirect_uri: callbackURL, state });
        return redirect(response, `${issuer}/authorize?${parameters}`, `state=${state}; Path=/; HttpOnly`);
      }
      if (!request.headers.cookie?.includes(`state=${returned}`)) throw new HttpException({}, 400);
      const body = `grant_type=authorization_code&code=${code}`;
      const answer = await pool.request({ path: '/token', method: 'POST', headers, body });
      const { id_token: idToken } = await answer.body.json();
      const { payload } = await jwtVerify(idToken, key, { issuer, audience: 'rp1' });
      return redirect(response, '/', `session=${payload.sub}; Path=/; HttpOnly`);
    }
  }
  Injectable()(Guard);
  await serve(Guard, []);
}

/** Both peers as their documentation has it, with sessions in memory, and behind Nest's guard for Passport. */
async function peer(strategy) {
  passport.use('oidc', strategy);
  passport.serializeUser((user, done) => done(null, user));
  passport.deserializeUser((user, done) => done(null, user));
  const Guard = AuthGuard('oidc', { session: true });
  class LoginGuard extends Guard {
    async canActivate(context) {
      await super.canActivate(context);
      await super.logIn(context.switchToHttp().getRequest());
      return true;
    }
  }
  const sessions = session({ secret: SECRET, resave: false, saveUninitialized: false });
  await serve(LoginGuard, [], sessions, passport.initialize(), passport.session());
}

const SIDES = {
  floor,
  ours,
  async 'openid-client'() {
    const { Strategy } = await import('openid-client/passport');
    const config = await openidClient(issuer);
    const { enableNonRepudiationChecks } = await import('openid-client');
    enableNonRepudiationChecks(config);
    const verify = (tokens, done) => done(null, tokens.claims());
    await peer(new Strategy({ config, callbackURL, scope: 'openid' }, verify));
  },
  async 'passport-openidconnect'() {
    const { Strategy } = (await import('passport-openidconnect')).default;
    const settings = {
      issuer,
      authorizationURL: `${issuer}/authorize`,
      tokenURL: `${issuer}/token`,
      userInfoURL: `${issuer}/userinfo`,
      clientID: 'rp1',
      clientSecret: SECRET,
      callbackURL,
      skipUserProfile: true,
    };
    await peer(new Strategy(settings, (_issuer, profile, done) => done(null, profile)));
  },
};

await SIDES[name]();
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send({ cpu: user + system });
});
process.on('disconnect', () => process.exit(0));
process.send({ origin });
