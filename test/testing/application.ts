import { Controller, Get, Module, UseGuards, type INestApplication } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { request } from 'undici';

import {
  AccessToken,
  CurrentUser,
  OIDC_CLOCK,
  OIDC_OPTIONS,
  OidcGuard,
  OidcModule,
  OidcSessionGuard,
  OidcUser,
  Roles,
  Scopes,
  VerifiedAccessToken,
  type OidcModuleOptions,
} from '../../lib/index.js';
import { TestProvider, type TestProviderOptions } from '../../lib/testing.js';
import { CapturedLogger } from '../support/app/captured-logger.js';
import { closeLater } from '../support/closing.js';

export type Adapter = 'express' | 'fastify';

export const ADAPTERS: readonly Adapter[] = ['express', 'fastify'];

@Controller('orders')
@UseGuards(OidcGuard)
export class OrdersController {
  @Get()
  list(@AccessToken() token: VerifiedAccessToken) {
    const { sub, client_id, scopes, roles } = token;
    return { sub, client_id, scopes, roles };
  }

  @Get('scoped')
  @Scopes('orders:read')
  scoped(): string {
    return 'ok';
  }

  @Get('admin')
  @Roles('admin')
  admin(): string {
    return 'ok';
  }
}

@Controller('account')
@UseGuards(OidcSessionGuard)
export class AccountController {
  @Get()
  show(@CurrentUser() { sub, claims }: OidcUser) {
    return { sub, email: claims['email'] };
  }

  @Get('admin')
  @Roles('admin')
  admin(): string {
    return 'ok';
  }
}

/** As an application has them in production. */
export const OWN: OidcModuleOptions = {
  issuer: 'https://op.example.com',
  client: {
    client_id: 'orders',
    client_secret: 'the-real-one',
    redirect_uris: ['https://app.example.com/auth/callback'],
  },
  session: { secret: 'thirty-two-bytes-are-the-minimum' },
  routes: true,
  resourceServer: { audience: 'https://orders.example.com' },
};

@Module({
  imports: [OidcModule.forRootAsync({ useFactory: () => OWN })],
  controllers: [OrdersController, AccountController],
})
export class AppModule {}

export async function start(options: TestProviderOptions = {}): Promise<TestProvider> {
  return closeLater(await TestProvider.start(options));
}

export async function boot(
  provider: TestProvider,
  own: Partial<OidcModuleOptions> = {},
  adapter: Adapter = 'express',
): Promise<INestApplication> {
  const module = await Test.createTestingModule({ imports: [AppModule] })
    .overrideProvider(OIDC_OPTIONS)
    .useValue(provider.options({ ...OWN, ...own }))
    .overrideProvider(OIDC_CLOCK)
    .useValue(provider.clock.now)
    .setLogger(new CapturedLogger())
    .compile();
  const app =
    adapter === 'express' ? module.createNestApplication() : module.createNestApplication(new FastifyAdapter());
  await app.listen(0, '127.0.0.1');
  return closeLater(app);
}

interface Seen {
  readonly status: number;
  readonly body: unknown;
}

export async function get(app: INestApplication, path: string, headers: Record<string, string> = {}): Promise<Seen> {
  const answer = await request((await app.getUrl()) + path, { headers, reset: true });
  const text = await answer.body.text();
  return { status: answer.statusCode, body: /^[{[]/.test(text) ? JSON.parse(text) : text };
}

export function bearer(token: string): { readonly authorization: string } {
  return { authorization: `Bearer ${token}` };
}

export async function statusOf(
  app: INestApplication,
  path: string,
  headers: Record<string, string> = {},
): Promise<number> {
  return (await get(app, path, headers)).status;
}
