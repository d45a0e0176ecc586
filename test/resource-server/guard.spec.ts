import { describe, expect, it } from '@jest/globals';
import {
  Controller,
  ForbiddenException,
  Get,
  Inject,
  Injectable,
  Module,
  Param,
  Scope,
  UseGuards,
  VersioningType,
  type ExecutionContext,
} from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';

import {
  AccessToken,
  AccessTokenError,
  AccessTokenValidation,
  CurrentUser,
  Introspection,
  OidcClient,
  OidcGuard,
  OidcLoginGuard,
  OidcModule,
  OidcSessionGuard,
  Public,
  Scopes,
  StepUp,
  type VerifiedAccessToken,
} from '../../lib/index.js';
import { CONTROLLERS } from '../support/app/app-controllers.js';
import { AUDIENCE, createApp, onBothAdapters, type Adapter } from '../support/app/apps.js';
import {
  expectBadToken,
  expectDependency,
  expectInsufficientScope,
  expectNoAuth,
  expectNoSecrets,
} from '../support/app/outcomes.js';
import { Browser } from '../support/browser/browser.js';
import { T } from '../support/clock.js';
import { rawRequest } from '../support/http/raw-http.js';
import { CLIENT_SECRET } from '../support/provider/provider.js';
import { jwtAccessToken } from '../support/tokens/access-token.js';

@Controller('things')
@UseGuards(OidcGuard)
@Scopes('class')
class ThingsController {
  @Get('class')
  byClass() {
    return 'ok';
  }

  @Get('handler')
  @Scopes('handler')
  byHandler() {
    return 'ok';
  }

  @Get('both')
  @Scopes('one', 'two')
  byBoth() {
    return 'ok';
  }

  @Get('open')
  @Public()
  open() {
    return 'ok';
  }
}

@Controller('opened')
@UseGuards(OidcGuard)
@Public()
class OpenedController {
  @Get('any')
  any() {
    return 'ok';
  }

  @Get('closed')
  @Scopes('closed')
  closed() {
    return 'ok';
  }
}

abstract class Base {
  @Get('inherited')
  inherited() {
    return 'ok';
  }
}

@Controller('first')
@UseGuards(OidcGuard)
@Scopes('first')
class FirstController extends Base {}

@Controller('second')
@UseGuards(OidcGuard)
@Scopes('second')
class SecondController extends Base {}

@Controller('unguarded')
class UnguardedController {
  @Get('token')
  token(@AccessToken() token: VerifiedAccessToken) {
    return token;
  }

  @Get('user')
  user(@CurrentUser() user: unknown) {
    return { user };
  }
}

@Controller('visitors')
@UseGuards(OidcSessionGuard)
class VisitorsController {
  @Get()
  @Public()
  who(@CurrentUser() user: unknown) {
    return { user: user ?? null };
  }
}

@Controller('extended')
@UseGuards(OidcGuard)
class ExtendedController extends OpenedController {}

@Controller('shut')
@Public()
class ShutController {
  @Get('any')
  any() {
    return 'ok';
  }

  @Get('closed')
  @UseGuards(OidcGuard)
  closed() {
    return 'ok';
  }

  @Get('session')
  @UseGuards(OidcSessionGuard)
  session() {
    return 'ok';
  }
}

@Controller('admin')
@UseGuards(OidcGuard)
class AdminController {
  @Get()
  admin() {
    return 'ok';
  }
}

