import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Server } from 'node:net';

import { describe, expect, it } from '@jest/globals';

import { TransportError } from '../../lib/errors/errors.js';
import { Connections } from '../../lib/http/connections.js';
import type { CustomFetch } from '../../lib/http/exchange.js';
import { Transport } from '../../lib/http/transport.js';
import { Upstream } from '../../lib/http/upstream.js';
import { LIMITS } from '../support/http/limits.js';
import { messagesOn } from '../support/messages.js';
import { expectLessThan } from '../support/within.js';

const FEW = { ...LIMITS, maxConcurrent: 8 };
/** For servers that never answer. */
const SHORT = { ...FEW, timeout: 400 };

const ENDPOINT = 'https://op.test/introspect';

const down = new TransportError('UPSTREAM_UNAVAILABLE', 'down', { retryAfter: 5 });

const fails = (upstream: Upstream, times: number) => {
  for (let time = 0; time < times; time += 1) {
    upstream.report(down);
  }
};

describe('a server', () => {
  it('has a concurrency limit at each of its endpoints', async () => {
    const upstream = new Upstream(() => 0, 1, 'https://op.test');
    await upstream.acquire(ENDPOINT, 1000);
    await expect(upstream.acquire(ENDPOINT, 5)).rejects.toMatchObject({ code: 'UPSTREAM_BUSY', retryAfter: 1 });
    const limit = await upstream.acquire('https://op.test/token', 5);
    limit.release();
    await upstream.acquire('https://op.test/token', 5);
  });

  it('is waited for by nobody once the circuit is open', async () => {
    const upstream = new Upstream(() => 0, 1, 'https://op.test');
    await upstream.acquire(ENDPOINT, 1000);
    const waiting = upstream.acquire(ENDPOINT, 60_000);
    fails(upstream, 10);
    await expect(waiting).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', retryAfter: 5 });
    await expect(async () => upstream.acquire(ENDPOINT, 1000)).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
  });
});

describe('a host that a stranger names', () => {
  const get = (transport: Transport, url: string, endpoint: string) =>
    transport
      .request({ method: 'GET', url, endpoint, headers: {}, retry: 'idempotent' })
      .then(({ status }) => status)
      .catch((error: unknown) => (error instanceof TransportError ? error.code : error));

  it('opens no circuit of our servers, forgets none of theirs, and is published by no breaker', async () => {
    const changes = messagesOn('nestjs-oidc:breaker');
    const fetch: CustomFetch = async (url) => new Response('{}', { status: url.includes('jwks') ? 200 : 429 });
    const transport = new Transport(new Connections(LIMITS, () => 0, { fetch }));
    expect(await get(transport, 'https://op.test/claims', 'claims_endpoint')).toBe('RATE_LIMITED');
    expect(await get(transport, 'https://op.test/jwks', 'jwks_uri')).toBe(200);
    expect(await get(transport, 'https://op.test/jwks', 'claims_endpoint')).toBe('RATE_LIMITED');
    expect([transport.openErrors, changes]).toEqual([[], []]);
    expect(await get(transport, 'https://op.test/token', 'discovery')).toBe('RATE_LIMITED');
    for (let number = 0; number < 200; number += 1) {
      await get(transport, `https://host-${number}.test/.well-known/webfinger`, 'webfinger');
    }
    expect(await get(transport, 'https://op.test/jwks', 'jwks_uri')).toBe('RATE_LIMITED');
    expect(transport.openErrors).toHaveLength(1);
    expect(changes).toEqual([{ server: 'https://op.test', state: 'open', before: 'closed', code: 'RATE_LIMITED' }]);
  });
});

/** Listens on a free port of loopback. */
const urlOf = async (server: Server): Promise<string> => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/introspect`;
};

const healthy = () =>
  createHttpServer((_request, response) => response.setHeader('content-type', 'application/json').end('{"ok":true}'));

describe('over real connections', () => {
  const post = (transport: Transport, url: string) =>
    transport.request({
      method: 'POST',
      url,
      endpoint: 'token_endpoint',
      headers: {},
      body: 'a=b',
      retry: 'unanswered',
    });

  it('NET-28 a server that hangs holds nobody up beyond the deadline, and nothing else at all', async () => {
    const server = createServer((socket) => socket.on('error', () => undefined));
    const url = await urlOf(server);
    await expectLessThan(100, async () => {
      const connections = new Connections(SHORT, Date.now);
      const transport = new Transport(connections);
      const started = performance.now();
      const lags: number[] = [];
      let last = started;
      const beat = setInterval(() => {
        lags.push(performance.now() - last);
        last = performance.now();
      }, 5);
      const outcomes = await Promise.allSettled(Array.from({ length: 1000 }, () => post(transport, url)));
      clearInterval(beat);
      expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set(['rejected']));
      // One after the other, eight at a time, would take 50 seconds.
      expect(performance.now() - started).toBeLessThan(4000);
      await connections.close();
      return Math.max(...lags);
    });
    server.close();
  });

  it('NET-28 a server gets no more calls at once than it may', async () => {
    let open = 0;
    let most = 0;
    const fetch: CustomFetch = (_url, { signal }) => {
      open += 1;
      most = Math.max(most, open);
      return new Promise((_resolve, reject) =>
        signal.addEventListener('abort', () => {
          open -= 1;
          reject(signal.reason);
        }),
      );
    };
    const transport = new Transport(new Connections({ ...FEW, timeout: 100 }, Date.now, { fetch }));
    await Promise.allSettled(Array.from({ length: 1000 }, () => post(transport, 'https://op.test/introspect')));
    expect([most, open]).toEqual([8, 0]);
  });

  it('a flood at one endpoint takes no slot from another', async () => {
    const fetch: CustomFetch = (url, { signal }) =>
      url.endsWith('/token')
        ? Promise.resolve(Response.json({ ok: true }))
        : new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    const transport = new Transport(new Connections(SHORT, Date.now, { fetch }));
    const flood = Array.from({ length: 200 }, () => post(transport, 'https://op.test/introspect'));
    const outcomes = Promise.allSettled(flood);
    expect((await post(transport, 'https://op.test/token')).status).toBe(200);
    expect((await outcomes).map(({ status }) => status)).not.toContain('fulfilled');
  });

  it('serves a thousand at once that a healthy server can answer', async () => {
    const server = healthy();
    const url = await urlOf(server);
    const connections = new Connections(LIMITS, Date.now);
    const transport = new Transport(connections);
    const answers = await Promise.all(Array.from({ length: 1000 }, () => post(transport, url)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    await connections.close();
    server.close();
  });

  it('NET-25 takes no proxy to this machine, whatever the environment names', async () => {
    let proxied = 0;
    const proxy = createServer((socket) => {
      proxied += 1;
      socket.destroy();
    });
    const url = await urlOf(proxy);
    const server = healthy();
    const target = await urlOf(server);
    const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy', 'ALL_PROXY'];
    names.forEach((name) => (process.env[name] = url));
    const connections = new Connections(LIMITS, Date.now);
    const transport = new Transport(connections);
    expect((await post(transport, target)).status).toBe(200);
    names.forEach((name) => delete process.env[name]);
    expect(proxied).toBe(0);
    await connections.close();
    server.close();
    proxy.close();
  });
});
