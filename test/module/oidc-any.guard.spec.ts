import { expect, it } from '@jest/globals';
import { Controller, Get, Post, UseGuards, type CanActivate, type Type } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { Test } from '@nestjs/testing';

import {
  AccessToken,
  CurrentUser,
  OidcAnyGuard,
  OidcModule,
  OptionalAuth,
  Public,
  Roles,
  Scopes,
  StepUp,
  type VerifiedAccessToken,
} from '../../lib/index.js';
import { AuthController } from '../support/app/app-controllers.js';
import { createApp, onBothAdapters, SESSION_SECRET } from '../support/app/apps.js';
import {
  challengesOf,
  expectBadRequest,
  expectBadToken,
  expectDependency,
  expectInsufficientScope,
  expectNoAuth,
  expectRefused,
} from '../support/app/outcomes.js';
import { Browser } from '../support/browser/browser.js';
import type { TestResponse } from '../support/app/test-response.js';

type User = { readonly sub: string } | undefined;
type Token = VerifiedAccessToken | undefined;

const callerOf = (user: User, token: Token) => ({ user: user?.sub ?? 'nobody', client: token?.client_id ?? 'none' });

function guardedBy(guard: Type<CanActivate>): Type {
  @Controller('orders')
  @UseGuards(guard)
  class OrdersController {
    @Get()
    list(@CurrentUser() user: User, @AccessToken() token: Token) {
      return callerOf(user, token);
    }

    @Post()
    order(@CurrentUser() user: User, @AccessToken() token: Token) {
      return callerOf(user, token);
    }

    @Get('scoped')
    @Scopes('orders:write')
    scoped() {
      return {};
    }

    @Get('audit')
    @Roles('auditor')
    audit() {
      return {};
    }

    @Get('optional')
    @OptionalAuth()
    optional(@CurrentUser() user: User, @AccessToken() token: Token) {
      return callerOf(user, token);
    }

    @Get('public')
    @Public()
    public(@CurrentUser() user: User, @AccessToken() token: Token) {
      return callerOf(user, token);
    }
  }
  return OrdersController;
}

const NOBODY = { user: 'nobody', client: 'none' };
const BY_TOKEN = { user: 'alice', client: 'rp1' };
const BY_SESSION = { user: 'alice', client: 'none' };

/** The headers that a refusal of a session has, and none of a token's has. */
const OF_SESSIONS = ['referrer-policy', 'x-content-type-options', 'set-cookie'];

const expectChallenge = (response: TestResponse): void => {
  expect(challengesOf(response)).toEqual({ Bearer: { realm: 'https://api.test' } });
  expect(OF_SESSIONS.flatMap((name) => response.all(name))).toEqual([]);
};

const expectLoginRequired = (response: TestResponse): void => {
  expect([response.status, response.json()]).toEqual([
    401,
    { error: 'login_required', error_description: 'Sign in first.' },
  ]);
  expect(response.all('www-authenticate')).toEqual(['Cookie realm="session"']);
  expect(response.all('access-control-expose-headers')).toEqual([]);
};

