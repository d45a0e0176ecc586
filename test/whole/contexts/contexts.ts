import type { AddressInfo } from 'node:net';

import { Module, type INestApplication, type Provider, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';

import { OIDC_CLOCK, OidcModule, type ResourceServerOptions } from '../../../lib/index.js';
import type { Adapter } from '../../support/app/apps.js';
import { closeLater } from '../../support/closing.js';
import type { HostileProvider } from '../../support/provider/hostile-provider.js';
import { CLIENT_SECRET, startProvider } from '../../support/provider/provider.js';

export interface ContextApp {
  readonly nest: INestApplication;
  readonly op: HostileProvider;
  readonly port: number;
}

/** An application with handlers that are no routes. */
export async function contextApp(
  adapter: Adapter,
  providers: readonly Provider[],
  {
    imports = [],
    configure,
    resourceServer = {},
  }: {
    readonly imports?: readonly NonNullable<Parameters<typeof Module>[0]['imports']>[number][];
    readonly configure?: (nest: INestApplication) => unknown;
    readonly resourceServer?: Partial<ResourceServerOptions>;
  } = {},
  controllers: readonly Type[] = [],
): Promise<ContextApp> {
  const op = await startProvider();
  op.register({ client_id: 'rp1', client_secret: CLIENT_SECRET });
  @Module({
    imports: [
      OidcModule.forRoot({
        issuer: op.issuer,
        client: { client_id: 'rp1', client_secret: CLIENT_SECRET },
        resourceServer: { audience: 'https://api.test', ...resourceServer },
        providers: [{ provide: OIDC_CLOCK, useValue: op.clock.now }],
      }),
      ...imports,
    ],
    providers: [...providers],
    controllers: [...controllers],
  })
  class AppModule {}
  const nest = await NestFactory.create(
    AppModule,
    adapter === 'express' ? new ExpressAdapter() : new FastifyAdapter(),
    { logger: false, abortOnError: false, forceCloseConnections: true },
  );
  closeLater(nest);
  await configure?.(nest);
  await nest.listen(0, '127.0.0.1');
  const address: AddressInfo = nest.getHttpServer().address();
  return { nest, op, port: address.port };
}
