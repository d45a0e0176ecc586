import 'reflect-metadata';
import { Controller, Get, Module, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import express from 'express';
import session from 'express-session';
import passport from 'passport';

import { openidClient, SECRET } from './clients.js';

const [name, issuer] = process.argv.slice(2);

/** A free port has to be known before the redirect URI is. */
const server = express().listen(0, '127.0.0.1');
await new Promise((resolve) => server.once('listening', resolve));
const { port } = server.address();
await new Promise((resolve) => server.close(resolve));
const origin = `http://127.0.0.1:${port}`;
const callbackURL = `${origin}/auth/callback`;

/** As the README has it. */
async function ours() {
  const { OidcLoginGuard, OidcModule } = await import('../../dist/bundle/index.js');
  class AuthController {
    login() {}
    callback() {}
  }
  for (const [method, path] of Object.entries({ login: 'login', callback: 'callback' })) {
    Get(path)(AuthController.prototype, method, Object.getOwnPropertyDescriptor(AuthController.prototype, method));
  }
  UseGuards(OidcLoginGuard)(AuthController);
  Controller('auth')(AuthController);
  class AppModule {}
  const client = { client_id: 'rp1', client_secret: SECRET, redirect_uris: [callbackURL] };
  const imports = [OidcModule.forRoot({ issuer, client, session: { secret: SECRET } })];
  Module({ imports, controllers: [AuthController] })(AppModule);
  const app = await NestFactory.create(AppModule, new ExpressAdapter(), { logger: ['error', 'fatal'] });
  await app.listen(port, '127.0.0.1');
}

/** Both peers as their documentation has it: Express, sessions in memory, a redirect at the end. */
async function peer(strategy) {
  passport.use('oidc', strategy);
  passport.serializeUser((user, done) => done(null, user));
  passport.deserializeUser((user, done) => done(null, user));
  const app = express();
  app.use(session({ secret: SECRET, resave: false, saveUninitialized: false }));
  app.use(passport.session());
  app.get('/auth/login', passport.authenticate('oidc'));
  app.get('/auth/callback', passport.authenticate('oidc', { successRedirect: '/', failureRedirect: '/failed' }));
  await new Promise((resolve) => app.listen(port, '127.0.0.1', resolve));
}

const SIDES = {
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
process.send({ origin, status: name === 'ours' ? 303 : 302 });
