import { once } from 'node:events';

import { expect, it } from '@jest/globals';
import { UseGuards, type INestApplication } from '@nestjs/common';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { GraphQLModule, Mutation, Query, Resolver, Subscription } from '@nestjs/graphql';
import { WsAdapter } from '@nestjs/platform-ws';
import { SubscribeMessage, WebSocketGateway, type OnGatewayConnection } from '@nestjs/websockets';
import { request } from 'undici';
import { io } from 'socket.io-client';
import { WebSocket } from 'ws';

import { CurrentUser, OidcSessionGuard, OptionalAuth, Public, Roles } from '../../../lib/index.js';
import { AuthController } from '../../support/app/app-controllers.js';
import { createApp, onBothAdapters, type Adapter, type TestApp } from '../../support/app/apps.js';
import { Browser } from '../../support/browser/browser.js';
import { closeLater } from '../../support/closing.js';
import { firstTick } from './contexts.js';

type User = { readonly sub: string } | undefined;

@Resolver()
@UseGuards(OidcSessionGuard)
class ProfileResolver {
  static ran: string[] = [];

  @Query(() => String)
  me(@CurrentUser() user: User) {
    return String(user?.sub);
  }

  @Mutation(() => String)
  rename(@CurrentUser() user: User) {
    ProfileResolver.ran.push('rename');
    return String(user?.sub);
  }

  @Query(() => String)
  @Roles('admin')
  admin() {
    ProfileResolver.ran.push('admin');
    return 'secret';
  }

  @Query(() => String)
  @OptionalAuth()
  greeting(@CurrentUser() user: User) {
    return user?.sub ?? 'nobody';
  }

  @Subscription(() => String)
  async *ticks(@CurrentUser() user: User) {
    yield { ticks: String(user?.sub) };
  }
}

@WebSocketGateway()
@UseGuards(OidcSessionGuard)
class ProfileGateway {
  @SubscribeMessage('me')
  me(@CurrentUser() user: User) {
    return { event: 'me', data: String(user?.sub) };
  }

  @SubscribeMessage('health')
  @Public()
  health(@CurrentUser() user: User) {
    return { event: 'health', data: user?.sub ?? 'nobody' };
  }

  @SubscribeMessage('admin')
  @Roles('admin')
  admin() {
    return { event: 'admin', data: 'secret' };
  }
}

/** The library `ws` keeps nothing of the request that opened a socket: the application puts it there. */
@WebSocketGateway()
@UseGuards(OidcSessionGuard)
class PlainGateway implements OnGatewayConnection {
  handleConnection(client: { request?: object }, opening: object) {
    client.request = opening;
  }

  @SubscribeMessage('me')
  me(@CurrentUser() user: User) {
    return { event: 'me', data: String(user?.sub) };
  }
}

const graphql = (adapter: Adapter) =>
  GraphQLModule.forRoot<ApolloDriverConfig>({
    driver: ApolloDriver,
    autoSchemaFile: true,
    ...(adapter === 'fastify' && {
      context: (carrier: { req?: object }, reply: object) => ({ req: carrier.req ?? carrier, res: reply }),
    }),
    subscriptions: { 'graphql-ws': true },
  });

/** The cookies of a browser that has logged in. */
async function loggedIn(app: TestApp): Promise<string> {
  const browser = new Browser(app);
  await browser.login();
  await browser.get('/');
  return browser.history.at(-1)?.cookie ?? '';
}