onBothAdapters((adapter) => {
  const boot = (guard: Type<CanActivate> = OidcAnyGuard, more: object = {}) =>
    createApp({ adapter, controllers: [AuthController, guardedBy(guard)], ...more });

  it('a token or a session will do', async () => {
    const app = await boot();
    const byToken = await app.call('/orders', app.op.issue());
    expect([byToken.status, byToken.json()]).toEqual([200, BY_TOKEN]);
    expect(byToken.header('cache-control')).toBe('private');
    const browser = new Browser(app);
    await browser.login();
    const bySession = await browser.get('/orders');
    expect([bySession.status, bySession.json()]).toEqual([200, BY_SESSION]);
    expect(bySession.header('cache-control')).toBe('private, no-store');
    for (const response of [byToken, bySession]) {
      expect(response.all('www-authenticate')).toEqual([]);
    }
  });

  it('who brings neither is answered as what they are', async () => {
    const app = await boot(OidcAnyGuard, { configure: (nest: { enableCors(): void }) => nest.enableCors() });
    for (const headers of [{}, { accept: '*/*' }, { 'sec-fetch-mode': 'cors' }, { authorization: 'Basic YTpi' }]) {
      const response = await app.get('/orders', headers);
      expectNoAuth(app, response);
      expectChallenge(response);
    }
    expectLoginRequired(await new Browser(app).get('/orders'));
    for (const headers of [
      { 'sec-fetch-site': 'same-origin', accept: '*/*' },
      { accept: 'text/html,application/xhtml+xml' },
      { cookie: 'other=1' },
    ]) {
      expectLoginRequired(await app.get('/orders', headers));
    }
  });

  it('a token is judged alone: a good session helps no bad one, and a bad session harms no good one', async () => {
    const app = await boot();
    const browser = new Browser(app);
    await browser.login();
    const call = (authorization: string, path = '/orders') => browser.get(path, { headers: { authorization } });
    const bad = await call('Bearer unknown');
    expectBadToken(app, bad, 'TOKEN_INACTIVE');
    expect(OF_SESSIONS.flatMap((name) => bad.all(name))).toEqual([]);
    expectBadRequest(app, await call('Bearer'));
    expectNoAuth(app, await call(`DPoP ${app.op.issue()}`));
    expectNoAuth(app, await call(app.op.issue()));
    expectNoAuth(app, await browser.get(`/orders?access_token=${app.op.issue()}`));
    expect((await call(`Bearer ${app.op.issue({ sub: 'bob' })}`)).json()).toEqual({ user: 'bob', client: 'rp1' });
    app.op.answer('introspect', { status: 503 });
    expectDependency(app, await call(`Bearer ${app.op.issue()}`), 'UPSTREAM_UNAVAILABLE');
    // A proxy's credentials are no token.
    expect((await call('Basic YTpi')).json()).toEqual(BY_SESSION);
    app.op.heal();
    const forged = { cookie: 'oidc-session=forged', authorization: `Bearer ${app.op.issue()}` };
    const response = await app.get('/orders', forged);
    expect([response.json(), response.all('set-cookie')]).toEqual([BY_TOKEN, []]);
  });

  it('a forged session is none', async () => {
    const app = await boot();
    const response = await app.get('/orders', { cookie: 'oidc-session=forged' });
    expectLoginRequired(response);
    expect(response.all('set-cookie')).toHaveLength(1);
  });

  it('what another site sends is refused with a session, and allowed with a token', async () => {
    const app = await boot();
    const browser = new Browser(app);
    await browser.login();
    const headers = { 'sec-fetch-site': 'cross-site' };
    expectRefused(app, await browser.post('/orders', {}, { headers }), 403, 'CROSS_SITE_REQUEST');
    expect((await browser.post('/orders')).json()).toEqual(BY_SESSION);
    const withToken = { ...headers, authorization: `Bearer ${app.op.issue()}` };
    expect((await app.post('/orders', '', withToken)).json()).toEqual(BY_TOKEN);
  });

  it('scopes are asked of tokens, roles of both', async () => {
    const app = await boot();
    app.op.idToken({ claims: (claims) => ({ ...claims, roles: ['reader'] }) });
    expectInsufficientScope(app, await app.call('/orders/scoped', app.op.issue()), 'orders:write');
    expectRefused(app, await app.call('/orders/audit', app.op.issue()), 403, 'ROLE_MISSING');
    expect((await app.call('/orders/audit', app.op.issue({ roles: ['auditor'] }))).status).toBe(200);
    const browser = new Browser(app);
    await browser.login();
    expect((await browser.get('/orders/scoped')).status).toBe(200);
    const refused = await browser.get('/orders/audit');
    expectRefused(app, refused, 403, 'ROLE_MISSING');
    expect(refused.all('www-authenticate')).toEqual([]);
  });

  it('@OptionalAuth() and @Public() open to both', async () => {
    const app = await boot();
    const browser = new Browser(app);
    for (const path of ['/orders/optional', '/orders/public']) {
      expect((await app.get(path)).json()).toEqual(NOBODY);
      expect((await browser.get(path)).json()).toEqual(NOBODY);
    }
    expectBadToken(app, await app.call('/orders/optional', 'unknown'), 'TOKEN_INACTIVE');
    expect((await app.call('/orders/optional', app.op.issue())).json()).toEqual(BY_TOKEN);
    expect((await app.call('/orders/public', 'unknown')).json()).toEqual(NOBODY);
    await browser.login();
    expect((await browser.get('/orders/optional')).json()).toEqual(BY_SESSION);
    expect((await browser.get('/orders/public')).json()).toEqual(BY_SESSION);
    const headers = { authorization: 'Bearer unknown' };
    expectBadToken(app, await browser.get('/orders/optional', { headers }), 'TOKEN_INACTIVE');
    expect((await browser.get('/orders/public', { headers })).json()).toEqual(NOBODY);
  });

  it('there is one for each client, and it works as a global guard', async () => {
    const partners = OidcModule.forRoot({
      name: 'partners',
      issuer: 'https://op.partners.test',
      client: { client_id: 'p', client_secret: 'a secret', redirect_uris: ['https://app.test/partners/callback'] },
      session: { secret: SESSION_SECRET },
      resourceServer: { audience: 'https://partners.test' },
    });
    @Controller('partners')
    @UseGuards(OidcAnyGuard.for('partners'))
    @Public()
    class Partners {
      @Get()
      @UseGuards(OidcAnyGuard.for('partners'))
      list() {
        return {};
      }
    }
    expect(OidcAnyGuard.for('partners')).toBe(OidcAnyGuard.for('partners'));
    const app = await createApp({ adapter, imports: [partners], controllers: [AuthController, Partners] });
    expect((await app.get('/partners')).header('www-authenticate')).toBe('Bearer realm="https://partners.test"');
    const browser = new Browser(app);
    await browser.login();
    expect((await browser.get('/partners')).status).toBe(401);

    const orders = guardedBy(class extends OidcAnyGuard {});
    const global = await createApp({
      adapter,
      controllers: [AuthController, orders],
      providers: [{ provide: APP_GUARD, useClass: OidcAnyGuard }],
    });
    const other = new Browser(global);
    await other.login();
    expect((await other.get('/orders')).json()).toEqual(BY_SESSION);
    expect((await global.call('/orders', global.op.issue())).json()).toEqual(BY_TOKEN);
  });
});

