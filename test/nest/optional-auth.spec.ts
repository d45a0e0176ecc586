import { describe, expect, it } from '@jest/globals';
import { Controller, Get, Post, UseGuards, type CanActivate, type Type } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';

import {
  AccessToken,
  AccessTokenValidation,
  CurrentUser,
  Introspection,
  OidcGuard,
  OidcSessionGuard,
  OptionalAuth,
  Public,
  Roles,
  Scopes,
  StepUp,
  type PresentedToken,
  type VerifiedAccessToken,
} from '../../lib/index.js';
import { AuthController } from '../support/app/app-controllers.js';
import { AUDIENCE, createApp, onBothAdapters } from '../support/app/apps.js';
import {
  expectBadProof,
  expectBadRequest,
  expectBadToken,
  expectDependency,
  expectInsufficientScope,
  expectNoAuth,
} from '../support/app/outcomes.js';
import { Browser } from '../support/browser/browser.js';
import { dpopKey } from '../support/tokens/dpop.js';

@Controller('articles')
@UseGuards(OidcGuard)
class ArticlesController {
  @Get()
  @OptionalAuth()
  list(
    @CurrentUser() user: { readonly sub: string } | undefined,
    @AccessToken() token: VerifiedAccessToken | undefined,
  ) {
    return { user: user?.sub ?? 'nobody', token: token?.client_id ?? 'none' };
  }

  @Get('drafts')
  drafts() {
    return {};
  }
}

const NOBODY = { user: 'nobody', token: 'none' };

onBothAdapters((adapter) => {
  const boot = (resourceServer: object = {}) =>
    createApp({
      adapter,
      controllers: [ArticlesController],
      options: { resourceServer: { audience: AUDIENCE, ...resourceServer } },
    });

  it('lets a caller without credentials pass, asks nobody, and keeps the answer out of shared caches', async () => {
    const app = await boot();
    for (const headers of [{}, { authorization: 'Basic YTpi' }, { authorization: 'Negotiate abc' }]) {
      const response = await app.get('/articles', headers);
      expect([response.status, response.json()]).toEqual([200, NOBODY]);
      expect(response.header('cache-control')).toBe('private');
      expect(response.all('www-authenticate')).toEqual([]);
    }
    expect(app.op.count()).toBe(0);
    expectNoAuth(app, await app.get('/articles/drafts'));
  });

  it('sets the user of one who brings a token', async () => {
    const app = await boot();
    const response = await app.call('/articles', app.op.issue());
    expect([response.status, response.json()]).toEqual([200, { user: 'alice', token: 'rp1' }]);
  });

  it('a bad token is refused as everywhere', async () => {
    const app = await boot();
    expectBadToken(app, await app.call('/articles', 'unknown'), 'TOKEN_INACTIVE');
    expectBadToken(app, await app.call('/articles', app.op.issue({ aud: 'https://other.test' })), 'TOKEN_AUDIENCE');
    expectBadToken(app, await app.call('/articles', app.op.issue({ cnf: { jkt: dpopKey().jkt } })), 'TOKEN_BINDING');
    for (const authorization of ['Bearer', 'bearer ', 'Bearer a b', 'Bearer ,']) {
      const response = await app.request('/articles', { headers: { authorization } });
      expect(response.status).toBe(400);
    }
    expectBadRequest(app, await app.get('/articles', { authorization: ['Bearer a', 'Bearer b'] }));
  });

  it('a token that comes in another way does not pass for none', async () => {
    const app = await boot();
    const token = app.op.issue();
    expectNoAuth(app, await app.get(`/articles?access_token=${token}`));
    expectNoAuth(app, await app.get('/articles', { authorization: token }));
    expectNoAuth(app, await app.get('/articles', { authorization: `DPoP ${token}` }));
    expectBadRequest(app, await app.get(`/articles?access_token=${token}`, { authorization: `Bearer ${token}` }));
    expect(app.op.count()).toBe(0);
  });

  it('a proof that is bad is refused too', async () => {
    const app = await boot({ resource: AUDIENCE, dpop: {} });
    const key = dpopKey();
    const token = app.op.issue({ cnf: { jkt: key.jkt } });
    expectBadProof(app, await app.get('/articles', { authorization: `DPoP ${token}` }), 'DPOP_PROOF_MISSING');
    expect((await app.get('/articles')).json()).toEqual(NOBODY);
  });

  it('while the provider is down, who brings a token gets 503, and who brings none the answer', async () => {
    const app = await boot();
    app.op.answer('introspect', { status: 503 });
    expectDependency(app, await app.call('/articles', app.op.issue()), 'UPSTREAM_UNAVAILABLE');
    expect((await app.get('/articles')).json()).toEqual(NOBODY);
  });

  it('under OidcSessionGuard the user is set when there is one', async () => {
    @Controller('articles')
    @UseGuards(OidcSessionGuard)
    @OptionalAuth()
    class Articles {
      @Get()
      list(@CurrentUser() user: { readonly sub: string } | undefined) {
        return { user: user?.sub ?? 'nobody' };
      }

      @Post()
      post(@CurrentUser() user: { readonly sub: string } | undefined) {
        return { user: user?.sub ?? 'nobody' };
      }
    }
    const app = await createApp({ adapter, controllers: [AuthController, Articles] });
    const browser = new Browser(app);
    expect((await browser.get('/articles')).json()).toEqual({ user: 'nobody' });
    await browser.login();
    expect((await browser.get('/articles')).json()).toEqual({ user: 'alice' });
    expect((await browser.post('/articles')).json()).toEqual({ user: 'alice' });
    // What another site sends is sent by nobody, whatever cookies come with it.
    const headers = { 'sec-fetch-site': 'cross-site' };
    expect((await browser.post('/articles', {}, { headers })).json()).toEqual({ user: 'nobody' });
    const forged = { headers: { cookie: 'oidc-session=forged' } };
    expect((await app.request('/articles', forged)).json()).toEqual({ user: 'nobody' });
  });

  it('opens by a global guard what it stands on, and nothing else', async () => {
    @Controller('open')
    @OptionalAuth()
    class Open {
      @Get()
      open() {
        return {};
      }

      @Get('scoped')
      @Scopes('orders:read')
      scoped() {
        return {};
      }

      @Get('guarded')
      @UseGuards(OidcGuard)
      guarded() {
        return {};
      }

      @Get('public')
      @Public()
      public() {
        return {};
      }
    }
    @Controller('extended')
    class Extended extends Open {}
    @Controller('closed')
    @Scopes('admin')
    class Closed {
      @Get()
      closed() {
        return {};
      }

      @Get('open')
      @OptionalAuth()
      open() {
        return {};
      }
    }
    const providers = [{ provide: APP_GUARD, useClass: OidcGuard }];
    const app = await createApp({ adapter, controllers: [Open, Extended, Closed], providers });
    const statuses = async (paths: readonly string[], token?: string) =>
      Promise.all(
        paths.map(async (path) => (await (token === undefined ? app.get(path) : app.call(path, token))).status),
      );
    expect(await statuses(['/open', '/open/public', '/closed/open'])).toEqual([200, 200, 200]);
    expect(await statuses(['/open/scoped', '/open/guarded', '/extended', '/closed'])).toEqual([401, 401, 401, 401]);
    expect(await statuses(['/open', '/open/public', '/closed/open'], 'unknown')).toEqual([401, 200, 401]);
    // Where a class requires scopes, an open handler requires none of who brings a token.
    expect(await statuses(['/closed/open'], app.op.issue())).toEqual([200]);
    expectInsufficientScope(app, await app.call('/closed', app.op.issue()), 'admin');
  });

  it('a guard that reads its token elsewhere opens to who brings none there', async () => {
    class HeaderGuard extends OidcGuard {
      protected override extractToken(request: object): PresentedToken {
        return { scheme: 'Bearer', value: this.platform.header(request, 'x-token') ?? '' };
      }
    }
    @Controller('articles')
    @UseGuards(HeaderGuard)
    @OptionalAuth()
    class Articles {
      @Get()
      list(@CurrentUser() user: { readonly sub: string } | undefined) {
        return { user: user?.sub ?? 'nobody' };
      }
    }
    const app = await createApp({ adapter, controllers: [Articles] });
    expect((await app.get('/articles')).json()).toEqual({ user: 'nobody' });
    expect((await app.get('/articles', { 'x-token': app.op.issue() })).json()).toEqual({ user: 'alice' });
    expectBadToken(app, await app.get('/articles', { 'x-token': 'unknown' }), 'TOKEN_INACTIVE');
    expectNoAuth(app, await app.call('/articles', app.op.issue()));
  });
});

