import { expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  Header,
  Inject,
  Injectable,
  Optional,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
  type Type,
} from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { from, type Observable } from 'rxjs';

import { CurrentUser, DelegatesTo, OidcGuard, OidcSessionGuard, Public, Scopes, StepUp } from '../../lib/index.js';
import { AuthController } from '../support/app/app-controllers.js';
import { createApp, onBothAdapters } from '../support/app/apps.js';
import { challengesOf, expectInsufficientScope } from '../support/app/outcomes.js';
import { Browser } from '../support/browser/browser.js';

@Injectable()
@DelegatesTo(OidcSessionGuard, OidcGuard)
class SessionOrToken implements CanActivate {
  constructor(
    private readonly session: OidcSessionGuard,
    private readonly token: OidcGuard,
  ) {}

  async canActivate(context: ExecutionContext) {
    try {
      return this.session.canActivate(context);
    } catch {
      return this.token.canActivate(context);
    }
  }
}

@Injectable()
@DelegatesTo(OidcSessionGuard, OidcGuard)
class TokenOrSession implements CanActivate {
  @Inject(OidcSessionGuard) private readonly session!: OidcSessionGuard;
  @Inject(OidcGuard) private readonly token!: OidcGuard;

  async canActivate(context: ExecutionContext) {
    try {
      return await this.token.canActivate(context);
    } catch {
      return this.session.canActivate(context);
    }
  }
}

/** The last of them has a way of its own. */
@Injectable()
@DelegatesTo(OidcGuard)
class TokenOrKey implements CanActivate {
  constructor(private readonly token: OidcGuard) {}

  canActivate(context: ExecutionContext): Observable<boolean> {
    return from(this.#admits(context));
  }

  async #admits(context: ExecutionContext): Promise<boolean> {
    try {
      return await this.token.canActivate(context);
    } catch {
      return context.switchToHttp().getRequest().headers['x-api-key'] === 'a key';
    }
  }
}

/** An injected guard without a word about it. */
@Injectable()
class Undeclared implements CanActivate {
  constructor(private readonly token: OidcGuard) {}

  canActivate(context: ExecutionContext) {
    return this.token.canActivate(context);
  }
}

@Injectable()
@DelegatesTo(OidcGuard)
class Pretending implements CanActivate {
  canActivate() {
    return true;
  }
}

@Injectable()
@DelegatesTo(OidcGuard)
class IfThere implements CanActivate {
  constructor(@Optional() private readonly token?: OidcGuard) {}

  canActivate(context: ExecutionContext) {
    return this.token?.canActivate(context) ?? true;
  }
}

@Injectable()
@DelegatesTo(OidcSessionGuard)
class SessionOnly implements CanActivate {
  constructor(private readonly session: OidcSessionGuard) {}

  canActivate(context: ExecutionContext) {
    return this.session.canActivate(context);
  }
}

function guardedBy(guard: Type<CanActivate>): Type {
  @Controller('orders')
  @UseGuards(guard)
  class OrdersController {
    @Get()
    @Scopes('orders:read')
    list(@CurrentUser() user: { readonly sub: string } | undefined) {
      return { sub: user?.sub };
    }

    @Get('named')
    @Header('X-Named', 'yes')
    named() {
      return {};
    }
  }
  return OrdersController;
}

