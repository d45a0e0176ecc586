import { Pool } from 'undici';

import { awake, loadOf, startProcess, takeTurns } from '../measure.js';

/** The sides, each in a process of its own, and a provider for them. */
async function applications(names, adapter) {
  const provider = await startProcess('./provider.js');
  const running = {};
  for (const name of names) {
    running[name] = await startProcess('./application.js', name, adapter, provider.issuer);
  }
  return {
    provider,
    running,
    async stop() {
      await Promise.all(Object.values(running).map((application) => application.stop()));
      await provider.stop();
    },
  };
}

/** Calls the guarded route of an application; its CPU time is what counts. */
async function requests(application, operations, inFlight, tokenOf) {
  const pool = new Pool(application.origin, { connections: inFlight });
  const call = async (index) => {
    const { statusCode, body } = await pool.request({
      path: '/orders',
      method: 'GET',
      headers: { authorization: `Bearer ${tokenOf(index)}` },
    });
    await body.dump();
    if (statusCode !== 200) throw new Error(`The application answered ${statusCode}`);
  };
  const figures = await loadOf(application, call, { operations, inFlight });
  await pool.close();
  return figures;
}

/**
 * The sides of a guarded route, each round of each in a process of its own: what the compiler makes of the same code
 * differs by a quarter from one process to the next, and stays as it is within one.
 */
export async function againstUnguarded(adapter, names, { fresh, scale }, tokensOf) {
  const provider = await startProcess('./provider.js');
  const tokens = await tokensOf(provider);
  const side = (name) => async () => {
    const application = await startProcess('./application.js', name, adapter, provider.issuer);
    const tokenOf = (index) => tokens[index % tokens.length];
    const figures = await awake(async () => {
      await requests(application, Math.ceil(10_000 * scale), 32, tokenOf);
      return requests(application, Math.ceil(20_000 * scale), 32, tokenOf);
    });
    await application.stop();
    return figures;
  };
  const figures = await takeTurns(Object.fromEntries(names.map((name) => [name, side(name)])), fresh, 0);
  await provider.stop();
  const ours = names.find((name) => name.startsWith('ours'));
  const goal = {
    name: 'of the unguarded route by CPU',
    value: figures.unguarded.cpu / figures[ours].cpu,
    least: adapter === 'fastify' ? 0.85 : 0.9,
  };
  return { variant: adapter, figures, goals: [goal] };
}

export const guardCached = {
  id: 'P3',
  what: 'guarded route, cached, 32 in flight',
  async run(settings) {
    const tokens = Array.from({ length: 100 }, (_, index) => `ES256-${index}`);
    const names = ['unguarded', 'guard that does nothing', 'ours-cached', 'ours-watched', 'openid-client-map'];
    const results = [];
    for (const adapter of ['fastify', 'express']) {
      results.push(await againstUnguarded(adapter, names, settings, async () => tokens));
    }
    return results;
  },
};

export const guardUncached = {
  id: 'P4',
  what: 'guarded route, uncached, introspection signed with ES256, 32 in flight',
  async run({ rounds, scale }) {
    const results = [];
    for (const adapter of ['fastify', 'express']) {
      const { running, stop } = await applications(['ours', 'openid-client'], adapter);
      const side = (name) => () =>
        requests(
          running[name],
          Math.ceil(3000 * scale),
          32,
          (index) => `ES256-${name}-${process.hrtime.bigint()}-${index}`,
        );
      const figures = await takeTurns({ ours: side('ours'), 'openid-client': side('openid-client') }, rounds);
      await stop();
      results.push({
        variant: adapter,
        figures,
        goals: [{ name: '× openid-client by CPU', value: figures['openid-client'].cpu / figures.ours.cpu, least: 2.5 }],
      });
    }
    return results;
  },
};

export const oneToken = {
  id: 'P6',
  what: '1,000 requests at once with one token, cold',
  async run() {
    const { provider, running, stop } = await applications(['ours-cached', 'openid-client'], 'fastify');
    const figures = {};
    for (const name of Object.keys(running)) {
      await requests(running[name], 1, 1, () => `ES256-warm`);
      await provider.ask('count');
      await requests(running[name], 1000, 1000, () => `ES256-${name}-one`);
      figures[name] = { calls: (await provider.ask('count')).introspections };
    }
    await stop();
    return [{ figures, goals: [{ name: 'calls upstream', value: figures['ours-cached'].calls, most: 1 }] }];
  },
};