onBothAdapters((adapter) => {
  const boot = (more: Partial<Parameters<typeof createApp>[0]> = {}) =>
    createApp({
      adapter,
      controllers: [ThingsController, OpenedController, FirstController, SecondController],
      ...Object(more),
    });

  it.each([
    ['/things/class', 'class', 200],
    ['/things/class', 'handler', 403],
    ['/things/handler', 'handler', 200],
    ['/things/handler', 'class', 403],
    ['/things/both', 'one two', 200],
    ['/things/both', 'two', 403],
    ['/opened/closed', 'closed', 200],
    ['/opened/closed', 'other', 403],
    ['/first/inherited', 'first', 200],
    ['/first/inherited', 'second', 403],
    ['/second/inherited', 'second', 200],
    ['/second/inherited', 'first', 403],
  ])('%s with the scope %p is %i', async (path, scope, status) => {
    const app = await boot();
    expect((await app.call(path, app.op.issue({ scope }))).status).toBe(status);
  });

  it('a public handler or class is open, and nobody is asked; a closed handler of it is not', async () => {
    const app = await boot();
    expect((await app.get('/things/open')).status).toBe(200);
    expect((await app.get('/opened/any')).status).toBe(200);
    expectNoAuth(app, await app.get('/opened/closed'));
    expect(app.op.count()).toBe(0);
  });

  it('what extends a public class is closed, and so is a handler of it with a guard of its own', async () => {
    const app = await boot({ controllers: [ExtendedController, ShutController] });
    expectNoAuth(app, await app.get('/extended/any'));
    expectNoAuth(app, await app.get('/shut/closed'));
    expect((await app.get('/shut/session')).status).toBe(401);
    expect((await app.get('/shut/any')).status).toBe(200);
    expect((await app.call('/extended/any', app.op.issue())).status).toBe(200);
    expect((await app.call('/shut/closed', app.op.issue())).status).toBe(200);
  });

  it.each([
    ['APP_GUARD by class', { providers: [{ provide: APP_GUARD, useClass: OidcGuard }] }],
    ['APP_GUARD by an existing one', { providers: [OidcGuard, { provide: APP_GUARD, useExisting: OidcGuard }] }],
    [
      'useGlobalGuards',
      {
        providers: [OidcGuard],
        configure: (nest: { get: (token: unknown) => OidcGuard; useGlobalGuards: (guard: OidcGuard) => void }) =>
          nest.useGlobalGuards(nest.get(OidcGuard)),
      },
    ],
  ])('NEST-11 guards everything as a global guard, and nothing that is nowhere: %s', async (_what, more) => {
    @Controller('plain')
    class PlainController {
      @Get()
      @Scopes('plain')
      plain() {
        return 'ok';
      }

      @Get('open')
      @Public()
      open() {
        return 'ok';
      }
    }
    const app = await boot({ controllers: [PlainController], ...more } as object);
    expectNoAuth(app, await app.get('/plain'));
    expect((await app.get('/plain/open')).status).toBe(200);
    expect((await app.call('/plain', app.op.issue({ scope: 'plain' }))).status).toBe(200);
    expectInsufficientScope(app, await app.call('/plain', app.op.issue()), 'plain');
    expect((await app.get('/nowhere')).status).toBe(404);
  });

  it('a guard of a named client asks that client’s provider, a subclass too', async () => {
    @Injectable()
    class AliceGuard extends OidcGuard {
      protected override authorize(token: VerifiedAccessToken) {
        if (token.sub !== 'alice') {
          throw new AccessTokenError('INSUFFICIENT_SCOPE', 'Only alice.');
        }
      }
    }
    @Injectable()
    class ExtendedGuard extends OidcGuard.for('partners') {}
    @Controller('partners')
    class PartnersController {
      @Get()
      @UseGuards(OidcGuard.for('partners'))
      list(@AccessToken() token: VerifiedAccessToken) {
        return { client_id: token.client_id };
      }

      @Get('alice')
      @UseGuards(AliceGuard.for('partners'))
      alice() {}

      @Get('extended')
      @UseGuards(ExtendedGuard)
      extended() {}
    }
    const other = await boot();
    const client = { client_id: 'partner', client_secret: CLIENT_SECRET };
    other.op.register(client);
    const partners = OidcModule.forRoot({
      name: 'partners',
      issuer: other.op.issuer,
      client,
      resourceServer: { audience: false },
    });
    other.op.clock.advance(Math.floor(Date.now() / 1000) - other.op.clock.seconds);
    const app = await boot({ imports: [partners], controllers: [...CONTROLLERS, PartnersController] });
    for (const path of ['/partners', '/partners/alice', '/partners/extended']) {
      expect((await app.call(path, other.op.issue())).status).toBe(200);
      expectBadToken(app, await app.call(path, app.op.issue()), 'TOKEN_INACTIVE');
    }
    expect((await app.call('/partners/extended', other.op.issue({ sub: 'bob' }))).status).toBe(200);
    expect((await app.call('/partners/alice', other.op.issue({ sub: 'bob' }))).status).toBe(403);
    expectBadToken(app, await app.call('/orders', other.op.issue()), 'TOKEN_INACTIVE');
    expect((await app.call('/orders', app.op.issue())).status).toBe(200);
  });

  it('a subclass is a guard, with what it needs and what it adds', async () => {
    @Injectable()
    class TenantGuard extends OidcGuard {
      override async canActivate(context: ExecutionContext): Promise<true> {
        await super.canActivate(context);
        const { params, user } = context.switchToHttp().getRequest();
        if (params.tenant !== user.client_id) {
          throw new ForbiddenException();
        }
        return true;
      }
    }
    @Controller('tenants')
    class TenantsController {
      @Get(':tenant')
      @Scopes('orders:read')
      @UseGuards(TenantGuard)
      read(@Param('tenant') tenant: string) {
        return { tenant };
      }
    }
    const app = await boot({ controllers: [TenantsController] });
    expect((await app.call('/tenants/rp1', app.op.issue())).status).toBe(200);
    expect((await app.call('/tenants/rp2', app.op.issue())).status).toBe(403);
    expectNoAuth(app, await app.get('/tenants/rp1'));
  });

  it.each([
    ['a user', () => ({ id: 1 }), 200],
    ['a user later', async () => ({ id: 1 }), 200],
    [
      'a refusal',
      () => {
        throw new ForbiddenException();
      },
      403,
    ],
    [
      'NEST-02 a bug',
      () => {
        throw new TypeError('a secret detail');
      },
      500,
    ],
  ])('what an application makes of the token: %s', async (_what, validate, status) => {
    const options = { resourceServer: { audience: 'https://api.test', validate } };
    const app = await boot({ controllers: CONTROLLERS, options } as object);
    const response = await app.call('/any', app.op.issue());
    expect(response.status).toBe(status);
    expect(response.body).not.toContain('secret detail');
    if (status === 200) {
      expect(response.json()).toEqual({ user: { id: 1 } });
    }
  });

  it('NEST-12 a parameter decorator without a guard is a bug of the application, not an open door', async () => {
    const app = await boot({ controllers: [UnguardedController] });
    for (const path of ['/unguarded/token', '/unguarded/user']) {
      expect((await app.call(path, app.op.issue())).status).toBe(500);
    }
    expect(app.errors.map(String).join()).toContain('no such guard ran');
  });

  it('a public page of a site knows who is signed in', async () => {
    const app = await boot({ controllers: [...CONTROLLERS, VisitorsController] });
    const browser = new Browser(app);
    expect((await browser.get('/visitors')).json()).toEqual({ user: null });
    await browser.login();
    expect((await browser.get('/visitors')).json()).toMatchObject({ user: { sub: 'alice' } });
    browser.jar.plant('oidc-session', 'forged', app.url);
    expect((await browser.get('/visitors')).json()).toEqual({ user: null });
  });

  it.each(['/%61dmin', '/admin/', '//admin', '/ADMIN', '/admin;x', '/admin%2f', '/./admin', '/admin?x', '/%2e/admin'])(
    'NEST-08 %s is guarded wherever it is routed',
    async (path) => {
      const app = await boot({ controllers: [AdminController] });
      const { status } = await rawRequest(app.address, `GET ${path}`);
      expect([400, 401, 404]).toContain(status);
    },
  );

  it('NEST-09 is guarded under a prefix and a version', async () => {
    const configure = (nest: { enableVersioning: (options: object) => void }) =>
      nest.enableVersioning({ type: VersioningType.URI, defaultVersion: '1' });
    const app = await boot({ controllers: [AdminController], globalPrefix: 'api', configure } as object);
    expectNoAuth(app, await app.get('/api/v1/admin'));
    expect((await app.call('/api/v1/admin', app.op.issue())).status).toBe(200);
  });

  it('NEST-16 a request-scoped controller makes nothing anew', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class PerRequest {}
    @Controller('scoped')
    @UseGuards(OidcGuard)
    class ScopedController {
      constructor(
        @Inject(PerRequest) readonly perRequest: PerRequest,
        @Inject(OidcClient) readonly oidc: OidcClient,
      ) {}

      @Get()
      async read() {
        return { issuer: (await this.oidc.serverMetadata()).issuer };
      }
    }
    const app = await boot({ controllers: [ScopedController], providers: [PerRequest] });
    for (let count = 0; count < 5; count += 1) {
      expect((await app.call('/scoped', app.op.issue())).json()).toEqual({ issuer: app.op.issuer });
    }
    expect(app.op.count('discovery')).toBe(1);
    // One more may be opened while the first is still busy.
    expect(app.op.connections).toBeLessThanOrEqual(2);
  });

  it('a refused token leaves its code in the log, for who looks closely, and nothing of itself', async () => {
    const app = await boot({
      controllers: CONTROLLERS,
      options: { resourceServer: { audience: AUDIENCE, validation: 'auto' } },
    } as object);
    const jwt = jwtAccessToken(app.op, { claims: { exp: T - 100 } });
    const [foreign, narrow] = [app.op.issue({ aud: 'https://other.test' }), app.op.issue({ scope: 'narrow' })];
    const before = app.logs.length;
    expect((await app.get('/orders')).status).toBe(401);
    for (const [token, status] of [
      [foreign, 401],
      [narrow, 403],
      [jwt, 401],
      ['a b', 400],
    ] as const) {
      const response = await app.call('/orders', token);
      expect(response.status).toBe(status);
      expectNoSecrets(app, response, [foreign, narrow, jwt]);
    }
    expect(app.logs.slice(before).map(({ level, context, text }) => [level, context, text])).toEqual([
      ['debug', 'OidcGuard', 'CREDENTIALS_MISSING: The request carries no access token. OidcGuard'],
      [
        'debug',
        'OidcGuard',
        'TOKEN_AUDIENCE: The token is for another API. aud="https://other.test" wanted="https://api.test" OidcGuard',
      ],
      [
        'debug',
        'OidcGuard',
        'INSUFFICIENT_SCOPE: The token lacks a scope. scope="narrow" wanted="orders:read" OidcGuard',
      ],
      [
        'debug',
        'OidcGuard',
        'TOKEN_EXPIRED: The token does not verify. Cause: EXPIRED: The access token is expired. exp="2027-01-15T07:58:20.000Z" now="2027-01-15T08:00:00.000Z" OidcGuard',
      ],
      ['debug', 'OidcGuard', 'CREDENTIALS_MALFORMED: The access token can not be read from the request. OidcGuard'],
    ]);
  });

  it('NET-27 a caller who leaves takes nobody along', async () => {
    const app = await boot({ controllers: CONTROLLERS });
    const token = app.op.issue();
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    app.op.answer('introspect', async (_request, next) => (await gate, next()));
    const leaving = new AbortController();
    const left = fetch(`${app.address}/orders`, {
      headers: { authorization: `Bearer ${token}` },
      signal: leaving.signal,
    });
    await app.op.arrival('introspect');
    const staying = app.call('/orders', token);
    leaving.abort();
    await expect(left).rejects.toThrow();
    release();
    expect((await staying).status).toBe(200);
    expectNoSecrets(app, undefined, [token]);
  });
});

