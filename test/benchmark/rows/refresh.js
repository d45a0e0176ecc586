import { Pool } from 'undici';

import { RedisServer, redisServerPath } from '../../whole/redis/redis-server.js';
import { logIn, visit } from '../browsing.js';
import { median, startProcess } from '../measure.js';

const CALLERS = 40;

/** Milliseconds after which the provider's access tokens have expired. */
const EXPIRED = 61_000;

/** Forty requests of one session with an expired access token, at once, so many rounds. */
async function measure(name, count, provider, redis, rounds) {
  const [issuer, port] = [provider.issuer, redis?.port ?? 0];
  const first = await startProcess('./session-application.js', name, 'fastify', issuer, port);
  const applications = [first];
  while (applications.length < count) {
    applications.push(await startProcess('./session-application.js', name, 'fastify', issuer, port, first.origin));
  }
  const pools = applications.map(({ origin }) => new Pool(origin, { connections: CALLERS }));
  const providerPool = new Pool(issuer);
  const all = [];
  for (let round = 0; round <= rounds; round += 1) {
    const cookie = await logIn(pools[0], providerPool);
    const call = (_, index) => visit(pools[index % count], '/auth/me', { cookie, status: 200 });
    await Promise.all(Array.from({ length: CALLERS }, call));
    await Promise.all(applications.map((application) => application.ask(EXPIRED)));
    await provider.ask({});
    const began = performance.now();
    await Promise.all(Array.from({ length: CALLERS }, call));
    const milliseconds = performance.now() - began;
    const { refreshes } = await provider.ask({});
    all.push({ calls: refreshes, milliseconds });
  }
  await Promise.all([...pools, providerPool].map((pool) => pool.close()));
  await Promise.all(applications.map((application) => application.stop()));
  // The first round warms up.
  const counted = all.slice(1);
  return {
    calls: Math.max(...counted.map(({ calls }) => calls)),
    milliseconds: median(counted.map((one) => one.milliseconds)),
  };
}

export const refresh = {
  id: 'P12',
  what: `${CALLERS} requests of one session at once, its access token expired, a provider that rotates; the most calls of a round`,
  async run({ rounds }) {
    const provider = await startProcess('./provider.js');
    const inCookies = 'ours, in cookies with tokens';
    const figures = { [inCookies]: await measure(inCookies, 1, provider, undefined, rounds) };
    if (redisServerPath !== undefined) {
      const redis = await RedisServer.start();
      figures['ours, in Redis'] = await measure('ours, in Redis', 1, provider, redis, rounds);
      figures['ours, 3 processes'] = await measure('ours, in Redis', 3, provider, redis, rounds);
      await redis.kill();
    }
    await provider.stop();
    const goals = Object.entries(figures).map(([name, { calls }]) => ({
      name: `refreshes, ${name}`,
      value: calls,
      most: 1,
    }));
    return [{ figures, goals }];
  },
};
