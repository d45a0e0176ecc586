import { Pool } from 'undici';

import { RedisServer, redisServerPath } from '../../whole/redis/redis-server.js';
import { logIn, visit } from '../browsing.js';
import { awake, loadOf, startProcess, takeTurns } from '../measure.js';

const SESSIONS = 100;

/** The cookies of so many people who are signed in. */
async function signIn(name, pool, providerPool) {
  const one = async () => {
    if (name === 'unguarded') return 'nobody=1';
    if (name.startsWith('ours')) return logIn(pool, providerPool);
    return (await visit(pool, '/auth/login', { method: 'POST', status: 201 })).cookie;
  };
  const cookies = [];
  for (let index = 0; index < SESSIONS; index += 1) cookies.push(await one());
  return cookies;
}

/** A side, each round in a process of its own, as with the rows of guards. */
function sideOf(name, adapter, { provider, providerPool, redis }, scale) {
  return async () => {
    const application = await startProcess('./session-application.js', name, adapter, provider.issuer, redis.port);
    const pool = new Pool(application.origin, { connections: 32 });
    const cookies = await signIn(name, pool, providerPool);
    const call = (index) => visit(pool, '/auth/me', { cookie: cookies[index % SESSIONS], status: 200 });
    const figures = await awake(async () => {
      await loadOf(application, call, { operations: Math.ceil(5000 * scale), inFlight: 32 });
      return loadOf(application, call, { operations: Math.ceil(10_000 * scale), inFlight: 32 });
    });
    await pool.close();
    await application.stop();
    return figures;
  };
}

export const session = {
  id: 'P11',
  what: `a request with a session, ${SESSIONS} sessions, 32 in flight`,
  async run({ fresh, scale }) {
    if (redisServerPath === undefined) return [];
    const [provider, redis] = [await startProcess('./provider.js'), await RedisServer.start()];
    const providerPool = new Pool(provider.issuer);
    const results = [];
    for (const [adapter, names] of [
      ['express', ['unguarded', 'ours, in Redis', 'ours, in cookies', 'express-session, in Redis']],
      ['fastify', ['unguarded', 'ours, in Redis', 'ours, in cookies']],
    ]) {
      const sides = names.map((name) => [name, sideOf(name, adapter, { provider, providerPool, redis }, scale)]);
      const figures = await takeTurns(Object.fromEntries(sides), fresh, 0);
      const peer = figures['express-session, in Redis']?.cpu;
      const goals =
        peer === undefined
          ? []
          : ['ours, in Redis', 'ours, in cookies'].map((name) => ({
              name: `× express-session with connect-redis by CPU, ${name}`,
              value: peer / figures[name].cpu,
              least: 1,
            }));
      results.push({ variant: adapter, figures, goals });
    }
    await providerPool.close();
    await provider.stop();
    await redis.kill();
    return results;
  },
};