describe.each<Adapter>(['express', 'fastify'])('the life of an application on %s', (adapter) => {
  it('NET-30 ends within seconds, though the provider is silent', async () => {
    const app = await createApp({ adapter, options: { http: { timeout: 60_000 } } });
    app.op.answer('introspect', 'hang');
    const calls = Array.from({ length: 5 }, () => app.call('/orders', app.op.issue()).catch(() => undefined));
    await app.op.arrival('introspect', 5);
    const begun = performance.now();
    await app.nest.close();
    expect(performance.now() - begun).toBeLessThan(5000);
    await Promise.all(calls);
  });

  it('NEST-21 leaves nothing behind, fifty times', async () => {
    const op = (await createApp({ adapter })).op;
    const alive = () =>
      process.getActiveResourcesInfo().filter((name) => /Timeout|TCPSocket|TCPServer/.test(name)).length;
    const lives = async (times: number) => {
      for (let count = 0; count < times; count += 1) {
        const app = await createApp({ adapter, op });
        await app.call('/orders', op.issue());
        await app.nest.close();
      }
    };
    await lives(3);
    const before = alive();
    await lives(50);
    expect(alive()).toBeLessThanOrEqual(before + 3);
    expect(process.listenerCount('SIGTERM')).toBeLessThan(3);
  });

  it('DISC-22 with discovery at boot does not start while the provider is down', async () => {
    const { op } = await createApp({ adapter });
    op.answer('discovery', { status: 404, body: '' });
    const boots = createApp({ adapter, op, options: { discovery: { when: 'boot' } } });
    await expect(boots).rejects.toMatchObject({ name: 'DiscoveryError', code: 'UNEXPECTED_STATUS' });
  });

  it('DISC-17 A13 with discovery at boot starts only when the provider has what it needs', async () => {
    const { op } = await createApp({ adapter });
    const options = { discovery: { when: 'boot' as const } };
    op.discovery(({ introspection_endpoint: _, ...document }) => document);
    await expect(createApp({ adapter, op, options })).rejects.toMatchObject({ code: 'ENDPOINT_MISSING' });
    op.discovery((document) => ({ ...document, introspection_endpoint_auth_methods_supported: ['private_key_jwt'] }));
    await expect(createApp({ adapter, op, options })).rejects.toMatchObject({ code: 'AUTH_METHOD_UNSUPPORTED' });
    const lazy = await createApp({ adapter, op });
    expectDependency(lazy, await lazy.call('/orders', op.issue()), 'AUTH_METHOD_UNSUPPORTED');
    op.reset();
    expect((await createApp({ adapter, op, options })).op.count('introspect')).toBe(0);
  });

  it('DISC-22 with discovery at first use is there when the provider is', async () => {
    const app = await createApp({ adapter });
    app.op.answer('discovery', { status: 503 });
    expectDependency(app, await app.call('/orders', app.op.issue()), 'UPSTREAM_UNAVAILABLE');
    app.op.heal();
    expect((await app.call('/orders', app.op.issue())).status).toBe(200);
  });
});

