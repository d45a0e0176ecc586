import { expect, it } from '@jest/globals';
import { UseGuards } from '@nestjs/common';
import { GraphQLModule, Mutation, Query, Resolver, Subscription } from '@nestjs/graphql';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { createClient } from 'graphql-ws';
import { request } from 'undici';
import { WebSocket } from 'ws';

import { AccessToken, CurrentUser, OidcGuard, Public, Scopes, type VerifiedAccessToken } from '../../../lib/index.js';
import { onBothAdapters } from '../../support/app/apps.js';
import { closeLater } from '../../support/closing.js';
import { dpopKey, dpopProof } from '../../support/tokens/dpop.js';
import { contextApp, firstTick } from './contexts.js';

@Resolver()
@UseGuards(OidcGuard)
class OrdersResolver {
  static ran: string[] = [];

  @Query(() => String)
  @Scopes('orders:read')
  orders(@AccessToken() token: VerifiedAccessToken, @CurrentUser() user: VerifiedAccessToken) {
    OrdersResolver.ran.push('orders');
    return `${token.sub} ${user === token}`;
  }

  @Mutation(() => String)
  @Scopes('orders:write')
  order() {
    OrdersResolver.ran.push('order');
    return 'ordered';
  }

  @Query(() => String)
  @Public()
  health(@CurrentUser() user: unknown) {
    return String(user);
  }

  @Subscription(() => String)
  @Scopes('orders:read')
  async *ticks(@AccessToken() token: VerifiedAccessToken) {
    OrdersResolver.ran.push('ticks');
    yield { ticks: String(token.sub) };
  }
}

onBothAdapters((adapter) => {
  const boot = (resourceServer = {}) => {
    OrdersResolver.ran = [];
    return contextApp(adapter, [OrdersResolver], {
      resourceServer,
      imports: [
        GraphQLModule.forRoot<ApolloDriverConfig>({
          driver: ApolloDriver,
          autoSchemaFile: true,
          // Fastify's reply comes as a second argument, and a request knows nothing of it.
          ...(adapter === 'fastify' && {
            context: (carrier: { req?: object }, reply: object) => ({ req: carrier.req ?? carrier, res: reply }),
          }),
          subscriptions: { 'graphql-ws': true },
        }),
      ],
    });
  };

  const ask = async (port: number, query: string, token?: string) => {
    const { body, headers } = await request(`http://127.0.0.1:${port}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(token !== undefined && { authorization: `Bearer ${token}` }) },
      body: JSON.stringify({ query }),
    });
    const answer = (await body.json()) as {
      data: unknown;
      errors?: { message: string; extensions: { code: string } }[];
    };
    return { ...answer, challenge: headers['www-authenticate'] };
  };

  it('DPOP-24 one proof serves all fields of a query, and no other query', async () => {
    const { op, port } = await boot({ resource: 'https://api.test', dpop: {} });
    const key = dpopKey();
    const token = op.issue({ cnf: { jkt: key.jkt } });
    const proof = dpopProof(key, { method: 'POST', url: 'https://api.test/graphql', accessToken: token });
    const send = async () => {
      const { body } = await request(`http://127.0.0.1:${port}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `DPoP ${token}`, dpop: proof },
        body: JSON.stringify({ query: '{ a: orders b: orders c: orders }' }),
      });
      return body.json();
    };
    expect(await send()).toEqual({ data: { a: 'alice true', b: 'alice true', c: 'alice true' } });
    expect(await send()).toMatchObject({ data: null, errors: [{ extensions: { error: 'invalid_dpop_proof' } }] });
  });

  it('a query and a mutation run with a token that is good for them', async () => {
    const { op, port } = await boot();
    expect(await ask(port, '{ orders }', op.issue())).toMatchObject({ data: { orders: 'alice true' } });
    const writer = op.issue({ scope: 'orders:write' });
    expect(await ask(port, 'mutation { order }', writer)).toMatchObject({ data: { order: 'ordered' } });
  });

  it('without, or with another, nothing runs', async () => {
    const { op, port } = await boot();
    const missing = await ask(port, '{ orders }');
    expect(missing.data).toBeNull();
    expect(missing.errors?.[0]).toMatchObject({ extensions: { code: 'UNAUTHENTICATED' } });
    expect(missing.challenge).toBe('Bearer realm="https://api.test"');
    expect((await ask(port, '{ orders }', 'unknown')).errors?.[0]?.extensions.code).toBe('UNAUTHENTICATED');
    expect((await ask(port, 'mutation { order }', op.issue())).errors?.[0]?.extensions.code).toBe('FORBIDDEN');
    const bound = op.issue({ cnf: { jkt: 'x'.repeat(43) } });
    expect((await ask(port, '{ orders }', bound)).errors?.[0]?.extensions.code).toBe('UNAUTHENTICATED');
    expect(OrdersResolver.ran).toEqual([]);
  });

  it('a provider that is down is no fault of the token', async () => {
    const { op, port } = await boot();
    op.answer('introspect', { status: 503 });
    const answer = await ask(port, '{ orders }', op.issue());
    expect(answer.data).toBeNull();
    expect(answer.errors?.[0]?.extensions.code).toBe('SERVICE_UNAVAILABLE');
    expect(answer.errors?.[0]?.message).toBe('The access token can not be checked at the moment.');
    expect(OrdersResolver.ran).toEqual([]);
  });

  it('fields of one request are told apart', async () => {
    const { op, port } = await boot();
    const answer = await ask(port, '{ orders health }', op.issue());
    expect(answer.data).toEqual({ orders: 'alice true', health: 'undefined' });
  });

  it('what is public asks nobody', async () => {
    const { op, port } = await boot();
    expect(await ask(port, '{ health }', 'unknown')).toMatchObject({ data: { health: 'undefined' } });
    expect(op.count()).toBe(0);
  });

  it.each(['authorization', 'Authorization'])(
    'a subscription brings its token as %s with the connection',
    async (name) => {
      const { op, port } = await boot();
      const subscribe = async (token: string | undefined) => {
        const client = createClient({
          url: `ws://127.0.0.1:${port}/graphql`,
          webSocketImpl: WebSocket,
          connectionParams: token === undefined ? {} : { [name]: `Bearer ${token}` },
          retryAttempts: 0,
        });
        closeLater({ close: async () => client.dispose() });
        for await (const first of client.iterate({ query: 'subscription { ticks }' })) {
          return first;
        }
        return undefined;
      };
      expect(await subscribe(op.issue())).toEqual({ data: { ticks: 'alice' } });
      expect(OrdersResolver.ran).toEqual(['ticks']);
      for (const token of [undefined, 'unknown']) {
        expect(await subscribe(token).catch((error: unknown) => ({ errors: error }))).toMatchObject({
          errors: expect.anything(),
        });
      }
      expect(OrdersResolver.ran).toEqual(['ticks']);
    },
  );

  it('a subscription may bring it in the header of the request that opens the socket', async () => {
    const { op, port } = await boot();
    const headers = { authorization: `Bearer ${op.issue()}` };
    expect(await firstTick(`ws://127.0.0.1:${port}/graphql`, headers)).toEqual({ data: { ticks: 'alice' } });
  });
});
