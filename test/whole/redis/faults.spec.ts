import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';

import { afterEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';

import { OidcClient } from '../../../lib/index.js';
import { RedisStore } from '../../../lib/storage/redis-store.js';
import { AUDIENCE, createApp, onBothAdapters, type TestApp } from '../../support/app/apps.js';
import { expectBadToken, expectDependency } from '../../support/app/outcomes.js';
import { dpopKey, dpopProof } from '../../support/tokens/dpop.js';
import { PATIENT, RedisServer } from './redis-server.js';

const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0)) {
    await close();
  }
});

async function connected() {
  const server = await RedisServer.start();
  const redis = new Redis(server.port, '127.0.0.1', { retryStrategy: () => 20 });
  redis.on('error', () => undefined);
  await once(redis, 'ready');
  closers.push(
    () => redis.disconnect(),
    () => server.kill(),
  );
  return { server, redis };
}

/** Unlike `once` of Node, in spite of the errors that come before it. */
function event(redis: Redis, name: string): Promise<unknown> {
  return new Promise((resolve) => redis.once(name, resolve));
}

/** How long each fault lasts, in milliseconds; the clock of the application runs ten times as fast. */
const PHASE = 250;
const SPEED = 10;

onBothAdapters((adapter) => {
  it('REDIS-03 NET-29 whatever provider and Redis do under load, nobody wrong gets in, and nobody right is told off', async () => {
    const { server, redis } = await connected();
    const app = await createApp({
      adapter,
      options: {
        http: { timeout: 150, connectTimeout: 100 },
        resourceServer: { audience: 'https://api.test', cache: { ttl: 1, negativeTtl: 1 } },
        store: new RedisStore(redis, { commandTimeout: 50 }),
      },
    });
    const ticking = setInterval(() => app.clock.advance((5 * SPEED) / 1000), 5);
    const unhandled: unknown[] = [];
    const onUnhandled = (error: unknown) => unhandled.push(error);
    process.on('unhandledRejection', onUnhandled);
    closers.push(
      () => clearInterval(ticking),
      () => process.off('unhandledRejection', onUnhandled),
    );

    const load = startLoad(app);
    const during = async (fault: () => unknown, end: () => unknown) => {
      await fault();
      await setTimeout(PHASE);
      await end();
      // Back before the next fault, without a restart.
      await load.answers('good', 200);
      await load.answers('bad', 401);
    };
    const provider = (fault: Parameters<TestApp['op']['answer']>[1]) =>
      during(
        () => app.op.answer('introspect', fault),
        () => app.op.heal(),
      );

    await load.answers('good', 200);
    await provider('hang');
    await provider({ status: 503 });
    await provider('truncate');
    await provider('reset');
    await provider(async (_request, next) => setTimeout(100).then(next));
    let port = 0;
    await during(
      async () => (port = await app.op.die()),
      () => app.op.revive(port),
    );
    await during(
      () => server.pause(),
      () => server.resume(),
    );
    await during(
      () => server.kill(),
      () => server.resurrect(),
    );
    await load.stop();

    expect([...load.seen('good')].toSorted()).toEqual([200, 503]);
    expect([...load.seen('bad')].toSorted()).toEqual([401, 503]);
    expect(unhandled).toEqual([]);
    expect(app.errors).toEqual([]);
  });

  it.each([
    ['proofs', { dpop: {} }, 'STORE_TIMEOUT'],
    ['proofs and introspections', { dpop: {}, cache: {} }, 'STORE_UNAVAILABLE'],
  ])('REDIS-03 a Redis that is silent and keeps %s is not waited for', async (_what, keeps, code) => {
    const { server, redis } = await connected();
    const app = await createApp({
      adapter,
      options: {
        resourceServer: { audience: AUDIENCE, resource: AUDIENCE, ...keeps },
        store: new RedisStore(redis),
      },
    });
    const key = dpopKey();
    const token = app.op.issue({ cnf: { jkt: key.jkt } });
    const dpop = dpopProof(key, { url: 'https://api.test/orders', accessToken: token });
    server.pause();
    const begun = performance.now();
    expectDependency(app, await app.get('/orders', { authorization: `DPoP ${token}`, dpop }), code);
    expect(performance.now() - begun).toBeLessThan(5000);
    server.resume();
  });

  describe('with what is known of tokens in Redis', () => {
    const boot = async () => {
      const { server, redis } = await connected();
      const options = { resourceServer: { audience: AUDIENCE, cache: {} }, store: new RedisStore(redis, PATIENT) };
      return { server, redis, app: await createApp({ adapter, options }) };
    };

    it.each<[string, (redis: Redis, key: string) => Promise<unknown>]>([
      ['a list', async (redis, key) => [await redis.del(key), await redis.rpush(key, 'x', 'y')]],
      ['{', (redis, key) => redis.set(key, '{')],
      ['null', (redis, key) => redis.set(key, 'null')],
      ['"x"', (redis, key) => redis.set(key, '"x"')],
    ])('REDIS-06 an entry that became %s is asked about once and written anew', async (_what, spoil) => {
      const { redis, app } = await boot();
      const token = app.op.issue();
      await app.call('/orders', token);
      const [key = ''] = await redis.keys('nestjs-oidc:introspection:*');
      await spoil(redis, key);
      expect((await app.call('/orders', token)).status).toBe(200);
      expect((await app.call('/orders', token)).status).toBe(200);
      expect(app.op.count('introspect')).toBe(2);
      expect(await redis.type(key)).toBe('string');
      expect(await redis.pttl(key)).toBeGreaterThan(0);
      expect(await redis.keys('nestjs-oidc:*')).toEqual([key]);
    });

    it('REDIS-09 a token is revoked at the provider though Redis is gone, and the caller is told of the latter', async () => {
      const { server, redis, app } = await boot();
      const oidc = app.nest.get(OidcClient);
      const token = app.op.issue();
      expect((await app.call('/orders', token)).status).toBe(200);
      const closed = event(redis, 'close');
      await server.kill();
      await closed;
      await expect(oidc.forget(token)).rejects.toMatchObject({ name: 'StoreError', code: 'STORE_UNAVAILABLE' });
      await expect(oidc.revoke(token)).rejects.toMatchObject({ name: 'StoreError', code: 'STORE_UNAVAILABLE' });
      expect(app.op.count('revoke')).toBe(1);
      expectBadToken(app, await app.call('/orders', token), 'TOKEN_INACTIVE');
      const ready = event(redis, 'ready');
      await server.resurrect();
      await ready;
      await expect(oidc.forget(token)).resolves.toBeUndefined();
    });
  });
});

type Kind = 'good' | 'bad';

/** Callers with good tokens and with others, who never rest. */
function startLoad(app: TestApp) {
  const seen: Record<Kind, Set<number>> = { good: new Set(), bad: new Set() };
  const last: Record<Kind, number> = { good: 0, bad: 0 };
  let isRunning = true;
  const good = Array.from({ length: 5 }, () => app.op.issue({ exp: app.clock.seconds + 1e6 }));
  const bad = ['unknown', app.op.issue({ active: false }), app.op.issue({ aud: 'https://other.test' })];
  const caller = async (kind: Kind, token: string): Promise<void> => {
    while (isRunning) {
      const { status } = await app.call('/orders', token);
      seen[kind].add(status);
      last[kind] = status;
      await setTimeout(1);
    }
  };
  const callers = [...good.map((token) => caller('good', token)), ...bad.map((token) => caller('bad', token))];
  return {
    seen: (kind: Kind) => seen[kind],
    async answers(kind: Kind, status: number) {
      last[kind] = 0;
      while (last[kind] !== status) {
        await setTimeout(5);
      }
    },
    async stop() {
      isRunning = false;
      await Promise.all(callers);
    },
  };
}