describe('what only a guard can promise stops the boot where there is none', () => {
  @Controller('naked')
  class NakedController {
    @Get()
    @Scopes('naked')
    read() {}
  }

  @Controller('strong')
  class StrongController {
    @Get()
    @StepUp({ maxAge: 60 })
    read() {}
  }

  @Controller('fresh')
  class FreshController {
    @Get()
    @Introspection({ maxAge: 0 })
    read() {}
  }

  @Controller('signed')
  class SignedController {
    @Get()
    @AccessTokenValidation('jwt')
    read() {}
  }

  @Controller('clothed')
  @Scopes('clothed')
  class ClothedController {
    @Get()
    @UseGuards(OidcGuard)
    guarded() {}

    @Get('open')
    @UseGuards(OidcSessionGuard)
    wrongGuard() {}
  }

  @Controller('opened')
  @StepUp({ maxAge: 60 })
  class OpenedHandlerController {
    @Get()
    @Public()
    open() {
      return 'ok';
    }
  }

  @Module({ controllers: [NakedController] })
  class NakedModule {}

  it.each<[string, object, string]>([
    ['@Scopes of a handler', { controllers: [NakedController] }, '@Scopes on NakedController.read'],
    [
      '@Scopes of a class, with another guard',
      { controllers: [ClothedController] },
      '@Scopes on ClothedController.wrongGuard',
    ],
    ['@Scopes in another module', { imports: [NakedModule] }, '@Scopes on NakedController.read'],
    ['@StepUp', { controllers: [StrongController] }, '@StepUp on StrongController.read'],
    ['@Introspection', { controllers: [FreshController] }, '@Introspection on FreshController.read'],
    ['@AccessTokenValidation', { controllers: [SignedController] }, '@AccessTokenValidation on SignedController.read'],
  ])('NEST-12 %s', async (_what, setup, member) => {
    await expect(createApp({ adapter: 'express', ...setup })).rejects.toMatchObject({ name: 'ConfigError', member });
  });

  it('a handler is not open and closed at once', async () => {
    @Controller()
    @UseGuards(OidcGuard)
    class TornController {
      @Get('torn')
      @Public()
      @Scopes('a')
      read() {}
    }
    const booting = createApp({ adapter: 'express', controllers: [TornController] });
    await expect(booting).rejects.toMatchObject({ name: 'ConfigError', member: '@Scopes on TornController.read' });
  });

  it('but a handler that is open promises nothing', async () => {
    const app = await createApp({ adapter: 'express', controllers: [OpenedHandlerController] });
    expect((await app.get('/opened')).status).toBe(200);
  });

  it('NEST-13 @Scopes names at least one', () => {
    expect(() => Scopes()).toThrow(expect.objectContaining({ name: 'ConfigError', member: '@Scopes' }));
  });
});

