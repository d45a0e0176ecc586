import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { resolve } from 'node:path';

import { expect, it } from '@jest/globals';

import { createApp, onBothAdapters } from '../support/app/apps.js';
import { closeLater } from '../support/closing.js';

/** An endpoint that holds every call. */
async function startSilence() {
  const held: ServerResponse[] = [];
  const server = createServer((_request, response) => held.push(response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closeLater({ close: async () => server.close().closeAllConnections() });
  return { server, held, url: `http://127.0.0.1:${Object(server.address()).port}/` };
}

onBothAdapters((adapter) => {
  it('NET-28 a thousand calls about which the provider says nothing hold up nobody else', async () => {
    const { server, held, url } = await startSilence();
    const http = { maxConcurrent: 8, timeout: 15_000 };
    const app = await createApp({ adapter, options: { http, server: { introspection_endpoint: url } } });
    const flood = fork(resolve(import.meta.dirname, 'flood.js'), [`${app.address}/orders`, '1000'], { execArgv: [] });
    const statuses: unknown[] = [];
    flood.on('message', (status) => statuses.push(status));
    await once(server, 'request');
    const waits: number[] = [];
    while (statuses.length < 992 || held.length < 8 || waits.length < 100) {
      const asked = performance.now();
      expect((await app.get('/public')).status).toBe(200);
      waits.push(performance.now() - asked);
    }
    held.forEach((response) => response.writeHead(503).end());
    while (statuses.length < 1000) {
      await once(flood, 'message');
    }
    expect(statuses).toEqual(Array.from({ length: 1000 }, () => 503));
    expect(held.length).toBe(8);
    const codes = app.refusals.map(({ cause }) => cause?.code);
    expect(codes.filter((code) => code === 'UPSTREAM_BUSY').length).toBe(992);
    // The median: who comes while a thousand connections are opened waits for that.
    expect(waits.toSorted((one, other) => one - other)[Math.floor(waits.length / 2)]).toBeLessThan(500);
  });
});
