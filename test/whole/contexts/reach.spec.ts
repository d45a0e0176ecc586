import { describe, expect, it } from '@jest/globals';
import { Controller, Module, Scope, UseGuards, type INestApplication, type Type } from '@nestjs/common';
import { APP_GUARD, ApplicationConfig, NestFactory } from '@nestjs/core';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { Field, GraphQLModule, ObjectType, Query, ResolveField, Resolver } from '@nestjs/graphql';
import { ClientProxyFactory, EventPattern, MessagePattern, Transport } from '@nestjs/microservices';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { firstValueFrom } from 'rxjs';
import { io } from 'socket.io-client';
import { request } from 'undici';

import { OidcGuard, OidcModule, Public, Scopes } from '../../../lib/index.js';
import { closeLater } from '../../support/closing.js';
import { freePort } from '../../support/ports.js';
import { contextApp } from './contexts.js';

const GLOBAL = { provide: APP_GUARD, useClass: OidcGuard };

@Controller()
class Jobs {
  @MessagePattern('wipe')
  @Scopes('orders:write')
  wipe() {
    return 'wiped';
  }

  @MessagePattern('ping')
  @Public()
  ping() {
    return 'pong';
  }
}

@Controller()
class Events {
  @EventPattern('ordered')
  @Scopes('orders:write')
  ordered(event: unknown) {
    return event;
  }
}

@Controller()
@UseGuards(OidcGuard)
class GuardedJobs extends Jobs {}

@Controller({ scope: Scope.REQUEST })
class JobsOfOneRequest extends Jobs {}

const microservice = async () => ({
  transport: Transport.TCP as const,
  options: { host: '127.0.0.1', port: await freePort() },
});

/** What an application does with its microservices before it listens. */
type Connect = (nest: INestApplication, one: Awaited<ReturnType<typeof microservice>>) => Promise<unknown>;

const plain: Connect = async (nest, one) => nest.connectMicroservice(one);
const inheriting: Connect = async (nest, one) => nest.connectMicroservice(one, { inheritAppConfig: true });

/** Starts them, and says what a message without a token is answered. */
async function answerOf(controller: Type, providers: readonly (typeof GLOBAL)[], connect: Connect, pattern = 'wipe') {
  const one = await microservice();
  const configure = async (nest: INestApplication) => {
    await connect(nest, one);
    await nest.startAllMicroservices();
  };
  await contextApp('express', providers, { configure }, [controller]);
  const client = closeLater(ClientProxyFactory.create(one));
  return firstValueFrom(client.send(pattern, {})).catch((error: unknown) => error);
}

const CURE =
  'a global guard reaches it with inheritAppConfig: true of connectMicroservice only; ' +
  'or write @UseGuards(OidcGuard) on its class';
const unguarded = (where: string) => ({
  name: 'ConfigError',
  code: 'INVALID_CONFIG',
  message: `@Scopes on ${where}: is not protected by an OidcGuard: ${CURE}`,
});