describe('a freshness that nothing is kept for', () => {
  @Controller('fresh')
  @UseGuards(OidcGuard)
  class FreshController {
    @Get('old')
    @Introspection({ maxAge: 5 })
    old() {}

    @Get('stale')
    @Introspection({ staleIfError: 60 })
    stale() {}

    @Get('anew')
    @Introspection({ maxAge: 0 })
    anew() {}
  }

  const partners = (resourceServer: object) =>
    OidcModule.forRoot({
      name: 'partners',
      issuer: 'https://partners.test',
      client: { client_id: 'partner', client_secret: CLIENT_SECRET },
      resourceServer: { audience: false, ...resourceServer },
    });

  const warnings = async (cache: object | undefined, more: object) => {
    const app = await createApp({
      adapter: 'express',
      controllers: [FreshController],
      imports: [partners(more)],
      options: { resourceServer: { audience: 'https://api.test', ...(cache && { cache }) } },
    });
    return app.logs.filter(({ text }) => text.includes('@Introspection')).map(({ level, message }) => [level, message]);
  };

  it('is told once, whatever the number of clients, with the handlers', async () => {
    expect(await warnings(undefined, {})).toEqual([
      [
        'warn',
        'maxAge and staleIfError of @Introspection do nothing on FreshController.old, FreshController.stale: resourceServer.cache is not set',
      ],
    ]);
  });

  it('is not told where any API keeps something', async () => {
    expect(await warnings({}, {})).toEqual([]);
    expect(await warnings(undefined, { cache: {} })).toEqual([]);
  });
});