onBothAdapters((adapter) => {
  const boot = (guard: Type<CanActivate>, more: object = {}) =>
    createApp({
      adapter,
      controllers: [AuthController, guardedBy(guard)],
      providers: [OidcGuard, OidcSessionGuard],
      ...more,
    });

  it.each([[SessionOrToken], [TokenOrSession]])(
    '%p: either admits, and nothing of the other is left',
    async (guard) => {
      const app = await boot(guard, { configure: (nest: { enableCors(): void }) => nest.enableCors() });
      const byToken = await app.call('/orders', app.op.issue({ scope: 'orders:read', sub: 'alice' }));
      expect([byToken.status, byToken.json()]).toEqual([200, { sub: 'alice' }]);
      const browser = new Browser(app);
      await browser.login();
      const bySession = await browser.get(`${app.url}/orders`);
      expect(bySession.status).toBe(200);
      for (const [answer, cacheControl] of [
        [byToken, 'private'],
        [bySession, 'private, no-store'],
      ] as const) {
        expect(answer.header('cache-control')).toBe(cacheControl);
        for (const name of [
          'www-authenticate',
          'access-control-expose-headers',
          'x-content-type-options',
          'retry-after',
        ]) {
          expect([name, answer.all(name)]).toEqual([name, []]);
        }
      }
    },
  );

  it('who has neither, or a token without the scope, is refused as ever', async () => {
    const app = await boot(SessionOrToken);
    const nothing = await app.get('/orders');
    expect([nothing.status, nothing.header('cache-control')]).toEqual([401, 'no-store']);
    expect(challengesOf(nothing)).toEqual({ Bearer: { realm: 'https://api.test' } });
    expectInsufficientScope(app, await app.call('/orders', app.op.issue({ scope: 'other' })), 'orders:read');
  });

  it('headers that the application had set are there again', async () => {
    const app = await boot(TokenOrKey, {
      configure: (nest: { use(set: (request: unknown, response: unknown, next: () => void) => void): void }) =>
        nest.use((_request, response, next) => {
          Object(response).setHeader('Cache-Control', 'max-age=7');
          next();
        }),
    });
    const answer = await app.get('/orders/named', { 'x-api-key': 'a key' });
    expect([answer.status, answer.header('x-named'), answer.header('cache-control')]).toEqual([
      200,
      'yes',
      'max-age=7',
    ]);
    expect(answer.all('www-authenticate')).toEqual([]);
    expect((await app.get('/orders/named')).status).toBe(403);
  });

  it('closes a handler of a public class', async () => {
    @Controller('mixed')
    @Public()
    class Mixed {
      @Get()
      @UseGuards(SessionOrToken)
      closed() {
        return {};
      }
    }
    const app = await boot(SessionOrToken, { controllers: [Mixed] });
    expect((await app.get('/mixed')).status).toBe(401);
  });
});

it.each<[string, Type<CanActivate>, string]>([
  ['says nothing', Undeclared, '@Scopes on OrdersController.list: is not protected by an OidcGuard'],
  ['delegates to a session only', SessionOnly, '@Scopes on OrdersController.list: is not protected by an OidcGuard'],
  ['has no such guard', Pretending, '@DelegatesTo on Pretending: has no OidcGuard injected'],
])('the boot stops when a guard %s', async (_what, guard, message) => {
  const setup = { controllers: [guardedBy(guard)], providers: [OidcGuard, OidcSessionGuard] };
  await expect(createApp({ adapter: 'express', ...setup })).rejects.toMatchObject({ name: 'ConfigError', message });
});

it('the boot stops when a session could pass beside @StepUp', async () => {
  @Controller('transfers')
  @UseGuards(SessionOrToken)
  class Transfers {
    @Get()
    @StepUp({ maxAge: 60 })
    transfer() {
      return {};
    }

    @Get('again')
    @UseGuards(OidcGuard)
    @StepUp({ maxAge: 60 })
    again() {
      return {};
    }
  }
  const setup = { controllers: [Transfers], providers: [OidcGuard, OidcSessionGuard] };
  await expect(createApp({ adapter: 'express', ...setup })).rejects.toThrow(
    '@StepUp on Transfers.transfer: is not protected by an OidcGuard: the guard that stands there admits callers without a ' +
      'token too',
  );
});

it('the boot stops when another guard has the name of the one that is injected', async () => {
  const other = { provide: OidcGuard, useValue: new Pretending() };
  const setup = { controllers: [guardedBy(TokenOrKey)], providers: [other] };
  await expect(createApp({ adapter: 'express', ...setup })).rejects.toThrow('TokenOrKey: has no OidcGuard injected');
});

it('the boot stops when the guard that may be injected is provided nowhere', async () => {
  const booting = createApp({ adapter: 'express', controllers: [guardedBy(IfThere)] });
  await expect(booting).rejects.toThrow('IfThere: has no OidcGuard injected');
});

it('works as a global guard', async () => {
  @Controller('orders')
  class Orders {
    @Get()
    @Scopes('orders:read')
    list() {
      return {};
    }
  }
  const providers = [OidcGuard, OidcSessionGuard, { provide: APP_GUARD, useClass: SessionOrToken }];
  const app = await createApp({ adapter: 'express', controllers: [Orders], providers });
  expect((await app.get('/orders')).status).toBe(401);
  expect((await app.call('/orders', app.op.issue({ scope: 'orders:read' }))).status).toBe(200);
});

it('the boot names another copy of the package when its guard is there', async () => {
  class OfAnotherCopy implements CanActivate {
    canActivate() {
      return true;
    }
  }
  Reflect.defineMetadata(Symbol.for('nestjs-oidc: authenticates'), ['access token'], OfAnotherCopy);
  await expect(createApp({ adapter: 'express', controllers: [guardedBy(OfAnotherCopy)] })).rejects.toThrow(
    '@Scopes on OrdersController.list: is not protected by an OidcGuard: the one that stands there is of another copy of ' +
      'nestjs-oidc; install it once (npm ls nestjs-oidc)',
  );
});
