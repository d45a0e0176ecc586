import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { inspect } from 'node:util';

import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { createClient } from 'redis';

import { RedisStore, type RedisClient } from '../../../lib/storage/redis-store.js';
import { keepsTheContract } from '../../support/store/store-contract.js';
import { PATIENT, RedisServer } from './redis-server.js';
import { expectWithin } from '../../support/within.js';

interface Connected {
  readonly client: RedisClient;
  close(): unknown;
}

const CLIENTS: readonly [name: string, connect: (port: number) => Promise<Connected>][] = [
  [
    'ioredis',
    async (port) => {
      const client = new Redis(port, '127.0.0.1', { retryStrategy: () => 20 });
      client.on('error', () => undefined);
      await once(client, 'ready');
      return { client, close: () => client.disconnect() };
    },
  ],
  [
    'redis',
    async (port) => {
      const client = createClient({ url: `redis://127.0.0.1:${port}`, socket: { reconnectStrategy: () => 20 } });
      client.on('error', () => undefined);
      await client.connect();
      return { client, close: () => client.destroy() };
    },
  ],
];

describe.each(CLIENTS)('RedisStore over %s', (_name, connect) => {
  let server: RedisServer;
  let redis: Connected;
  let store: RedisStore;

  beforeAll(async () => {
    server = await RedisServer.start();
    redis = await connect(server.port);
    store = new RedisStore(redis.client, PATIENT);
  });

  afterAll(async () => {
    await redis.close();
    await server.kill();
  });

  keepsTheContract(() => store);

  it('REDIS-14 writes no key without a lifetime', async () => {
    const reader = new Redis(server.port, '127.0.0.1');
    await store.set('set', 'x', 5000.2);
    await store.claim('claimed', 'x', 5000);
    await store.set('replaced', 'x', 5000);
    await store.replace('replaced', 'x', 'y', 5000);
    await store.add('added', 'x', 5000);
    await store.add('added', 'y', 10);
    for (const key of ['set', 'claimed', 'replaced', 'added'].map((name) => `nestjs-oidc:${name}`)) {
      expect(await reader.pttl(key)).toBeGreaterThan(4000);
      expect(await reader.pttl(key)).toBeLessThanOrEqual(5001);
    }
    const keys = await reader.keys('nestjs-oidc:*');
    const lifetimes = await Promise.all(keys.map((key) => reader.pttl(key)));
    expect(lifetimes.filter((lifetime) => lifetime < 0)).toEqual([]);
    reader.disconnect();
  });

  it('REDIS-03 waits for no Redis that is silent, and goes on when it is back', async () => {
    const impatient = new RedisStore(redis.client, { commandTimeout: 100 });
    server.pause();
    await expect(impatient.get('a')).rejects.toMatchObject({ name: 'StoreError', code: 'STORE_TIMEOUT' });
    await expectWithin(50, () =>
      expect(impatient.claim('a', '', 1000)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' }),
    );
    server.resume();
    await store.set('after', 'x', 5000);
    expect(await store.get('after')).toBe('x');
  });

  it('fails at once while Redis is gone, and works again with the same client', async () => {
    const fresh = new RedisStore(redis.client);
    await server.kill();
    await expect(settled(fresh, false)).resolves.toMatch(/^STORE_(UNAVAILABLE|TIMEOUT)$/);
    await server.resurrect();
    await expect(settled(fresh, true)).resolves.toBe('works');
  });
});

/** Asks until the store is as wanted: the client notices a connection's end and a new one by itself. */
async function settled(store: RedisStore, works: boolean): Promise<string> {
  for (;;) {
    const outcome = await Promise.resolve(store.set('alive', 'x', 1000)).then(
      () => 'works',
      (error: { code: string }) => error.code,
    );
    if ((outcome === 'works') === works) {
      return outcome;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('what Redis answers instead', () => {
  const servers: Server[] = [];
  const closers: (() => unknown)[] = [];

  afterEach(async () => {
    closers.splice(0).forEach((close) => close());
    await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
  });

  /** Speaks as much of the protocol as one client needs; `replies` are for the commands of the test, in order. */
  const listening = async (replies: string[]) => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', (data) => {
        for (const command of data.toString().split(/(?=\*\d+\r\n\$)/)) {
          const isOurs = /\r\n(get|set)\r\n/i.test(command) && command.includes('nestjs-oidc:');
          socket.write(isOurs ? `${replies.shift()}\r\n` : '+OK\r\n');
        }
      });
    }).listen(0, '127.0.0.1');
    servers.push(server);
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };

  const fake = async (replies: string[]) => {
    const client = new Redis({
      port: await listening(replies),
      host: '127.0.0.1',
      username: 'somebody',
      password: 'pw-of-the-test',
      enableReadyCheck: false,
      retryStrategy: () => null,
    });
    client.on('error', () => undefined);
    closers.push(() => client.disconnect());
    await once(client, 'ready');
    return new RedisStore(client, PATIENT);
  };

  it.each(['READONLY', 'MOVED 1 127.0.0.1:1', 'LOADING', 'TRYAGAIN', 'CLUSTERDOWN'])(
    'REDIS-12 asks once more after %s',
    async (reply) => {
      const store = await fake([`-${reply} not now`, '$3\r\nyes']);
      expect(await store.get('a')).toBe('yes');
    },
  );

  it('REDIS-12 and no more than once', async () => {
    const store = await fake(['-LOADING not now', '-LOADING not now', '$3\r\nyes']);
    await expect(store.get('a')).rejects.toMatchObject({ name: 'StoreError', code: 'STORE_UNAVAILABLE' });
  });

  it.each(CLIENTS)(
    'REDIS-12 a proof is claimed in spite of one such answer, and not of two: %s',
    async (_name, connect) => {
      const { client, close } = await connect(await listening(['-READONLY not now', '+OK', '-READONLY', '-READONLY']));
      closers.push(close);
      const store = new RedisStore(client, PATIENT);
      expect(await store.claim('a', '1', 1000)).toBe(true);
      await expect(store.claim('b', '1', 1000)).rejects.toMatchObject({
        name: 'StoreError',
        code: 'STORE_UNAVAILABLE',
        cause: { reply: 'READONLY' },
      });
    },
  );

  it('REDIS-16 shows nothing of the connection or of the key', async () => {
    const store = await fake(['-ERR user somebody pw-of-the-test may not read nestjs-oidc:secret-key']);
    const error: unknown = await Promise.resolve(store.get('secret-key')).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE', cause: { reply: 'ERR' } });
    const shown = inspect(error, { depth: 9 }) + JSON.stringify(error);
    expect(shown).not.toMatch(/somebody|pw-of-the-test|secret-key|127\.0\.0\.1:\d/);
  });

  it('takes a value of another type for a failure, not for a value', async () => {
    const store = await fake(['-WRONGTYPE Operation against a key holding the wrong kind of value']);
    await expect(store.get('a')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', cause: { reply: 'WRONGTYPE' } });
  });
});
