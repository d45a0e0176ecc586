import { Controller, Get, Module, Redirect, Req, UseGuards, type Type } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { describe, expect, it } from '@jest/globals';

import {
  MemoryStore,
  OIDC_OPTIONS,
  OidcLoginGuard,
  OidcModule,
  OidcSession,
  OidcSessionGuard,
  type OidcModuleOptions,
} from '../../lib/index.js';
import type { TestProvider } from '../../lib/testing.js';
import { CapturedLogger } from '../support/app/captured-logger.js';
import { closeLater } from '../support/closing.js';
import {
  AccountController,
  ADAPTERS,
  AppModule,
  bearer,
  boot,
  get,
  OrdersController,
  OWN,
  start,
  statusOf,
} from './application.js';

describe.each(ADAPTERS)('a login of the test kit, on %s', (adapter) => {
  it('signs a user in by a real login', async () => {
    const provider = await start();
    const app = await boot(provider, {}, adapter);
    expect(await statusOf(app, '/account')).toBe(401);
    const alice = await provider.signIn(app, { sub: 'alice', claims: { email: 'a@example.com' } });
    const bob = await provider.signIn(app, { sub: 'bob', roles: ['admin'] });
    expect(await get(app, '/account', { cookie: alice })).toEqual({
      status: 200,
      body: { sub: 'alice', email: 'a@example.com' },
    });
    expect(await get(app, '/account', { cookie: bob })).toEqual({ status: 200, body: { sub: 'bob' } });
    expect(await statusOf(app, '/account/admin', { cookie: alice })).toBe(403);
    expect(await statusOf(app, '/account/admin', { cookie: bob })).toBe(200);
    expect(alice).toMatch(/^__Host-[\w-]+=[\w.-]+$/);
  });

  it('signs thirty users in at once', async () => {
    const provider = await start();
    const app = await boot(provider, {}, adapter);
    const names = Array.from({ length: 30 }, (_, index) => `user-${index}`);
    const cookies = await Promise.all(names.map((sub) => provider.signIn(app, { sub })));
    const seen = await Promise.all(cookies.map((cookie) => get(app, '/account', { cookie })));
    expect(seen.map(({ body }) => body)).toEqual(names.map((sub) => ({ sub })));
  });

  it('signs in at an application that does not listen', async () => {
    const provider = await start();
    const module = await Test.createTestingModule({ imports: [AppModule] })
      .overrideProvider(OIDC_OPTIONS)
      .useValue(provider.options(OWN))
      .setLogger(new CapturedLogger())
      .compile();
    const app = closeLater(
      adapter === 'express' ? module.createNestApplication() : module.createNestApplication(new FastifyAdapter()),
    );
    const cookie = await provider.signIn(app, { sub: 'alice' });
    await app.listen(0, '127.0.0.1');
    expect(await statusOf(app, '/account', { cookie })).toBe(200);
  });

  it.each<[name: string, own: Partial<OidcModuleOptions>]>([
    ['a form', { login: { responseMode: 'form_post' } }],
    ['the fragment', { client: { ...OWN.client, response_types: ['code id_token'] } }],
    ['a signed response', { client: { ...OWN.client, authorization_signed_response_alg: 'ES256' } }],
    ['a pushed request', { client: { ...OWN.client, require_pushed_authorization_requests: true } }],
    ['userinfo', { login: { userinfo: true } }],
    [
      'a proxy that cuts a prefix off',
      {
        client: { ...OWN.client, redirect_uris: ['https://app.example.com/shop/auth/callback'] },
        login: { callbackPath: '/auth/callback' },
      },
    ],
    ['plain http', { client: { ...OWN.client, redirect_uris: ['http://localhost:3000/auth/callback'] } }],
    [
      'public clients',
      {
        client: { client_id: 'spa', token_endpoint_auth_method: 'none', redirect_uris: OWN.client.redirect_uris ?? [] },
        resourceServer: { audience: 'x', validation: 'jwt' },
      },
    ],
  ])('signs in through %s', async (_, own) => {
    const provider = await start();
    const app = await boot(provider, own, adapter);
    const cookie = await provider.signIn(app, { claims: { email: 'a@example.com' } });
    expect(await get(app, '/account', { cookie })).toEqual({
      status: 200,
      body: { sub: 'alice', email: 'a@example.com' },
    });
  });
});

