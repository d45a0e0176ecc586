import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { request } from 'undici';

import type { Adapter } from '../../support/app/apps.js';
import { HostileProvider } from '../../support/provider/hostile-provider.js';
import { CLIENT_SECRET } from '../../support/provider/provider.js';
import { dpopKey, dpopProof } from '../../support/tokens/dpop.js';
import { ApplicationProcess, BuiltLibrary } from './application-process.js';
import { RedisServer } from './redis-server.js';

async function get({ address }: ApplicationProcess, token: string, proof?: string): Promise<number> {
  const headers =
    proof === undefined ? { authorization: `Bearer ${token}` } : { authorization: `DPoP ${token}`, dpop: proof };
  const { statusCode, body } = await request(`${address}/orders`, { headers });
  await body.dump();
  return statusCode;
}

describe('two processes with one Redis, on Express and on Fastify', () => {
  let redis: RedisServer;
  let op: HostileProvider;
  let library: BuiltLibrary;
  let one: ApplicationProcess;
  let other: ApplicationProcess;

  beforeAll(async () => {
    library = await BuiltLibrary.build();
  });

  afterAll(() => library.remove());

  const start = (adapter: Adapter) => {
    const args = [library.path, op.issuer, CLIENT_SECRET, String(redis.port), String(op.clock.now())];
    return ApplicationProcess.start('replica.js', adapter, ...args);
  };

  beforeEach(async () => {
    [redis, op] = await Promise.all([RedisServer.start(), HostileProvider.start()]);
    op.register({ client_id: 'rp1', client_secret: CLIENT_SECRET });
    [one, other] = await Promise.all([start('express'), start('fastify')]);
  });

  afterEach(async () => {
    await Promise.all([one.stop(), other.stop()]);
    await Promise.all([redis.kill(), op.close()]);
  });

  it('what one has asked the other need not, and nothing of the token stands in Redis', async () => {
    const token = op.issue();
    expect([await get(one, token), await get(other, token)]).toEqual([200, 200]);
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
    await get(one, token);
    op.expire(token);
    expect(await get(other, token)).toBe(200);
    await one.tell(token);
    expect([await get(other, token), await get(one, token)]).toEqual([401, 401]);
  });

  it('DPOP-24 DPOP-27 a proof is used once, at whichever', async () => {
    const key = dpopKey();
    const token = op.issue({ cnf: { jkt: key.jkt } });
    const proof = () => dpopProof(key, { url: 'https://api.test/orders', accessToken: token });
    const first = proof();
    expect([await get(one, token, first), await get(other, token, first)]).toEqual([200, 401]);
    const second = proof();
    const all = await Promise.all(
      Array.from({ length: 20 }, (_, index) => get(index % 2 === 0 ? one : other, token, second)),
    );
    expect(all.filter((status) => status === 200)).toHaveLength(1);
    expect(all.filter((status) => status === 401)).toHaveLength(19);
  });

  it('DPOP-28 without Redis no proof is believed, and tokens are asked about one by one', async () => {
    const key = dpopKey();
    const [bound, plain] = [op.issue({ cnf: { jkt: key.jkt } }), op.issue()];
    await redis.kill();
    const proof = dpopProof(key, { url: 'https://api.test/orders', accessToken: bound });
    expect(await get(one, bound, proof)).toBe(503);
    expect([await get(one, plain), await get(one, plain)]).toEqual([200, 200]);
  });

  it('CACHE-13 what somebody else writes into Redis grants nothing', async () => {
    const token = op.issue();
    await get(one, token);
    const reader = new Redis(redis.port, '127.0.0.1');
    const [key = ''] = await reader.keys('*');
    op.expire(token);
    for (const forged of ['{"active":true}', 'null', '']) {
      await reader.set(key, forged);
      expect(await get(other, token)).toBe(401);
    }
    reader.disconnect();
  });
});
