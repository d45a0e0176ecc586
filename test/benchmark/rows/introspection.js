import { startProcess, takeTurns } from '../measure.js';

async function introspection(alg, { rounds, scale }) {
  const provider = await startProcess('./provider.js');
  const sides = {};
  const processes = [];
  for (const [name, operations] of Object.entries({ floor: 12_000, ours: 12_000, 'openid-client': 4000 })) {
    const one = await startProcess('./introspecting.js', name, provider.issuer, ...(alg ? [alg] : []));
    processes.push(one);
    sides[name] = () => one.ask({ operations: Math.ceil(operations * scale), inFlight: 32 });
  }
  const figures = await takeTurns(sides, rounds);
  await Promise.all([...processes, provider].map((one) => one.stop()));
  return figures;
}

const against = (figures, name) => figures.ours.perSecond / figures[name].perSecond;

export const p1 = {
  id: 'P1',
  what: 'introspect, JSON, 32 in flight',
  async run(settings) {
    const figures = await introspection(undefined, settings);
    return [
      {
        figures,
        goals: [
          { name: 'of the floor', value: against(figures, 'floor'), least: 0.8 },
          { name: '× openid-client', value: against(figures, 'openid-client'), least: 4 },
        ],
      },
    ];
  },
};

export const p2 = {
  id: 'P2',
  what: 'introspect, signed, 32 in flight',
  async run(settings) {
    const results = [];
    for (const alg of ['RS256', 'ES256', 'EdDSA']) {
      const figures = await introspection(alg, settings);
      results.push({
        variant: alg,
        figures,
        goals: [
          { name: 'of the floor', value: against(figures, 'floor'), least: 0.85 },
          { name: '× openid-client', value: against(figures, 'openid-client'), least: 3 },
        ],
      });
    }
    return results;
  },
};
