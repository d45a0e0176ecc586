import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';

import { OidcSession } from '../../../lib/index.js';
import { RedisStore } from '../../../lib/storage/redis-store.js';
import { createApp, onBothAdapters } from '../../support/app/apps.js';
import { Browser } from '../../support/browser/browser.js';
import { startProvider } from '../../support/provider/provider.js';
import { PATIENT, RedisServer } from './redis-server.js';

const ORIGIN = 'https://app.test';

const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0)) {
    await close();
  }
});

/** A Redis that has what it was told after a restart too. */
async function durable() {
  const folder = await mkdtemp(join(tmpdir(), 'oidc-sessions-'));
  const server = await RedisServer.start('--appendonly', 'yes', '--appendfsync', 'always', '--dir', folder);
  const redis = new Redis(server.port, '127.0.0.1', { retryStrategy: () => 20 });
  redis.on('error', () => undefined);
  await once(redis, 'ready');
  closers.push(
    () => redis.disconnect(),
    () => server.kill(),
    () => rm(folder, { recursive: true }),
  );
  return { server, redis, store: new RedisStore(redis, PATIENT) };
}

/** Unlike `once` of Node, in spite of the errors that come before it. */
const event = (redis: Redis, name: string) => new Promise((resolve) => redis.once(name, resolve));

onBothAdapters((adapter) => {
  it('REDIS-02 REDIS-14 sessions go from replica to replica, wait for Redis, and end at all of them', async () => {
    const { server, redis, store } = await durable();
    const op = await startProvider();
    const boot = () => createApp({ adapter, op, publicUrl: ORIGIN, options: { store } });
    const [one, other] = [await boot(), await boot()];
    const browser = new Browser(one);
    const begun = await browser.startLogin();
    browser.knows(ORIGIN, other.address);
    expect((await browser.finishLogin(begun)).status).toBe(303);
    browser.knows(ORIGIN, one.address);
    expect((await browser.get('/me')).status).toBe(200);

    const keys = await redis.keys('nestjs-oidc:*');
    expect(keys.map((key) => key.split(':')[1]).toSorted()).toEqual(['session', 'sessions-of', 'tokens-of']);
    for (const key of keys) {
      expect(await redis.pttl(key)).toBeGreaterThan(28_000_000);
    }

    const closed = event(redis, 'close');
    await server.kill();
    await closed;
    const down = await browser.get('/me');
    expect([down.status, down.header('retry-after'), down.setCookies]).toEqual([503, '5', []]);
    const ready = event(redis, 'ready');
    await server.resurrect();
    await ready;
    expect((await browser.get('/me')).status).toBe(200);

    await other.nest.get(OidcSession).endAll('alice');
    expect((await browser.get('/me')).status).toBe(401);
    expect(await redis.keys('nestjs-oidc:*')).toEqual([]);
  });
});
