// nestjs/nest#5821 and the page on testing that came of it; ferrerojosh/nest-keycloak-connect#100;
// Lokicoule/nestjs-cognito#1146.
// How Nest tells its users to replace a global guard in a test stopped the boot; a guard that is replaced as Nest says
// left `@CurrentUser()` and `@AccessToken()` with a 500, though it set `request.user`.
// Right: a test boots, and can say who the user is.
import { expect, it } from '@jest/globals';
import { Controller, Get, Module, UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { Test, type TestingModuleBuilder } from '@nestjs/testing';
import { request } from 'undici';

import { CurrentUser, OidcGuard, OidcModule, Scopes } from '../../lib/index.js';
import { closeLater } from '../support/closing.js';

class Somebody implements CanActivate {
  canActivate(context: ExecutionContext) {
    context.switchToHttp().getRequest().user = { sub: 'somebody' };
    return true;
  }
}

@Controller('me')
class Me {
  @Get()
  @Scopes('me:read')
  me(@CurrentUser() user: { readonly sub: string }) {
    return { sub: user.sub };
  }
}

@Controller('me')
@UseGuards(OidcGuard)
class GuardedMe extends Me {}

const oidc = OidcModule.forRoot({
  issuer: 'https://op.test',
  client: { client_id: 'api', client_secret: 'a secret' },
  resourceServer: { audience: 'https://api.test' },
});

@Module({
  imports: [oidc],
  controllers: [Me],
  providers: [OidcGuard, { provide: APP_GUARD, useExisting: OidcGuard }],
})
class WithGlobalGuard {}

@Module({ imports: [oidc], controllers: [GuardedMe] })
class WithGuard {}

async function answerOf(builder: TestingModuleBuilder) {
  const module = await builder.compile();
  const nest = closeLater(module.createNestApplication({ logger: false }));
  await nest.listen(0, '127.0.0.1');
  const { statusCode, body } = await request(`${await nest.getUrl()}/me`);
  return [statusCode, await body.json()];
}

it('lets a test replace a global guard', async () => {
  const builder = Test.createTestingModule({ imports: [WithGlobalGuard] });
  expect(await answerOf(builder.overrideProvider(OidcGuard).useClass(Somebody))).toEqual([200, { sub: 'somebody' }]);
});

it('lets a test replace a guard', async () => {
  const builder = Test.createTestingModule({ imports: [WithGuard] });
  expect(await answerOf(builder.overrideGuard(OidcGuard).useClass(Somebody))).toEqual([200, { sub: 'somebody' }]);
});