describe('a login of the test kit', () => {
  @Controller('sign')
  class LoginController {
    @Get('off')
    off(): void {}

    @UseGuards(OidcLoginGuard)
    @Get('in')
    in(): void {}

    @UseGuards(OidcLoginGuard)
    @Get('back')
    back(): void {}
  }
  const redirect_uris = ['https://app.example.com/sign/back'];
  const { routes: _, ...withoutRoutes } = OWN;

  async function bootWith(
    provider: TestProvider,
    controllers: Type[],
    own: Partial<OidcModuleOptions> = {},
    other?: string,
  ) {
    const options = { ...withoutRoutes, ...own };
    const others =
      other === undefined ? [] : [OidcModule.forRoot({ name: other, ...options, issuer: provider.issuer })];
    @Module({ imports: [OidcModule.forRoot(options), ...others], controllers })
    class LoginModule {}
    const module = await Test.createTestingModule({ imports: [LoginModule] })
      .overrideProvider(OIDC_OPTIONS)
      .useFactory(provider.optionsFactory())
      .setLogger(new CapturedLogger())
      .compile();
    const app = closeLater(module.createNestApplication());
    await app.listen(0, '127.0.0.1');
    return app;
  }

  it('begins at a route of the application', async () => {
    const provider = await start();
    const client = { ...OWN.client, redirect_uris };
    const app = await bootWith(provider, [LoginController, AccountController], { client });
    expect(await statusOf(app, '/account', { cookie: await provider.signIn(app) })).toBe(200);
    const cookie = await provider.signIn(app, {}, { path: '/sign/in?returnTo=/account' });
    expect(await statusOf(app, '/account', { cookie })).toBe(200);
  });

  it('says where it ended', async () => {
    const provider = await start();
    const client = { ...OWN.client, redirect_uris };
    const app = await bootWith(provider, [LoginController], { client });
    provider.fails('token', 503);
    await expect(provider.signIn(app)).rejects.toThrow(
      /^The login ended at https:\/\/app\.example\.com\/sign\/back with 503: \{/,
    );
    provider.recovers();
    await expect(provider.signIn(app, {}, { path: '/nowhere' })).rejects.toThrow(
      'The login ended at https://app.example.com/nowhere with 404',
    );
  });

  it('takes the cookie of the provider nowhere else', async () => {
    @Controller('trap')
    class TrapController {
      @Get()
      @Redirect()
      go() {
        return { url: `${provider.issuer}@127.0.0.1:1/steal` };
      }
    }
    const provider = await start();
    const app = await bootWith(provider, [TrapController]);
    await expect(provider.signIn(app, {}, { path: '/trap' })).rejects.toThrow(
      'The login leads to http://127.0.0.1:1, which is neither the application nor the provider.',
    );
  });

  it('quotes a page where it ends without its control characters, and the beginning only', async () => {
    @Controller('page')
    class PageController {
      @Get()
      show() {
        return `\u001b[31m${'x'.repeat(5000)}`;
      }
    }
    const provider = await start();
    const app = await bootWith(provider, [PageController]);
    await expect(provider.signIn(app, {}, { path: '/page' })).rejects.toThrow(
      /^The login ended at https:\/\/app\.example\.com\/page with 200: \\u001b\[31mx{10,300}\.\.\.$/,
    );
  });

  it('says that the application is at another provider', async () => {
    const provider = await start();
    const module = await Test.createTestingModule({ imports: [AppModule] })
      .setLogger(new CapturedLogger())
      .compile();
    const app = closeLater(module.createNestApplication());
    await expect(provider.signIn(app)).rejects.toThrow(
      'The application is at https://op.example.com and not at this provider. A test has to override its options.',
    );
  });

  it('begins at a route of its own client only', async () => {
    const provider = await start();
    const app = await bootWith(provider, [LoginController], { client: { ...OWN.client, redirect_uris } }, 'partners');
    await expect(provider.signIn(app, {}, { client: 'partners' })).rejects.toThrow(
      'The application has no route that begins a login. Pass the path of one: { path }.',
    );
  });

  it('says that there is no way in', async () => {
    const provider = await start();
    const app = await bootWith(provider, [OrdersController]);
    await expect(provider.signIn(app)).rejects.toThrow(
      'The application has no route that begins a login. Pass the path of one: { path }.',
    );
  });

  it('brings an access token for the API', async () => {
    @Controller('token')
    @UseGuards(OidcSessionGuard)
    class TokenController {
      constructor(private readonly session: OidcSession) {}

      @Get()
      token(@Req() request: object) {
        return this.session.accessToken(request);
      }
    }
    const provider = await start();
    const app = await bootWith(provider, [TokenController, OrdersController], {
      login: { scope: 'openid orders:read' },
      session: { secret: 'thirty-two-bytes-are-the-minimum', tokens: true },
      routes: true,
      resourceServer: { audience: 'https://orders.example.com', validation: 'jwt' },
    });
    const cookie = await provider.signIn(app, { sub: 'bob', roles: ['admin'] });
    const { body } = await get(app, '/token', { cookie });
    expect(await get(app, '/orders', bearer(String(body)))).toEqual({
      status: 200,
      body: { sub: 'bob', client_id: 'orders', scopes: ['openid', 'orders:read'], roles: ['admin'] },
    });
  });
});

describe('a logout of the test kit', () => {
  const backchannel_logout_uri = 'https://app.example.com/auth/backchannel-logout';

  it('ends the sessions of a user', async () => {
    const provider = await start();
    const client = { ...OWN.client, backchannel_logout_uri };
    const app = await boot(provider, { client, store: new MemoryStore() });
    const alice = await provider.signIn(app, { sub: 'alice' });
    const bob = await provider.signIn(app, { sub: 'bob' });
    await provider.signOut(app, { sub: 'alice' });
    expect(await statusOf(app, '/account', { cookie: alice })).toBe(401);
    expect(await statusOf(app, '/account', { cookie: bob })).toBe(200);
  });

  it('says why the application does not take it', async () => {
    const provider = await start();
    await expect(provider.signOut(await boot(provider))).rejects.toThrow('The client has no backchannel_logout_uri.');
    const client = { ...OWN.client, backchannel_logout_uri };
    const app = await boot(provider, { client, store: new MemoryStore() });
    await expect(provider.signOut(app)).rejects.toThrow('alice has no session at the provider.');
    await provider.signIn(app);
    provider.rotateKeys();
    provider.fails('jwks', 503);
    await expect(provider.signOut(app)).rejects.toThrow(
      /^The application answered the back-channel logout with 400: \{/,
    );
  });
});
