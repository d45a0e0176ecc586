import { describe, expect, it } from '@jest/globals';
import { Controller, Get, Injectable, UseGuards, type Type } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';

import {
  AccessTokenValidation,
  OidcGuard,
  OidcLoginGuard,
  OidcModule,
  OidcSessionGuard,
  OIDC_CLOCK,
  Scopes,
} from '../../lib/index.js';
import { accessRule } from '../../lib/nest/access-rule.js';
import { createApp, onBothAdapters, SESSION_SECRET, type Adapter } from '../support/app/apps.js';
import { closeLater } from '../support/closing.js';
import { Browser } from '../support/browser/browser.js';
import { CLIENT_SECRET, startProvider } from '../support/provider/provider.js';
import { RealProvider } from '../support/provider/real-provider.js';

@Controller('auth')
@UseGuards(OidcLoginGuard)
class ClassController {
  @Get('login') login() {}
  @Get('callback') callback() {}
}

@Controller('auth')
class HandlerController {
  @Get('login') @UseGuards(OidcLoginGuard) login() {}
  @Get('callback') @UseGuards(OidcLoginGuard) callback() {}
  @Get('secret') secret() {
    return 'secret';
  }
}

@Injectable()
class OwnLoginGuard extends OidcLoginGuard {}

@Controller('auth')
@UseGuards(OwnLoginGuard)
class OwnController {
  @Get('login') login() {}
  @Get('callback') callback() {}
}

@Controller('me')
class MeController {
  @Get() me() {
    return 'me';
  }
}

const withGlobal = (adapter: Adapter, guard: Type, controllers: readonly Type[]) =>
  createApp({
    adapter,
    controllers: [...controllers, MeController],
    providers: [{ provide: APP_GUARD, useClass: guard }],
  });

onBothAdapters((adapter) => {
  it.each<[string, Type]>([
    ['a class', ClassController],
    ['handlers', HandlerController],
    ['a class, by a guard of one’s own', OwnController],
  ])('a global OidcSessionGuard lets logins pass whose guard is on %s', async (_where, controller) => {
    const app = await withGlobal(adapter, OidcSessionGuard, [controller]);
    const browser = new Browser(app);
    expect((await browser.get('/me')).status).toBe(401);
    expect((await browser.login({ returnTo: '/me' })).target).toBe(`${app.url}/me`);
    expect((await browser.get('/me')).body).toBe('me');
  });

  it('a global OidcGuard lets logins pass, and nothing beside them', async () => {
    const app = await withGlobal(adapter, OidcGuard, [HandlerController]);
    const browser = new Browser(app);
    expect((await browser.login()).status).toBe(303);
    for (const path of ['/me', '/auth/secret']) {
      const answer = await browser.get(path);
      expect([path, answer.status, answer.header('www-authenticate')]).toEqual([
        path,
        401,
        'Bearer realm="https://api.test"',
      ]);
    }
  });

  it('lets a login at a real provider pass', async () => {
    const op = closeLater(await RealProvider.start());
    const providers = [{ provide: APP_GUARD, useClass: OidcSessionGuard }];
    const app = await createApp({ adapter, op, controllers: [ClassController, MeController], providers });
    const browser = new Browser(app);
    expect((await op.login(browser, { returnTo: '/me' })).target).toBe(`${app.url}/me`);
    expect((await browser.get('/me')).body).toBe('me');
  });

  it('lets logins of a named client pass', async () => {
    const op = await startProvider();
    const client = { client_id: 'rp2', client_secret: CLIENT_SECRET, redirect_uris: ['https://app.test/b/callback'] };
    op.register(client);
    const second = OidcModule.forRoot({
      name: 'b',
      issuer: op.issuer,
      client,
      session: { secret: SESSION_SECRET },
      providers: [{ provide: OIDC_CLOCK, useValue: op.clock.now }],
    });
    @Controller('b')
    @UseGuards(OidcLoginGuard.for('b'))
    class Named {
      @Get('login') login() {}
      @Get('callback') callback() {}
    }
    const app = await createApp({
      adapter,
      op,
      publicUrl: 'https://app.test',
      imports: [second],
      controllers: [Named, MeController],
      providers: [{ provide: APP_GUARD, useClass: OidcSessionGuard }],
    });
    const browser = new Browser(app);
    expect((await browser.login({ path: '/b/login' })).status).toBe(303);
    // The session is of the other client.
    expect((await browser.get('/me')).status).toBe(401);
  });
});

describe('a route under OidcLoginGuard', () => {
  const { login } = ClassController.prototype;

  it('is open where the guard is written', () => {
    expect(accessRule(login, ClassController).isPublic).toBe(true);
    expect(accessRule(HandlerController.prototype.login, HandlerController).isPublic).toBe(true);
    expect(accessRule(HandlerController.prototype.secret, HandlerController).isPublic).toBe(false);
  });

  it('does not open a class that extends its own', () => {
    class Extended extends ClassController {
      orders() {}
    }
    expect(accessRule(Extended.prototype.orders, Extended).isPublic).toBe(false);
    expect(accessRule(login, Extended).isPublic).toBe(false);
  });

  it('stays closed beside a guard that authenticates, in whichever way it stands there', () => {
    @UseGuards(OidcSessionGuard, OidcLoginGuard)
    class Both {
      handle() {}
    }
    @UseGuards(OidcGuard)
    class Extended extends ClassController {}
    @UseGuards(OidcLoginGuard)
    class GuardedHandler {
      @UseGuards(OidcSessionGuard) handle() {}
    }
    expect(accessRule(Both.prototype.handle, Both).isPublic).toBe(false);
    expect(accessRule(login, Extended).isPublic).toBe(false);
    expect(accessRule(GuardedHandler.prototype.handle, GuardedHandler).isPublic).toBe(false);
  });

  it('is open in a class that requires something of a token, as a handler with @Public() is', () => {
    @Scopes('orders:read')
    class Scoped {
      @UseGuards(OidcLoginGuard) login() {}
    }
    expect(accessRule(Scoped.prototype.login, Scoped)).toMatchObject({ isPublic: true, scopes: [], demands: [] });
  });

  it('stays closed where it requires something of a token', () => {
    class Demanding {
      @UseGuards(OidcLoginGuard) @AccessTokenValidation('jwt') handle() {}
    }
    expect(accessRule(Demanding.prototype.handle, Demanding).isPublic).toBe(false);
  });
});
