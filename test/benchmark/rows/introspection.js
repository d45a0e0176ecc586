import { tokenIntrospection } from 'openid-client';

import { floor, openidClient, ours } from '../clients.js';
import { load, startProcess, takeTurns } from '../measure.js';

async function introspection(alg, { rounds, scale }) {
  const provider = await startProcess('./provider.js');
  const client = await ours(provider.issuer, alg ? { introspection_signed_response_alg: alg } : {});
  const least = await floor(provider.issuer, alg);
  const peer = await openidClient(provider.issuer, alg);
  const prefix = alg ?? 'json';
  const side = (introspect, operations) => () =>
    load((index) => introspect(`${prefix}-${index}`), { operations: Math.ceil(operations * scale), inFlight: 32 });
  const figures = await takeTurns(
    {
      floor: side(least, 12_000),
      ours: side((token) => client.introspect(token), 12_000),
      'openid-client': side((token) => tokenIntrospection(peer, token), 4000),
    },
    rounds,
  );
  await provider.stop();
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
