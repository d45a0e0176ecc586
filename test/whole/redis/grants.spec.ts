import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';

import { OidcClient, type ClientMetadata } from '../../../lib/index.js';
import { RedisStore } from '../../../lib/storage/redis-store.js';
import { createApp, type TestApp } from '../../support/app/apps.js';
import { messagesOn } from '../../support/messages.js';
import type { HostileProvider } from '../../support/provider/hostile-provider.js';
import { CLIENT_SECRET, startProvider } from '../../support/provider/provider.js';
import { PATIENT, RedisServer } from './redis-server.js';

let server: RedisServer;
let op: HostileProvider;
const connections: Redis[] = [];
const stores: RedisStore[] = [];

beforeEach(async () => {
  [server, op] = await Promise.all([RedisServer.start(), startProvider()]);
});

afterEach(async () => {
  connections.splice(0).forEach((redis) => redis.disconnect());
  stores.length = 0;
  await server.kill();
});

async function connected(): Promise<Redis> {
  const redis = new Redis(server.port, '127.0.0.1', { retryStrategy: () => 20 });
  redis.on('error', () => undefined);
  connections.push(redis);
  await once(redis, 'ready');
  return redis;
}

const PATH = '/auth/backchannel-notification';

/** Two applications, each with a connection of its own to the one Redis: one on Express, one on Fastify. */
async function replicas(client: Partial<ClientMetadata> = {}): Promise<readonly [TestApp, TestApp]> {
  const boot = async (adapter: 'express' | 'fastify') => {
    const store = new RedisStore(await connected(), PATIENT);
    stores.push(store);
    const options = { store, routes: true } as const;
    return createApp({ adapter, op, publicUrl: 'https://app.test', controllers: [], client, options });
  };
  return Promise.all([boot('express'), boot('fastify')]);
}

/** Asks until a store answers: it lets a Redis that was silent alone for a while. */
async function back(store: RedisStore): Promise<void> {
  const isBack = (): Promise<boolean> =>
    store.get('any').then(
      () => true,
      () => false,
    );
  while (!(await isBack())) {
    await setTimeout(20);
  }
}

const clientAt = ({ nest }: TestApp): OidcClient => nest.get(OidcClient);

/** All that stands in Redis: names and values, and the lifetimes in milliseconds. */
async function stored() {
  const redis = await connected();
  const keys = await redis.keys('*');
  const values = await Promise.all(keys.map((key) => redis.get(key)));
  return {
    keys: keys.map((key) => key.split(':')[1]).toSorted(),
    text: [...keys, ...values].join(' '),
    lifetimes: await Promise.all(keys.map((key) => redis.pttl(key))),
  };
}

describe('the client’s own token', () => {
  it('is asked for once by both replicas, and stands sealed in Redis for as long as it is good', async () => {
    const flights = messagesOn('nestjs-oidc:flight');
    const [one, other] = await replicas();
    const asked = [one, other].flatMap((app) => Array.from({ length: 10 }, () => clientAt(app).clientToken()));
    const [first, ...rest] = (await Promise.all(asked)).map(({ access_token }) => access_token);
    expect(op.count('token')).toBe(1);
    expect(new Set(rest)).toEqual(new Set([first]));
    expect(flights.filter(({ flight }) => flight === 'client-token')).toHaveLength(18);
    const { keys, text, lifetimes } = await stored();
    expect(keys).toEqual(['client-token']);
    expect([text.includes(String(first)), text.includes(CLIENT_SECRET)]).toEqual([false, false]);
    expect(lifetimes.every((left) => left > 3_500_000 && left <= 3_600_000)).toBe(true);
  });

  it('that one replica forgets is asked for anew by both', async () => {
    const [one, other] = await replicas();
    const { access_token: refused } = await clientAt(one).clientToken();
    await clientAt(one).forget(refused);
    const [renewed, same] = [await clientAt(other).clientToken(), await clientAt(one).clientToken()];
    expect([renewed.access_token === refused, same.access_token]).toEqual([false, renewed.access_token]);
    expect(op.count('token')).toBe(2);
  });

  it('with its key is shared too, and neither of them can be read in Redis', async () => {
    const [one, other] = await replicas({ dpop_bound_access_tokens: true });
    const first = await clientAt(one).clientToken();
    const second = await clientAt(other).clientToken();
    expect([second.access_token, second.dpop_key?.jkt]).toEqual([first.access_token, first.dpop_key?.jkt]);
    const { text } = await stored();
    expect(text).not.toContain(String(first.dpop_key?.toJwk()['d']));
    expect(text).not.toContain(first.access_token);
  });

  it('comes without Redis as well, and is shared again when it is back', async () => {
    const [one, other] = await replicas();
    await server.kill();
    const [first, second] = [await clientAt(one).clientToken(), await clientAt(other).clientToken()];
    expect([first.access_token === second.access_token, op.count('token')]).toEqual([false, 2]);
    await server.resurrect();
    await Promise.all(stores.map(back));
    const orders = { scope: 'orders:read' };
    const third = await clientAt(one).clientToken(orders);
    expect((await clientAt(other).clientToken(orders)).access_token).toBe(third.access_token);
    expect(op.count('token')).toBe(3);
  });
});

describe('a notification of the provider that the other replica gets', () => {
  async function waiting(mode: 'ping' | 'push') {
    // The replica that waits learns of a ping by its next poll.
    op.backchannelResponse((members) => ({ ...members, interval: 1 }));
    const [one, other] = await replicas({
      backchannel_token_delivery_mode: mode,
      backchannel_client_notification_endpoint: `https://app.test${PATH}`,
    });
    const request = await clientAt(one).backchannelAuthentication({ login_hint: 'alice' });
    const token = String(op.last('backchannel-authentication').form['client_notification_token']);
    const notify = (body: object, bearer = token) =>
      other.post(PATH, JSON.stringify(body), {
        'content-type': 'application/json',
        authorization: `Bearer ${bearer}`,
      });
    return { request, token, notify };
  }

  it('as a ping is taken, and brings the tokens to the one that waits', async () => {
    const { request, token, notify } = await waiting('ping');
    const tokens = request.tokens();
    op.decide(request.auth_req_id, 'approved');
    expect((await notify({ auth_req_id: request.auth_req_id })).status).toBe(204);
    expect((await tokens).idToken?.sub).toBe('alice');
    const { text } = await stored();
    expect([text.includes(token), text.includes(request.auth_req_id)]).toEqual([false, false]);
  });

  it('as a push is handed to the one that waits, sealed and once', async () => {
    const { request, token, notify } = await waiting('push');
    op.decide(request.auth_req_id, 'approved');
    const body = await op.push(request.auth_req_id);
    expect((await notify(body)).status).toBe(204);
    const before = await stored();
    expect(before.keys).toEqual(['backchannel-arrived', 'backchannel-expected']);
    const secrets = [token, request.auth_req_id, body['access_token'], body['id_token']].map(String);
    expect(secrets.filter((secret) => before.text.includes(secret))).toEqual([]);
    expect(before.lifetimes.every((left) => left > 0 && left <= 600_000)).toBe(true);
    expect((await request.tokens()).tokens.access_token).toBe(body['access_token']);
    expect((await stored()).keys).toEqual(['backchannel-expected']);
    expect(op.count('token')).toBe(0);
  });

  it('is refused with another token, or for another request', async () => {
    const { request, notify } = await waiting('ping');
    expect((await notify({ auth_req_id: request.auth_req_id }, 'A'.repeat(43))).status).toBe(401);
    expect((await notify({ auth_req_id: 'other' })).status).toBe(401);
  });
});
