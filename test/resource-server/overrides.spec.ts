import { expect, it } from '@jest/globals';
import { Controller, Get, Module, UseGuards, type CanActivate, type ExecutionContext, type Type } from '@nestjs/common';
import { APP_GUARD, NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test, type TestingModuleBuilder } from '@nestjs/testing';
import { request } from 'undici';

import {
  AccessToken,
  CurrentUser,
  OidcGuard,
  OidcModule,
  OidcSessionGuard,
  Scopes,
  VerifiedAccessToken,
} from '../../lib/index.js';
import { AccessTokenReader } from '../../lib/tokens/access-token-reader.js';
import { onBothAdapters, SESSION_SECRET } from '../support/app/apps.js';
import { closeLater } from '../support/closing.js';

/** Lets everybody pass, as whom the test says. */
const leaving = (user: unknown): CanActivate => ({
  canActivate: (context: ExecutionContext) => {
    context.switchToHttp().getRequest().user = user;
    return true;
  },
});

class Nobody implements CanActivate {
  canActivate() {
    return true;
  }
}

@Controller('me')
@UseGuards(OidcGuard)
class Me {
  @Get('token')
  @Scopes('me:read')
  token(@AccessToken() token: VerifiedAccessToken | undefined) {
    return { sub: token?.sub ?? 'undefined' };
  }

  @Get('user')
  user(@CurrentUser() user: { readonly sub: string } | undefined) {
    return { sub: user?.sub ?? 'undefined' };
  }
}

@Controller('visitor')
@UseGuards(OidcSessionGuard)
class Visitor {
  @Get()
  user(@CurrentUser() user: { readonly sub: string }) {
    return { sub: user.sub };
  }
}

@Controller('unguarded')
class Unguarded {
  @Get()
  @UseGuards(leaving({ sub: 'somebody' }))
  user(@CurrentUser() user: { readonly sub: string }) {
    return { sub: user.sub };
  }
}

@Controller('scoped')
class Scoped {
  @Get()
  @Scopes('a')
  scoped() {
    return {};
  }
}

const oidc = OidcModule.forRoot({
  issuer: 'https://op.test',
  client: { client_id: 'api', client_secret: 'a secret', redirect_uris: ['http://127.0.0.1/callback'] },
  session: { secret: SESSION_SECRET },
  resourceServer: { audience: 'https://api.test' },
});

const testing = (...controllers: Type[]) => Test.createTestingModule({ imports: [oidc], controllers });

const verified = VerifiedAccessToken.verify(
  'a-token',
  { claims: { active: true, sub: 'alice' }, isStale: false } as never,
  { issuer: 'https://op.test', reader: new AccessTokenReader({ typ: ['JWT'] }, undefined) } as never,
);

onBothAdapters((adapter) => {
  const boot = async (builder: TestingModuleBuilder) => {
    const module = await builder.compile();
    const nest = closeLater(
      module.createNestApplication(adapter === 'express' ? new ExpressAdapter() : new FastifyAdapter(), {
        logger: false,
      }),
    );
    await nest.listen(0, '127.0.0.1');
    return async (path: string) => {
      const { statusCode, body } = await request(`${await nest.getUrl()}${path}`);
      return [statusCode, await body.json()];
    };
  };

  const FAILED = [500, { statusCode: 500, message: 'Internal server error' }];

  it.each<[string, unknown, string, string]>([
    ['a verified token', verified, 'alice', 'alice'],
    ['a user of the test', { sub: 'bob' }, 'bob', 'undefined'],
    ['nothing', undefined, 'undefined', 'undefined'],
  ])('a guard of the test that leaves %s', async (_what, left, user, token) => {
    const get = await boot(testing(Me).overrideGuard(OidcGuard).useValue(leaving(left)));
    expect(await get('/me/user')).toEqual([200, { sub: user }]);
    expect(await get('/me/token')).toEqual([200, { sub: token }]);
  });

  it('a guard of the test in the place of OidcSessionGuard', async () => {
    const get = await boot(
      testing(Visitor)
        .overrideGuard(OidcSessionGuard)
        .useValue(leaving({ sub: 'carol' })),
    );
    expect(await get('/visitor')).toEqual([200, { sub: 'carol' }]);
  });

  it('a test that replaces none learns that one is missing, whatever another test did', async () => {
    await boot(
      testing(Me, Unguarded)
        .overrideGuard(OidcGuard)
        .useValue(leaving({ sub: 'bob' })),
    );
    const get = await boot(testing(Unguarded));
    expect(await get('/unguarded')).toEqual(FAILED);
  });

  it('a test that replaces none boots no handler that is open', async () => {
    await expect(boot(testing(Scoped))).rejects.toThrow('@Scopes on Scoped.scoped: is not protected by an OidcGuard');
  });
});

it.each([
  ['useClass', { provide: OidcGuard, useClass: Nobody }],
  ['useValue', { provide: OidcGuard, useValue: new Nobody() }],
  ['useFactory', { provide: OidcGuard, useFactory: () => new Nobody() }],
])('outside of tests another guard under the name of OidcGuard, by %s, protects nothing', async (_how, provider) => {
  @Module({
    imports: [oidc],
    controllers: [Scoped],
    providers: [provider, { provide: APP_GUARD, useExisting: OidcGuard }],
  })
  class App {}
  const nest = closeLater(await NestFactory.create(App, { logger: false, abortOnError: false }));
  await expect(nest.init()).rejects.toThrow('@Scopes on Scoped.scoped: is not protected by an OidcGuard');
});
