import { tokenIntrospection } from 'openid-client';

import { floor, openidClient, ours } from './clients.js';
import { load } from './measure.js';

/** A process of its own that introspects, one way: what the compiler made of the others does not count for it. */
const [name, issuer, alg] = process.argv.slice(2);

const SIDES = {
  floor: () => floor(issuer, alg),
  async ours() {
    const client = await ours(issuer, alg && { introspection_signed_response_alg: alg });
    return (token) => client.introspect(token);
  },
  async 'openid-client'() {
    const configuration = await openidClient(issuer, alg);
    return (token) => tokenIntrospection(configuration, token);
  },
};

const introspect = await SIDES[name]();
process.on('message', async (settings) =>
  process.send(await load((index) => introspect(`${alg ?? 'json'}-${index}`), settings)),
);
process.on('disconnect', () => process.exit(0));
process.send({});
