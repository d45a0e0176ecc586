import { resolve } from 'node:path';

import { Metadata, credentials, loadPackageDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { expect, it } from '@jest/globals';
import { Controller, Injectable, UseGuards, type ExecutionContext } from '@nestjs/common';
import { ClientProxyFactory, GrpcMethod, MessagePattern, Transport } from '@nestjs/microservices';
import { firstValueFrom } from 'rxjs';

import { AccessToken, OidcGuard, Scopes, type PresentedToken, type VerifiedAccessToken } from '../../../lib/index.js';
import { authorizationOf, requestOf } from '../../../lib/nest/call.js';
import { closeLater } from '../../support/closing.js';
import { freePort } from '../../support/ports.js';
import { contextApp } from './contexts.js';

const PROTO = resolve(import.meta.dirname, 'orders.proto');

@Controller()
@UseGuards(OidcGuard)
class OrdersService {
  static ran: string[] = [];

  @GrpcMethod('Orders', 'List')
  @Scopes('orders:read')
  list(_request: object, @AccessToken() token: VerifiedAccessToken) {
    OrdersService.ran.push('list');
    return { sub: token?.sub };
  }
}

/** TCP has no headers: the application puts the token where it likes. */
@Injectable()
class DataGuard extends OidcGuard {
  protected override extractToken(request: object, context: ExecutionContext): PresentedToken {
    const { token } = context.switchToRpc().getData<{ token?: string }>();
    return token === undefined ? super.extractToken(request, context) : { scheme: 'Bearer', value: token };
  }
}

@Controller()
class MessagesController {
  @MessagePattern('guarded')
  @UseGuards(DataGuard)
  @Scopes('orders:read')
  guarded() {
    return 'ran';
  }
}

it('gRPC: a token in the metadata', async () => {
  OrdersService.ran = [];
  const url = `127.0.0.1:${await freePort()}`;
  const { op } = await contextApp(
    'express',
    [],
    {
      configure: async (nest) => {
        nest.connectMicroservice(
          { transport: Transport.GRPC, options: { package: 'orders', protoPath: PROTO, url } },
          { inheritAppConfig: true },
        );
        await nest.startAllMicroservices();
      },
    },
    [OrdersService],
  );
  const { orders } = loadPackageDefinition(loadSync(PROTO)) as never as {
    orders: { Orders: new (url: string, by: unknown) => Record<'List' | 'close', (...args: unknown[]) => void> };
  };
  const client = new orders.Orders(url, credentials.createInsecure());
  closeLater({ close: async () => client.close() });
  const list = (authorization?: string) =>
    new Promise((done) => {
      const metadata = new Metadata();
      if (authorization !== undefined) {
        metadata.set('authorization', authorization);
      }
      client.List({}, metadata, (error: { code: number; details: string } | null, answer: unknown) =>
        done(error === null ? answer : [error.code, error.details]),
      );
    });
  expect(await list(`Bearer ${op.issue()}`)).toEqual({ sub: 'alice' });
  expect(await list()).toEqual([16, 'unauthorized']);
  expect(await list('Bearer unknown')).toEqual([16, 'invalid_token']);
  expect(await list('Bearer a b')).toEqual([3, 'invalid_request']);
  expect(await list(`Bearer ${op.issue({ scope: 'other' })}`)).toEqual([7, 'insufficient_scope']);
  op.answer('introspect', { status: 503 });
  expect(await list(`Bearer ${op.issue()}`)).toEqual([14, 'temporarily_unavailable']);
  expect(OrdersService.ran).toEqual(['list']);
});

it('TCP: nothing carries a token, until a subclass says what does', async () => {
  const port = await freePort();
  const { op } = await contextApp(
    'express',
    [],
    {
      configure: async (nest) => {
        nest.connectMicroservice({ transport: Transport.TCP, options: { host: '127.0.0.1', port } });
        await nest.startAllMicroservices();
      },
    },
    [MessagesController],
  );
  const client = ClientProxyFactory.create({ transport: Transport.TCP, options: { host: '127.0.0.1', port } });
  closeLater({ close: async () => client.close() });
  const send = (data: object) => firstValueFrom(client.send('guarded', data)).catch((error: unknown) => error);
  expect(await send({ token: op.issue() })).toBe('ran');
  expect(await send({})).toMatchObject({ code: 16, status: 401, error: 'unauthorized' });
  expect(await send({ token: 'unknown' })).toMatchObject({ code: 16, status: 401, error: 'invalid_token' });
});

it.each<[string, unknown]>([
  ['gRPC and NATS', { getHeaders: () => ({ get: () => 'Bearer x' }) }],
  ['gRPC metadata', { get: (name: string) => (name === 'authorization' ? ['Bearer x'] : []) }],
  ['Kafka', { getMessage: () => ({ headers: { authorization: Buffer.from('Bearer x') } }) }],
  ['RabbitMQ', { getMessage: () => ({ properties: { headers: { authorization: 'Bearer x' } } }) }],
])('%s: where the credentials are', (_transport, carrier) => {
  const context = { getType: () => 'rpc', getArgByIndex: () => carrier } as never as ExecutionContext;
  expect(authorizationOf(context)).toBe('Bearer x');
});

it('what carries nothing at all can not be protected', () => {
  const context = { getType: () => 'rpc', getArgByIndex: () => undefined } as never as ExecutionContext;
  expect(() => requestOf(context)).toThrow('came without a context');
  const twice = { get: () => ['Bearer x', 'Bearer y'] };
  const many = { getType: () => 'rpc', getArgByIndex: () => twice } as never as ExecutionContext;
  expect(authorizationOf(many)).toBeUndefined();
});