describe('a route that asks the server about each token', () => {
  @Controller('fresh')
  @UseGuards(OidcGuard)
  class AnewController {
    @Get()
    @Introspection({ maxAge: 0 })
    read() {}
  }

  const bootWith = (client: object) =>
    createApp({
      adapter: 'express',
      controllers: [AnewController],
      client,
      options: { resourceServer: { audience: 'https://api.test', validation: 'jwt' } },
    });

  it('INTRO-23 needs a client that can, though all others verify signatures', async () => {
    await expect(bootWith({ client_secret: undefined })).rejects.toMatchObject({ name: 'ConfigError' });
    const app = await bootWith({});
    expect((await app.call('/fresh', app.op.issue())).status).toBe(200);
  });
});

it('NET-28 an outage is told once in half a minute, and not at each call', async () => {
  const app = await createApp({ adapter: 'express' });
  app.op.answer('introspect', { status: 503 });
  const lines = () => app.logs.filter(({ level, text }) => level === 'warn' && text.includes('UPSTREAM_UNAVAILABLE'));
  for (let call = 0; call < 3; call += 1) {
    await app.call('/orders', app.op.issue());
  }
  expect(lines()).toHaveLength(1);
  app.clock.advance(30);
  await app.call('/orders', app.op.issue());
  expect(lines()).toHaveLength(2);
});

it.each([OidcGuard, OidcLoginGuard, OidcSessionGuard])(
  'a context that nobody knows is refused by %p',
  async (guard) => {
    const context = { getType: () => 'pigeon' } as ExecutionContext;
    const instance: { canActivate(context: ExecutionContext): unknown } = Object.create(guard.prototype);
    await expect(async () => instance.canActivate(context)).rejects.toThrow(/type pigeon/);
  },
);
