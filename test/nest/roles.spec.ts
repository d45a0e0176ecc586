import { expect, it } from '@jest/globals';
import { Controller, Get, UseGuards, type CanActivate, type Type } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';

import {
  CurrentUser,
  OidcGuard,
  OidcSessionGuard,
  OidcStrategy,
  Public,
  Roles,
  Scopes,
  StepUp,
  type OidcUser,
} from '../../lib/index.js';
import { AuthController } from '../support/app/app-controllers.js';
import { AUDIENCE, createApp, onBothAdapters, SESSION_SECRET } from '../support/app/apps.js';
import { expectInsufficientScope, expectRefused } from '../support/app/outcomes.js';
import { Browser } from '../support/browser/browser.js';
import type { Members } from '../support/provider/hostile-provider.js';
import { jwtAccessToken } from '../support/tokens/access-token.js';

function guardedBy(guard: Type<CanActivate>): Type {
  @Controller('orders')
  @UseGuards(guard)
  @Roles('reader')
  class OrdersController {
    @Get()
    list() {
      return {};
    }

    @Get('audit')
    @Roles('admin', 'auditor')
    audit() {
      return {};
    }

    @Get('health')
    @Public()
    health() {
      return {};
    }
  }
  return OrdersController;
}

@Controller('transfers')
@UseGuards(OidcGuard)
class TransfersController {
  @Get()
  @Scopes('transfers')
  @Roles('clerk')
  @StepUp({ maxAge: 60 })
  transfer() {
    return {};
  }
}

const FORBIDDEN = { error: 'access_denied', error_description: 'A role that is required is missing.' };

onBothAdapters((adapter) => {
  it('under OidcGuard the token must have one of the roles', async () => {
    const app = await createApp({ adapter, controllers: [guardedBy(OidcGuard)] });
    const statusOf = async (path: string, roles: unknown) =>
      (await app.call(path, app.op.issue({ roles, scope: 'admin reader' }))).status;
    expect(await statusOf('/orders', ['reader'])).toBe(200);
    expect(await statusOf('/orders/audit', ['auditor', 'other'])).toBe(200);
    expect(await statusOf('/orders/audit', ['admin'])).toBe(200);
    expect(await statusOf('/orders/health', [])).toBe(200);
    for (const roles of [undefined, null, [], ['Reader'], ['reader '], ['admin'], ['reader,admin'], [['x']], 7, {}]) {
      expect(await statusOf('/orders', roles)).toBe(403);
    }
    // The handler's stand in place of the class's.
    expect(await statusOf('/orders/audit', ['reader'])).toBe(403);
  });

  it('a role that is missing is 403, and no challenge speaks of scopes', async () => {
    const app = await createApp({ adapter, controllers: [guardedBy(OidcGuard)] });
    const response = await app.call('/orders', app.op.issue({ roles: ['other'] }));
    expectRefused(app, response, 403, 'ROLE_MISSING');
    expect(app.logs.at(-1)?.text).toMatch(/roles="other" wanted="\S+" OidcGuard$/);
    expect(response.json()).toEqual(FORBIDDEN);
    expect(response.all('www-authenticate')).toEqual([]);
    // Who has no token is asked for one.
    expect((await app.get('/orders')).header('www-authenticate')).toBe('Bearer realm="https://api.test"');
  });

  it('roles are read where the profile has them, of a JWT too, and those of other clients never', async () => {
    const resourceServer = { audience: AUDIENCE, validation: 'auto', accessTokens: 'keycloak' } as const;
    const app = await createApp({ adapter, controllers: [guardedBy(OidcGuard)], options: { resourceServer } });
    const statusOf = async (claims: Members) => {
      const token = jwtAccessToken(app.op, {
        header: { typ: 'JWT' },
        claims: { typ: 'Bearer', azp: 'rp1', ...claims },
      });
      return (await app.call('/orders', token)).status;
    };
    expect(await statusOf({ realm_access: { roles: ['reader'] } })).toBe(200);
    expect(await statusOf({ resource_access: { [AUDIENCE]: { roles: ['reader'] } } })).toBe(200);
    expect(await statusOf({ resource_access: { other: { roles: ['reader'] } } })).toBe(403);
    expect(await statusOf({ roles: ['reader'] })).toBe(403);
  });

  it('a scope that is missing is told before a role, and a role before the age of the login', async () => {
    const app = await createApp({ adapter, controllers: [TransfersController] });
    const call = (members: Members) => app.call('/transfers', app.op.issue(members));
    expectInsufficientScope(app, await call({ scope: 'other' }), 'transfers');
    expectRefused(app, await call({ scope: 'transfers' }), 403, 'ROLE_MISSING');
    const old = await call({ scope: 'transfers', roles: ['clerk'] });
    expectRefused(app, old, 401, 'INSUFFICIENT_AUTHENTICATION');
    const now = app.clock.seconds;
    expect((await call({ scope: 'transfers', roles: ['clerk'], auth_time: now })).status).toBe(200);
  });

  it('under OidcSessionGuard the user must have one of them', async () => {
    const app = await createApp({ adapter, controllers: [AuthController, guardedBy(OidcSessionGuard)] });
    app.op.idToken({ claims: (claims) => ({ ...claims, roles: ['reader'] }) });
    const browser = new Browser(app);
    expect((await browser.get('/orders')).status).toBe(401);
    await browser.login();
    expect((await browser.get('/orders')).status).toBe(200);
    const refused = await browser.get('/orders/audit');
    expectRefused(app, refused, 403, 'ROLE_MISSING');
    expect(refused.json()).toEqual(FORBIDDEN);
    expect(refused.all('www-authenticate')).toEqual([]);
    expect((await browser.get('/orders/health')).status).toBe(200);
  });

  it('session.roles says which roles a user has, also by a promise', async () => {
    const people: Readonly<Record<string, readonly string[]>> = { alice: ['auditor'] };
    const roles = async (user: OidcUser) => people[user.sub] ?? [];
    const app = await createApp({
      adapter,
      controllers: [AuthController, guardedBy(OidcSessionGuard)],
      options: { session: { secret: SESSION_SECRET, roles } },
    });
    app.op.idToken({ claims: (claims) => ({ ...claims, roles: ['reader'] }) });
    const browser = new Browser(app);
    await browser.login();
    expect((await browser.get('/orders/audit')).status).toBe(200);
    expect((await browser.get('/orders')).status).toBe(403);
  });

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('down');
      },
    ],
    ['is rejected', () => Promise.reject(new Error('down'))],
    ['returns nothing', () => undefined],
    ['returns a text that has the role in it', () => 'reader'],
    ['returns an object', () => ({ reader: true })],
    ['returns a set', () => new Set(['reader'])],
    ['returns a list of other things', () => ['reader', 7]],
  ])('session.roles that %s opens nothing', async (_what, roles) => {
    const app = await createApp({
      adapter,
      controllers: [AuthController, guardedBy(OidcSessionGuard)],
      options: { session: { secret: SESSION_SECRET, roles: roles as never } },
    });
    const browser = new Browser(app);
    await browser.login();
    expect((await browser.get('/orders')).status).toBe(500);
    expect((await browser.get('/orders/health')).status).toBe(200);
  });
});