describe('messages', () => {
  it.each<[string, Type, string, readonly (typeof GLOBAL)[], Connect]>([
    ['no guard is there', Jobs, 'Jobs.wipe', [], inheriting],
    ['the global guard is not inherited', Jobs, 'Jobs.wipe', [GLOBAL], plain],
    ['an event’s is not either', Events, 'Events.ordered', [GLOBAL], plain],
    [
      'one of two microservices does not inherit it',
      Jobs,
      'Jobs.wipe',
      [GLOBAL],
      async (nest, one) => {
        nest.connectMicroservice(one);
        nest.connectMicroservice(await microservice(), { inheritAppConfig: true });
      },
    ],
    [
      'one of two does not, connected at once after the other',
      Jobs,
      'Jobs.wipe',
      [GLOBAL],
      async (nest, one) => {
        const other = await microservice();
        nest.connectMicroservice(one, { inheritAppConfig: true });
        nest.connectMicroservice(other);
      },
    ],
    [
      'somebody else asks for the guards while it is connected',
      Jobs,
      'Jobs.wipe',
      [GLOBAL],
      async (nest, one) => {
        nest.connectMicroservice(one);
        nest.get(ApplicationConfig).getGlobalGuards();
      },
    ],
    [
      'the guard came after the microservice was connected',
      Jobs,
      'Jobs.wipe',
      [],
      async (nest, one) => {
        nest.connectMicroservice(one, { inheritAppConfig: true });
        nest.useGlobalGuards(await nest.resolve(OidcGuard));
      },
    ],
    [
      'it is not known yet which guards there will be',
      Jobs,
      'Jobs.wipe',
      [GLOBAL],
      async (nest, one) => nest.connectMicroservice(one, { inheritAppConfig: true, deferInitialization: true }),
    ],
    ['the handlers are bound at each message', JobsOfOneRequest, 'JobsOfOneRequest.wipe', [GLOBAL], inheriting],
  ])('no microservice listens when %s', async (_when, controller, where, guards, connect) => {
    const providers = [...guards, OidcGuard] as (typeof GLOBAL)[];
    await expect(answerOf(controller, providers, connect)).rejects.toMatchObject(unguarded(where));
  });

  it.each<[string, Type, readonly (typeof GLOBAL)[], Connect]>([
    ['inherited', Jobs, [GLOBAL], inheriting],
    ['on the class', GuardedJobs, [], plain],
  ])('a guard that is %s refuses who brings no token', async (_what, controller, guards, connect) => {
    expect(await answerOf(controller, guards, connect)).toMatchObject({ status: 401, error: 'unauthorized' });
    expect(await answerOf(controller, guards, connect, 'ping')).toBe('pong');
  });

  it('a microservice that is connected to an application that runs is checked as well', async () => {
    const { nest } = await contextApp('express', [GLOBAL], {}, [Jobs]);
    nest.connectMicroservice(await microservice());
    await expect(nest.startAllMicroservices()).rejects.toMatchObject(unguarded('Jobs.wipe'));
  });

  it('where no microservice is, nobody is called, and the application boots', async () => {
    await expect(contextApp('express', [], {}, [Jobs])).resolves.toBeDefined();
  });

  it.each([
    ['has the global guards', [GLOBAL], 'unauthorized'],
    ['does not listen without', [], undefined],
  ])('a microservice of its own %s', async (_what, providers, error) => {
    const server = { resourceServer: { audience: 'https://api.test' } };
    const client = { client_id: 'api', client_secret: 'a secret' };
    @Module({
      imports: [OidcModule.forRoot({ issuer: 'https://op.test', client, ...server })],
      controllers: [Jobs],
      providers,
    })
    class App {}
    const one = await microservice();
    const settings = { ...one, logger: false, abortOnError: false } as const;
    const nest = closeLater(await NestFactory.createMicroservice(App, settings));
    if (error === undefined) {
      await expect(nest.listen()).rejects.toMatchObject(unguarded('Jobs.wipe'));
      return;
    }
    await nest.listen();
    const proxy = closeLater(ClientProxyFactory.create(one));
    await expect(firstValueFrom(proxy.send('wipe', {}))).rejects.toMatchObject({ error });
  });
});

describe('gateways', () => {
  it('have the global guards', async () => {
    @WebSocketGateway()
    class Gateway {
      @SubscribeMessage('wipe')
      @Scopes('orders:write')
      wipe() {
        return { event: 'wipe', data: 'wiped' };
      }
    }
    const { port } = await contextApp('express', [GLOBAL, Gateway]);
    const socket = io(`http://127.0.0.1:${port}`, { transports: ['websocket'], forceNew: true });
    closeLater({ close: async () => socket.disconnect() });
    const answer = new Promise((resolve) => ['wipe', 'exception'].forEach((event) => socket.on(event, resolve)));
    socket.emit('wipe', {});
    expect(await answer).toMatchObject({ status: 401, error: 'unauthorized' });
  });
});

describe('fields', () => {
  @ObjectType()
  class Order {
    @Field(() => String)
    id = '7';
  }

  @Resolver(() => Order)
  @UseGuards(OidcGuard)
  class OrderResolver {
    @Query(() => Order)
    @Public()
    order() {
      return new Order();
    }

    @ResolveField(() => String)
    @Scopes('orders:price')
    price() {
      return 'a secret';
    }
  }

  const boot = (enhancers?: 'guards'[]) =>
    contextApp('express', [OrderResolver], {
      imports: [
        GraphQLModule.forRoot<ApolloDriverConfig>({
          driver: ApolloDriver,
          autoSchemaFile: true,
          ...(enhancers && { fieldResolverEnhancers: enhancers }),
        }),
      ],
    });

  it('have no guard unless GraphQLModule says so, and the boot stops', async () => {
    await expect(boot()).rejects.toMatchObject({
      name: 'ConfigError',
      message:
        '@Scopes on OrderResolver.price: is not protected by an OidcGuard: ' +
        `a field has guards with fieldResolverEnhancers: ['guards'] of GraphQLModule only`,
    });
  });

  it('have those that stand there when it does', async () => {
    const { op, port } = await boot(['guards']);
    const ask = async (token: string) => {
      const { body } = await request(`http://127.0.0.1:${port}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        body: JSON.stringify({ query: '{ order { id price } }' }),
      });
      return body.json();
    };
    expect(await ask(op.issue({ scope: 'orders:price' }))).toEqual({ data: { order: { id: '7', price: 'a secret' } } });
    expect(await ask(op.issue({ scope: 'other' }))).toMatchObject({
      data: null,
      errors: [{ extensions: { code: 'FORBIDDEN' } }],
    });
  });
});
