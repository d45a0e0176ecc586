import { setTimeout } from 'node:timers/promises';

import { afterEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { createClient } from 'redis';

import { RedisStore } from '../../../lib/storage/redis-store.js';
import { AUDIENCE, createApp, onBothAdapters, type TestApp } from '../../support/app/apps.js';
import { dpopKey, dpopProof } from '../../support/tokens/dpop.js';
import { PATIENT, RedisServer } from './redis-server.js';

const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0)) {
    await close();
  }
});

async function started(...options: readonly string[]): Promise<RedisServer> {
  const server = await RedisServer.start(...options);
  closers.push(() => server.kill());
  return server;
}

function connected({ port }: RedisServer, retryAfter: number | null = 20): Redis {
  const redis = new Redis(port, '127.0.0.1', { retryStrategy: () => retryAfter });
  redis.on('error', () => undefined);
  closers.unshift(async () => {
    if (redis.status !== 'end') {
      const ended = new Promise((resolve) => redis.once('end', resolve));
      redis.disconnect();
      await ended;
    }
  });
  return redis;
}

const ofRedis = (app: TestApp, words: string) => app.logs.filter(({ message }) => String(message).includes(words));

const SHARED = { audience: AUDIENCE, resource: AUDIENCE, cache: { ttl: 30 }, dpop: {} };

describe('REDIS-10 what may make Redis forget a proof', () => {
  const EVICTING = ['--maxmemory', '50mb', '--maxmemory-policy', 'allkeys-lru'];

  it('is told at boot', async () => {
    const store = new RedisStore(connected(await started(...EVICTING)));
    const app = await createApp({ adapter: 'fastify', options: { store, resourceServer: SHARED } });
    while (ofRedis(app, 'noeviction').length === 0) {
      await setTimeout(5);
    }
    expect(ofRedis(app, 'noeviction').map(({ level }) => level)).toEqual(['warn']);
  });

  it('is nothing where Redis evicts nothing, or does not say', async () => {
    expect(await new RedisStore(connected(await started())).weakness()).toBeUndefined();
    const silent = connected(await started('--rename-command', 'CONFIG', '""'));
    expect(await new RedisStore(silent).weakness()).toBeUndefined();
    const gone = await started();
    await gone.kill();
    expect(await new RedisStore(connected(gone, null)).weakness()).toBeUndefined();
  });

  it('is found with the other client too', async () => {
    const { port } = await started(...EVICTING);
    const client = createClient({ url: `redis://127.0.0.1:${port}` });
    await client.connect();
    closers.unshift(() => client.destroy());
    expect(await new RedisStore(client).weakness()).toMatch(/^The maxmemory-policy of Redis is not noeviction/);
  });
});

onBothAdapters((adapter) => {
  it('REDIS-01 an application starts while Redis is down, says so once, and uses it when it is there', async () => {
    const server = await started();
    await server.kill();
    const redis = connected(server);
    const options = { store: new RedisStore(redis, PATIENT), resourceServer: SHARED };
    const app = await createApp({ adapter, options });
    const token = app.op.issue();
    expect((await app.call('/orders', token)).status).toBe(200);
    expect((await app.call('/orders', token)).status).toBe(200);
    expect(app.op.count('introspect')).toBe(2);
    expect(ofRedis(app, 'Introspections are not shared at the moment: STORE_UNAVAILABLE')).toHaveLength(1);

    const key = dpopKey();
    const bound = app.op.issue({ cnf: { jkt: key.jkt } });
    const proven = () =>
      app.get('/orders', {
        authorization: `DPoP ${bound}`,
        dpop: dpopProof(key, { url: `${AUDIENCE}/orders`, accessToken: bound, at: app.clock.seconds }),
      });
    const refused = await proven();
    expect([refused.status, app.lastCode]).toEqual([503, 'STORE_UNAVAILABLE']);

    const ready = new Promise((resolve) => redis.once('ready', resolve));
    await server.resurrect();
    await ready;
    expect((await proven()).status).toBe(200);
    await app.call('/orders', token);
    await app.call('/orders', token);
    // Two before, one for the bound token at each of two calls, and one that is kept.
    expect(app.op.count('introspect')).toBe(5);
  });
});