it('a user of the application’s own has the roles that its strategy gave', async () => {
  class AppStrategy extends OidcStrategy {
    override validate() {
      return { name: 'Alice', roles: ['reader'] };
    }
  }
  @Controller('orders')
  @UseGuards(OidcSessionGuard)
  class Orders {
    @Get()
    @Roles('reader')
    list(@CurrentUser() user: unknown) {
      return user;
    }

    @Get('all')
    @Roles('admin')
    all() {
      return {};
    }
  }
  const app = await createApp({
    adapter: 'express',
    controllers: [AuthController, Orders],
    extras: { providers: [{ provide: OidcStrategy, useClass: AppStrategy }] },
  });
  app.op.idToken({ claims: (claims) => ({ ...claims, roles: ['admin'] }) });
  const browser = new Browser(app);
  await browser.login();
  expect((await browser.get('/orders')).json()).toEqual({ name: 'Alice', roles: ['reader'] });
  expect((await browser.get('/orders/all')).status).toBe(403);
});

it('session.roles must be a function', async () => {
  const options = { session: { secret: SESSION_SECRET, roles: 'roles' as never } };
  await expect(createApp({ adapter: 'express', options })).rejects.toMatchObject({ member: 'session.roles' });
});

class Anybody implements CanActivate {
  canActivate() {
    return true;
  }
}

it.each<[string, Type<CanActivate> | undefined]>([
  ['no guard', undefined],
  ['a guard that authenticates nobody', Anybody],
])('the boot stops where @Roles stands behind %s', async (_what, guard) => {
  @Controller('orders')
  class Orders {
    @Get()
    @Roles('admin')
    list() {
      return {};
    }
  }
  if (guard !== undefined) {
    UseGuards(guard)(Orders);
  }
  await expect(createApp({ adapter: 'express', controllers: [Orders] })).rejects.toThrow(
    '@Roles on Orders.list: is not protected by an OidcGuard or an OidcSessionGuard',
  );
});

it('the boot stops where @Scopes stands beside @Roles, and the guard reads sessions only', async () => {
  @Controller('orders')
  @UseGuards(OidcSessionGuard)
  class Orders {
    @Get()
    @Roles('admin')
    @Scopes('orders:read')
    list() {
      return {};
    }
  }
  await expect(createApp({ adapter: 'express', controllers: [Orders] })).rejects.toThrow(
    '@Scopes on Orders.list: is not protected by an OidcGuard',
  );
});

it('the boot stops where @Roles stands beside @Public()', async () => {
  @Controller('orders')
  @UseGuards(OidcGuard)
  class Orders {
    @Get()
    @Public()
    @Roles('admin')
    list() {
      return {};
    }
  }
  const booting = createApp({ adapter: 'express', controllers: [Orders] });
  await expect(booting).rejects.toThrow('@Roles on Orders.list: stands beside @Public()');
});

it('the boot of a microservice stops where a session would be needed for @Roles: a message has none', async () => {
  @Controller()
  @UseGuards(OidcSessionGuard)
  class Jobs {
    @MessagePattern('wipe')
    @Roles('admin')
    wipe() {
      return 'wiped';
    }
  }
  const app = await createApp({ adapter: 'express', controllers: [Jobs] });
  app.nest.connectMicroservice({ options: { host: '127.0.0.1', port: 0 } });
  await expect(app.nest.startAllMicroservices()).rejects.toThrow(
    '@Roles on Jobs.wipe: is not protected by an OidcGuard',
  );
});