describe('the boot stops where @OptionalAuth() stands beside', () => {
  it.each<[string, MethodDecorator & ClassDecorator]>([
    ['@Scopes', Scopes('a')],
    ['@Roles', Roles('a')],
    ['@StepUp', StepUp({ maxAge: 60 })],
    ['@Introspection', Introspection()],
    ['@AccessTokenValidation', AccessTokenValidation('jwt')],
  ])('%s', async (name, demand) => {
    const decorated = (decorate: (type: Type) => void): Type => {
      @Controller('orders')
      @UseGuards(OidcGuard)
      class Orders implements CanActivate {
        @Get()
        canActivate() {
          return true;
        }
      }
      decorate(Orders);
      return Orders;
    };
    const onClass = decorated((type) => [demand, OptionalAuth()].forEach((decorator) => decorator(type)));
    const onHandler = decorated(({ prototype }) =>
      [demand, OptionalAuth()].forEach((decorator) =>
        decorator(prototype, 'canActivate', Object.getOwnPropertyDescriptor(prototype, 'canActivate')!),
      ),
    );
    for (const controller of [onClass, onHandler]) {
      await expect(createApp({ adapter: 'express', controllers: [controller] })).rejects.toThrow(
        `${name} on Orders.canActivate: stands beside @OptionalAuth()`,
      );
    }
  });

  it('@Public()', async () => {
    @Controller('orders')
    @UseGuards(OidcGuard)
    class Orders {
      @Get()
      @Public()
      @OptionalAuth()
      list() {
        return {};
      }
    }
    await expect(createApp({ adapter: 'express', controllers: [Orders] })).rejects.toThrow(
      '@OptionalAuth() on Orders.list: stands beside @Public()',
    );
  });
});
