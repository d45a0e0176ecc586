import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

import { Module, type INestApplication, type Provider, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { WebSocket } from 'ws';

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

/**
 * What the subscription `ticks` gives first, over a socket (graphql-transport-ws) that was opened with these headers.
 *
 * @returns undefined where it is refused
 */
export async function firstTick(url: string, headers: Readonly<Record<string, string>>): Promise<unknown> {
  const socket = new WebSocket(url, 'graphql-transport-ws', { headers });
  closeLater({ close: async () => socket.terminate() });
  await once(socket, 'open');
  const messages: { type: string; payload?: unknown }[] = [];
  const finished = new Promise<void>((resolve) => {
    socket.on('message', (data) => {
      const message = JSON.parse(String(data));
      messages.push(message);
      if (message.type === 'connection_ack') {
        socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query: 'subscription { ticks }' } }));
      } else if (['complete', 'error'].includes(message.type)) {
        resolve();
      }
    });
  });
  socket.send('{"type":"connection_init"}');
  await finished;
  return messages.find(({ type }) => type === 'next')?.payload;
}