onBothAdapters((adapter) => {
  const boot = () => {
    ProfileResolver.ran = [];
    return createApp({
      adapter,
      controllers: [AuthController],
      imports: [graphql(adapter)],
      providers: [ProfileResolver],
      recordsRefusals: false,
    });
  };

  const ask = async (app: TestApp, query: string, headers: Record<string, string> = {}) => {
    const answer = await request(`${app.address}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ query }),
    });
    const { data, errors } = (await answer.body.json()) as {
      data: unknown;
      errors?: { extensions: { code: string; error: string } }[];
    };
    return { data, error: errors?.[0]?.extensions, headers: answer.headers };
  };

  it('a query and a mutation have the session of their request', async () => {
    const app = await boot();
    const cookie = await loggedIn(app);
    const answer = await ask(app, '{ me again: me greeting }', { cookie });
    expect(answer.data).toEqual({ me: 'alice', again: 'alice', greeting: 'alice' });
    expect(answer.headers['cache-control']).toContain('no-store');
    expect((await ask(app, 'mutation { rename }', { cookie })).data).toEqual({ rename: 'alice' });
  });

  it('without a session they are refused in their way', async () => {
    const app = await boot();
    const refused = await ask(app, '{ me }');
    expect(refused.data).toBeNull();
    expect(refused.error).toMatchObject({ code: 'UNAUTHENTICATED', error: 'login_required' });
    expect((await ask(app, '{ greeting }')).data).toEqual({ greeting: 'nobody' });
    expect((await ask(app, '{ me }', { cookie: 'oidc-session=forged' })).error?.code).toBe('UNAUTHENTICATED');
    expect((await ask(app, '{ admin }', { cookie: await loggedIn(app) })).error).toMatchObject({
      code: 'FORBIDDEN',
      error: 'access_denied',
    });
    expect(ProfileResolver.ran).toEqual([]);
  });

  it('what another site sends changes nothing', async () => {
    const app = await boot();
    const headers = { cookie: await loggedIn(app), 'sec-fetch-site': 'cross-site' };
    expect((await ask(app, 'mutation { rename }', headers)).error?.code).toBe('FORBIDDEN');
    expect((await ask(app, '{ greeting }', headers)).data).toEqual({ greeting: 'nobody' });
    expect(ProfileResolver.ran).toEqual([]);
  });

  it('many fields set the cookies of an answer once', async () => {
    const app = await boot();
    const cookie = (await loggedIn(app)).replace(/=(.)/, '=$1x');
    const fields = Array.from({ length: 30 }, (_, index) => `f${index}: greeting`).join(' ');
    const answer = await ask(app, `{ ${fields} }`, { cookie });
    expect([answer.headers['set-cookie']].flat()).toHaveLength(1);
  });

  it('a subscription has the session of the request that opened its socket', async () => {
    const app = await boot();
    const cookie = await loggedIn(app);
    const subscribe = async (headers: Record<string, string>) =>
      (await firstTick(`${app.address.replace('http', 'ws')}/graphql`, headers)) ?? 'refused';
    expect(await subscribe({ cookie })).toEqual({ data: { ticks: 'alice' } });
    expect(await subscribe({ cookie, origin: app.url })).toEqual({ data: { ticks: 'alice' } });
    for (const headers of [
      {},
      { cookie, origin: 'https://evil.test' },
      { cookie, 'sec-fetch-site': 'cross-site' },
      { cookie, origin: 'https://neighbour.test', 'sec-fetch-site': 'same-site' },
    ]) {
      expect(JSON.stringify(await subscribe({ ...headers }))).not.toContain('alice');
    }
  });
});

/** An application with a gateway, and the answer to a message that a socket with these headers sends. */
async function gateway(Gateway: object, configure: (nest: INestApplication) => unknown = () => undefined) {
  return createApp({
    adapter: 'express',
    controllers: [AuthController],
    providers: [Gateway as never],
    recordsRefusals: false,
    configure: (nest) => void configure(nest),
  });
}

it('Socket.IO: a message has the session of the request that opened its socket, as long as it is good', async () => {
  const app = await gateway(ProfileGateway);
  const cookie = await loggedIn(app);
  const connect = async (extraHeaders: Record<string, string>) => {
    const socket = io(app.address, { transports: ['websocket'], forceNew: true, extraHeaders });
    closeLater({ close: async () => socket.disconnect() });
    await new Promise<void>((resolve) => socket.once('connect', resolve));
    return async (event: string, data: unknown = {}): Promise<unknown> => {
      const answer = new Promise((resolve) => {
        socket.once('exception', ({ status, error }: { status: number; error: string }) => resolve([status, error]));
        socket.once(event, resolve);
      });
      socket.emit(event, data);
      return answer;
    };
  };
  const alice = await connect({ cookie });
  expect(await alice('me')).toBe('alice');
  expect(await alice('me', 'text')).toBe('alice');
  expect(await alice('health')).toBe('alice');
  expect(await alice('admin')).toEqual([403, 'access_denied']);
  for (const site of [{}, { 'sec-fetch-site': 'same-origin' }, { 'sec-fetch-site': 'same-site' }]) {
    const own = await connect({ cookie, origin: app.url, ...site });
    expect(await own('me')).toBe('alice');
  }
  for (const headers of [
    { origin: 'https://evil.test' },
    { origin: 'null' },
    { origin: app.url.replace('http:', 'https:') },
    { origin: app.url, 'sec-fetch-site': 'cross-site' },
    // A page of a neighbour in the same site: unlike the answer to its request, it could read what comes over a socket.
    { origin: 'https://neighbour.test', 'sec-fetch-site': 'same-site' },
  ]) {
    const forged = await connect({ cookie, ...headers });
    expect(await forged('me')).toEqual([403, 'access_denied']);
    expect(await forged('health')).toBe('nobody');
  }
  const nobody = await connect({});
  expect(await nobody('me')).toEqual([401, 'login_required']);
  expect(await nobody('health', 'text')).toBe('nobody');
  app.clock.advance(28_801);
  expect(await alice('me')).toEqual([401, 'login_required']);
  // Who is gone is not found on the socket of an earlier message.
  expect(await alice('health', 'text')).toBe('nobody');
});

it('ws: the application keeps the request that opened a socket', async () => {
  const app = await gateway(PlainGateway, (nest) => nest.useWebSocketAdapter(new WsAdapter(nest)));
  const ask = async (headers: Record<string, string>) => {
    const socket = new WebSocket(app.address.replace('http', 'ws'), { headers });
    closeLater({ close: async () => socket.terminate() });
    await once(socket, 'open');
    const answer = once(socket, 'message');
    socket.send('{"event":"me","data":{}}');
    const [message] = await answer;
    return JSON.parse(String(message));
  };
  expect(await ask({ cookie: await loggedIn(app) })).toEqual({ event: 'me', data: 'alice' });
  expect(await ask({})).toMatchObject({ event: 'exception', data: { status: 401, error: 'login_required' } });
});
