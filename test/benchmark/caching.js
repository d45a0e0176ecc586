import 'reflect-metadata';
import { Test } from '@nestjs/testing';

import { OidcModule } from '../../dist/bundle/index.js';
import { SECRET } from './clients.js';

/** A process of its own that looks into many tokens, all different, through a cache of 10,000, and says what that takes. */
const [issuer] = process.argv.slice(2);

const app = await Test.createTestingModule({
  imports: [
    OidcModule.forRoot({
      issuer,
      client: { client_id: 'rp1', client_secret: SECRET },
      resourceServer: { audience: 'https://api.test', cache: { ttl: 3600, maxEntries: 10_000 } },
    }),
  ],
})
  .setLogger({ log() {}, warn() {}, error() {} })
  .compile();
await app.init();
const server = app.get('nestjs-oidc/resource-server');
const rule = { isPublic: false, scopes: [], validation: undefined, freshness: {}, stepUp: undefined };

let asked = 0;
async function ask(count) {
  const worker = async () => {
    while (asked < count) {
      asked += 1;
      await server.verify({ token: { scheme: 'Bearer', value: `json-${asked}` }, request: undefined }, rule);
    }
  };
  await Promise.all(Array.from({ length: 32 }, worker));
  globalThis.gc();
  globalThis.gc();
  return process.memoryUsage().heapUsed;
}

process.on('message', async (count) => process.send(await ask(count)));
process.on('disconnect', () => process.exit(0));
process.send({});