it('the boot stops where a session could pass beside @StepUp', async () => {
  @Controller('transfers')
  @UseGuards(OidcAnyGuard)
  class Transfers {
    @Get()
    @StepUp({ maxAge: 60 })
    transfer() {
      return {};
    }
  }
  await expect(createApp({ adapter: 'express', controllers: [Transfers] })).rejects.toThrow(
    '@StepUp on Transfers.transfer: is not protected by an OidcGuard: the guard that stands there admits callers without a ' +
      'token too',
  );
});

it.each([
  ['resourceServer.audience', { resourceServer: undefined }],
  ['session.secret', { session: undefined }],
])('the boot stops without %s', async (member, options) => {
  const booting = createApp({ adapter: 'express', controllers: [guardedBy(OidcAnyGuard)], options });
  await expect(booting).rejects.toMatchObject({ member });
});

it('a test of an application replaces it as any other', async () => {
  const alice = {
    canActivate: (context: { switchToHttp(): { getRequest(): object } }) =>
      Reflect.set(context.switchToHttp().getRequest(), 'user', { sub: 'alice' }),
  };
  const module = await Test.createTestingModule({
    imports: [
      OidcModule.forRoot({
        issuer: 'https://op.test',
        client: { client_id: 'api', client_secret: 'a secret', redirect_uris: ['https://app.test/callback'] },
        session: { secret: SESSION_SECRET },
        resourceServer: { audience: 'https://api.test' },
      }),
    ],
    controllers: [guardedBy(OidcAnyGuard)],
  })
    .overrideGuard(OidcAnyGuard)
    .useValue(alice)
    .compile();
  const nest = module.createNestApplication({ logger: false });
  await nest.listen(0, '127.0.0.1');
  const response = await fetch(`${await nest.getUrl()}/orders`);
  expect(await response.json()).toEqual(BY_SESSION);
  await nest.close();
});
