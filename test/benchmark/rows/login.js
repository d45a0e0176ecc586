import { Pool } from 'undici';

import { logIn } from '../browsing.js';
import { loadOf, startProcess, takeTurns } from '../measure.js';

export const login = {
  id: 'P7',
  what: 'a whole login, start and callback, in a Nest application, 8 in flight',
  async run({ rounds, scale }) {
    const provider = await startProcess('./provider.js');
    const sides = {
      floor: ['floor', 'express'],
      ours: ['ours', 'express'],
      'openid-client': ['openid-client', 'express'],
      'passport-openidconnect': ['passport-openidconnect', 'express'],
      'ours on Fastify': ['ours', 'fastify'],
      'floor on Fastify': ['floor', 'fastify'],
    };
    const providerPool = new Pool(provider.issuer);
    const running = [];
    const measures = {};
    for (const [label, [name, adapter]] of Object.entries(sides)) {
      const application = await startProcess('./login-application.js', name, provider.issuer, adapter);
      running.push(application);
      measures[label] = async () => {
        const pool = new Pool(application.origin);
        const settings = { operations: Math.ceil(1200 * scale), inFlight: 8 };
        const figures = await loadOf(application, () => logIn(pool, providerPool), settings);
        await pool.close();
        return figures;
      };
    }
    const figures = await takeTurns(measures, rounds);
    await Promise.all(running.map((application) => application.stop()));
    await provider.stop();
    const best = Math.min(figures['openid-client'].cpu, figures['passport-openidconnect'].cpu);
    return [
      {
        figures,
        goals: [
          { name: '× the best peer by CPU', value: best / figures.ours.cpu, least: 2 },
          { name: '× the best peer by CPU, on Fastify', value: best / figures['ours on Fastify'].cpu, least: 2 },
        ],
      },
    ];
  },
};
