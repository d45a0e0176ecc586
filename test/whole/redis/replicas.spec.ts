import { execFile, fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { promisify } from 'node:util';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { request } from 'undici';

import type { Adapter } from '../../support/app/apps.js';
import { HostileProvider } from '../../support/provider/hostile-provider.js';
import { CLIENT_SECRET } from '../../support/provider/provider.js';
import { dpopKey, dpopProof } from '../../support/tokens/dpop.js';
import { RedisServer } from './redis-server.js';

const root = resolve(import.meta.dirname, '../../..');
/** Within the project, so that what the library imports is found. */
const library = resolve(root, `node_modules/.cache/nestjs-oidc-replica-${process.pid}`);

class Replica {
  private constructor(
    readonly process: ChildProcess,
    readonly address: string,
  ) {}

  static async start(adapter: Adapter, op: HostileProvider, redis: RedisServer): Promise<Replica> {
    const args = [adapter, library, op.issuer, CLIENT_SECRET, String(redis.port), String(op.clock.now())];
    const child = fork(resolve(import.meta.dirname, 'replica.js'), args, { execArgv: [] });
    const [address] = await once(child, 'message');
    return new Replica(child, String(address));
  }

  async get(token: string, proof?: string): Promise<number> {
    const headers =
      proof === undefined ? { authorization: `Bearer ${token}` } : { authorization: `DPoP ${token}`, dpop: proof };
    const { statusCode, body } = await request(`${this.address}/orders`, { headers });
    await body.dump();
    return statusCode;
  }

  async forget(token: string): Promise<void> {
    const told = once(this.process, 'message');
    this.process.send(token);
    await told;
  }

  async stop(): Promise<void> {
    const ended = once(this.process, 'exit');
    this.process.disconnect();
    await ended;
  }
}

describe('two processes with one Redis, on Express and on Fastify', () => {
  let redis: RedisServer;
  let op: HostileProvider;
  let one: Replica;
  let other: Replica;

  beforeAll(async () => {
    const tsc = resolve(root, 'node_modules/typescript/bin/tsc');
    await promisify(execFile)(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--outDir', library], { cwd: root });
    await writeFile(resolve(library, 'package.json'), '{"type":"module"}');
  }, 60_000);

  afterAll(() => rm(library, { recursive: true, force: true }));

  beforeEach(async () => {
    [redis, op] = await Promise.all([RedisServer.start(), HostileProvider.start()]);
    op.register({ client_id: 'rp1', client_secret: CLIENT_SECRET });
    [one, other] = await Promise.all([Replica.start('express', op, redis), Replica.start('fastify', op, redis)]);
  });

  afterEach(async () => {
    await Promise.all([one.stop(), other.stop()]);
    await Promise.all([redis.kill(), op.close()]);
  });

  it('what one has asked the other need not, and nothing of the token stands in Redis', async () => {
    const token = op.issue();
    expect([await one.get(token), await other.get(token)]).toEqual([200, 200]);
    expect(op.count('introspect')).toBe(1);
    const reader = new Redis(redis.port, '127.0.0.1');
    const keys = await reader.keys('*');
    const values = await Promise.all(keys.map((key) => reader.get(key)));
    expect(keys).toHaveLength(1);
    expect([...keys, ...values].join(' ')).not.toMatch(new RegExp(`${token}|alice|orders:read`));
    reader.disconnect();
  });

  it('REDIS-15 what is forgotten at one is asked about anew at the other', async () => {
    const token = op.issue();
    await one.get(token);
    op.expire(token);
    expect(await other.get(token)).toBe(200);
    await one.forget(token);
    expect([await other.get(token), await one.get(token)]).toEqual([401, 401]);
  });

  it('DPOP-24 DPOP-27 a proof is used once, at whichever', async () => {
    const key = dpopKey();
    const token = op.issue({ cnf: { jkt: key.jkt } });
    const proof = () => dpopProof(key, { url: 'https://api.test/orders', accessToken: token });
    const first = proof();
    expect([await one.get(token, first), await other.get(token, first)]).toEqual([200, 401]);
    const second = proof();
    const all = await Promise.all(
      Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? one : other).get(token, second)),
    );
    expect(all.filter((status) => status === 200)).toHaveLength(1);
    expect(all.filter((status) => status === 401)).toHaveLength(19);
  });

  it('DPOP-28 without Redis no proof is believed, and tokens are asked about one by one', async () => {
    const key = dpopKey();
    const [bound, plain] = [op.issue({ cnf: { jkt: key.jkt } }), op.issue()];
    await redis.kill();
    const proof = dpopProof(key, { url: 'https://api.test/orders', accessToken: bound });
    expect(await one.get(bound, proof)).toBe(503);
    expect([await one.get(plain), await one.get(plain)]).toEqual([200, 200]);
  });

  it('CACHE-13 what somebody else writes into Redis grants nothing', async () => {
    const token = op.issue();
    await one.get(token);
    const reader = new Redis(redis.port, '127.0.0.1');
    const [key = ''] = await reader.keys('*');
    op.expire(token);
    for (const forged of ['{"active":true}', 'null', '']) {
      await reader.set(key, forged);
      expect(await other.get(token)).toBe(401);
    }
    reader.disconnect();
  });
});
