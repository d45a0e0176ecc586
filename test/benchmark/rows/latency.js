import { Pool } from 'undici';

import { RedisServer, redisServerPath } from '../../whole/redis/redis-server.js';
import { startProcess } from '../measure.js';

const TOKENS = 200;

/** Calls the applications in turn for a while; milliseconds of each request. */
async function latencies(pools, inFlight, milliseconds) {
  const found = [];
  const end = performance.now() + milliseconds;
  let next = 0;
  const worker = async () => {
    while (performance.now() < end) {
      next += 1;
      const began = performance.now();
      const { statusCode, body } = await pools[next % pools.length].request({
        path: '/orders',
        method: 'GET',
        headers: { authorization: `Bearer ES256-${Math.floor(next / pools.length) % TOKENS}` },
      });
      await body.dump();
      if (statusCode !== 200) throw new Error(`The application answered ${statusCode}`);
      found.push(performance.now() - began);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  return found.toSorted((left, right) => left - right);
}

async function measure(name, count, redis, { scale }) {
  const provider = await startProcess('./provider.js');
  const applications = [];
  for (let index = 0; index < count; index += 1) {
    applications.push(await startProcess('./application.js', name, 'fastify', provider.issuer, redis?.port ?? 0));
  }
  const results = [];
  for (const inFlight of [1, 10, 100, 1000]) {
    const pools = applications.map(({ origin }) => new Pool(origin, { connections: inFlight }));
    await latencies(pools, inFlight, 500 * scale);
    await provider.ask({});
    const duration = 3000 * scale;
    const found = await latencies(pools, inFlight, duration);
    const { introspections } = await provider.ask({});
    await Promise.all(pools.map((pool) => pool.close()));
    const at = (part) => found[Math.floor(found.length * part)];
    const seconds = duration / 1000;
    results.push([
      `${inFlight} in flight`,
      { perSecond: found.length / seconds, p50: at(0.5), p99: at(0.99), upstream: introspections / seconds },
    ]);
  }
  await Promise.all(applications.map((application) => application.stop()));
  await provider.stop();
  return Object.fromEntries(results);
}

export const latency = {
  id: 'P10',
  what: `latency, ${TOKENS} tokens kept for a second each, Fastify`,
  async run(settings) {
    const results = [];
    for (const count of [1, 2]) {
      results.push({
        variant: `${count} process, each its own cache`,
        figures: await measure('ours-1s', count, undefined, settings),
      });
    }
    if (redisServerPath !== undefined) {
      const redis = await RedisServer.start();
      for (const count of [1, 2]) {
        results.push({
          variant: `${count} process, sharing Redis`,
          figures: await measure('ours-redis', count, redis, settings),
        });
      }
      await redis.kill();
    }
    return results;
  },
};
