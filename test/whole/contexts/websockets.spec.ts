import { once } from 'node:events';

import { expect, it } from '@jest/globals';
import { Injectable, UseGuards, type ExecutionContext } from '@nestjs/common';
import { WsAdapter } from '@nestjs/platform-ws';
import {
  ConnectedSocket,
  MessageBody,
  type OnGatewayConnection,
  SubscribeMessage,
  WebSocketGateway,
} from '@nestjs/websockets';
import { io, type Socket } from 'socket.io-client';
import { WebSocket } from 'ws';

import {
  AccessToken,
  CurrentUser,
  OidcGuard,
  Public,
  Scopes,
  type PresentedToken,
  type VerifiedAccessToken,
} from '../../../lib/index.js';
import { closeLater } from '../../support/closing.js';
import { contextApp } from './contexts.js';

@WebSocketGateway()
@UseGuards(OidcGuard)
class OrdersGateway {
  static ran: string[] = [];

  @SubscribeMessage('orders')
  @Scopes('orders:read')
  orders(@AccessToken() token: VerifiedAccessToken) {
    OrdersGateway.ran.push('orders');
    return { event: 'orders', data: token.sub };
  }

  @SubscribeMessage('post')
  @Public()
  post(@MessageBody() body: unknown, @ConnectedSocket() client: { user?: { sub: string } }) {
    return { event: 'post', data: { body, user: client.user?.sub ?? 'nobody' } };
  }

  @SubscribeMessage('health')
  @Public()
  health(@CurrentUser() user: unknown) {
    return { event: 'health', data: String(user) };
  }
}

/** The `ws` library keeps nothing of the request that opened a socket: the application does. */
const requests = new WeakMap<object, { authorization?: string | undefined }>();

@Injectable()
class UpgradeGuard extends OidcGuard {
  protected override extractToken(request: object, context: ExecutionContext): PresentedToken {
    const [, value = ''] = requests.get(context.switchToWs().getClient())?.authorization?.split(' ') ?? [];
    return value === '' ? super.extractToken(request, context) : { scheme: 'Bearer', value };
  }
}

@WebSocketGateway()
@UseGuards(UpgradeGuard)
class UpgradeGateway implements OnGatewayConnection {
  handleConnection(client: object, request: { headers: { authorization?: string } }) {
    requests.set(client, { authorization: request.headers.authorization });
  }

  @SubscribeMessage('orders')
  @Scopes('orders:read')
  orders(@AccessToken() token: VerifiedAccessToken) {
    return { event: 'orders', data: token.sub };
  }
}

const answerOf = async (socket: Socket, event: string, data: unknown = {}): Promise<unknown> => {
  const answer = new Promise((resolve) => {
    socket.once('exception', (refusal: unknown) => resolve({ refusal }));
    socket.once(event, (answered: unknown) => resolve({ data: answered }));
  });
  socket.emit(event, data);
  return answer;
};

const connected = async (port: number, options: object): Promise<Socket> => {
  const socket = io(`http://127.0.0.1:${port}`, { transports: ['websocket'], forceNew: true, ...options });
  closeLater({ close: async () => socket.disconnect() });
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  return socket;
};

it.each<[string, (token: string) => object]>([
  ['in the handshake', (token) => ({ auth: { token } })],
  ['in its headers', (token) => ({ extraHeaders: { authorization: `Bearer ${token}` } })],
])('Socket.IO: a token %s', async (_where, options) => {
  const { op, port } = await contextApp('express', [OrdersGateway]);
  const socket = await connected(port, options(op.issue()));
  expect(await answerOf(socket, 'orders')).toEqual({ data: 'alice' });
});

it('Socket.IO: what is refused is told as it is, and nothing runs', async () => {
  OrdersGateway.ran = [];
  const { op, port } = await contextApp('express', [OrdersGateway]);
  const refusals: [object, object][] = [
    [{}, { status: 401, error: 'unauthorized' }],
    [{ auth: { token: 'unknown' } }, { status: 401, error: 'invalid_token' }],
    [{ auth: { token: 'a b' } }, { status: 400, error: 'invalid_request' }],
    [{ auth: { token: op.issue({ scope: 'other' }) } }, { status: 403, error: 'insufficient_scope' }],
    [{ auth: { token: op.issue({ cnf: { jkt: 'x'.repeat(43) } }) } }, { status: 401, error: 'invalid_token' }],
    [{ extraHeaders: { authorization: `DPoP ${op.issue()}` } }, { status: 401, error: 'unauthorized' }],
  ];
  for (const [options, refusal] of refusals) {
    expect(await answerOf(await connected(port, options), 'orders')).toMatchObject({ refusal });
  }
  op.answer('introspect', { status: 503 });
  const socket = await connected(port, { auth: { token: op.issue() } });
  expect(await answerOf(socket, 'orders')).toMatchObject({
    refusal: { status: 503, error: 'temporarily_unavailable' },
  });
  expect(OrdersGateway.ran).toEqual([]);
});

it('Socket.IO: each message is looked at, and what one found is not the next one’s', async () => {
  const { op, port } = await contextApp('express', [OrdersGateway]);
  const token = op.issue();
  const socket = await connected(port, { auth: { token } });
  expect(await answerOf(socket, 'orders')).toEqual({ data: 'alice' });
  expect(await answerOf(socket, 'health')).toEqual({ data: 'undefined' });
  expect(await answerOf(socket, 'orders', 'text')).toEqual({ data: 'alice' });
  expect(await answerOf(socket, 'health', 'text')).toEqual({ data: 'undefined' });
  op.expire(token);
  expect(await answerOf(socket, 'orders')).toMatchObject({ refusal: { status: 401, error: 'invalid_token' } });
});

it('ws: a subclass takes the token from the request that opened the socket', async () => {
  const { op, port } = await contextApp('express', [UpgradeGateway], {
    configure: (nest) => nest.useWebSocketAdapter(new WsAdapter(nest)),
  });
  const ask = async (headers: object) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}`, { headers: { ...headers } });
    closeLater({ close: async () => socket.terminate() });
    await once(socket, 'open');
    const answer = once(socket, 'message');
    socket.send('{"event":"orders","data":{}}');
    const [message] = await answer;
    return JSON.parse(String(message));
  };
  expect(await ask({ authorization: `Bearer ${op.issue()}` })).toEqual({ event: 'orders', data: 'alice' });
  expect(await ask({})).toMatchObject({ event: 'exception', data: { status: 401, error: 'unauthorized' } });
});

it('Socket.IO: a message that is open to everybody comes as it was sent, from nobody', async () => {
  const { op, port } = await contextApp('express', [OrdersGateway]);
  const socket = await connected(port, { auth: { token: op.issue() } });
  await answerOf(socket, 'orders');
  const body = { user: 'bob', text: 'hi' };
  expect(await answerOf(socket, 'post', body)).toEqual({ data: { body, user: 'nobody' } });
});
