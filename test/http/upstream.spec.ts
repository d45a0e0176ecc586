import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Server } from 'node:net';

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { TransportError, type CustomFetch } from '../../lib/index.js';
import { Connections } from '../../lib/http/connections.js';
import { Transport } from '../../lib/http/transport.js';
import { Upstream } from '../../lib/http/upstream.js';

const LIMITS = { timeout: 400, connectTimeout: 200, maxResponseSize: 524_288, maxJsonDepth: 32, maxConcurrent: 8 };

const down = new TransportError('UPSTREAM_UNAVAILABLE', 'down', { retryAfter: 5 });
const limited = new TransportError('RATE_LIMITED', 'limited', { retryAfter: 7 });

const atTime = (now = 0) => {
  const time = { now };
  return { time, upstream: new Upstream(() => time.now, 2) };
};

const fails = (upstream: Upstream, times: number, error = down) => {
  for (let time = 0; time < times; time += 1) {
    upstream.report(error);
  }
};

const refusalOf = (call: () => unknown): unknown => {
  try {
    call();
    return undefined;
  } catch (error) {
    return error;
  }
};

describe('the circuit breaker', () => {
  it('NET-29 opens after ten failures in a row, for five seconds', () => {
    const { time, upstream } = atTime();
    fails(upstream, 9);
    expect(refusalOf(() => upstream.open())).toBeUndefined();
    fails(upstream, 1);
    expect(refusalOf(() => upstream.open())).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', retryAfter: 5 });
    time.now = 4999;
    expect(refusalOf(() => upstream.open())).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', retryAfter: 0.001 });
  });

  it('NET-29 then lets one call through, which decides for the others', () => {
    const { time, upstream } = atTime();
    fails(upstream, 10);
    time.now = 5000;
    expect(refusalOf(() => upstream.open())).toBeUndefined();
    expect(refusalOf(() => upstream.open())).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', retryAfter: 1 });
    upstream.report(down);
    expect(refusalOf(() => upstream.open())).toMatchObject({ retryAfter: 5 });
    time.now = 10_000;
    upstream.open();
    upstream.report(undefined);
    expect(refusalOf(() => upstream.open())).toBeUndefined();
    fails(upstream, 9);
    expect(refusalOf(() => upstream.open())).toBeUndefined();
  });

  it('an answer between them makes them no row', () => {
    const { upstream } = atTime();
    fails(upstream, 9);
    upstream.report(undefined);
    fails(upstream, 9);
    expect(refusalOf(() => upstream.open())).toBeUndefined();
  });

  it('stays open for as long as the server says', () => {
    const { upstream } = atTime();
    fails(upstream, 10, new TransportError('UPSTREAM_UNAVAILABLE', 'down', { retryAfter: 60 }));
    expect(refusalOf(() => upstream.open())).toMatchObject({ retryAfter: 60 });
  });

  it('NET-20 leaves a server alone that asks for it, and then calls as before', () => {
    const { time, upstream } = atTime();
    upstream.report(limited);
    expect(refusalOf(() => upstream.open())).toMatchObject({ code: 'RATE_LIMITED', retryAfter: 7 });
    time.now = 7000;
    expect(refusalOf(() => upstream.open())).toBeUndefined();
    expect(refusalOf(() => upstream.open())).toBeUndefined();
  });

  it('CLOCK-06 a clock that is set back opens it', () => {
    const { time, upstream } = atTime(10_000);
    fails(upstream, 10);
    time.now = 0;
    expect(refusalOf(() => upstream.open())).toBeUndefined();
  });

  it('never stays closed: whatever happened, an answer to the next call that goes ahead opens it', () => {
    const step = fc.oneof(
      fc.record({ wait: fc.integer({ min: 0, max: 20_000 }) }),
      fc.record({ outcome: fc.constantFrom(down, limited, undefined) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { time, upstream } = atTime();
        for (const next of steps) {
          if ('wait' in next) {
            time.now += next.wait;
          } else if (refusalOf(() => upstream.open()) === undefined) {
            upstream.report(next.outcome);
          }
        }
        time.now += 7000;
        expect(refusalOf(() => upstream.open())).toBeUndefined();
        upstream.report(undefined);
        expect(refusalOf(() => upstream.open())).toBeUndefined();
        expect(refusalOf(() => upstream.open())).toBeUndefined();
      }),
    );
  });
});

describe('the places for calls', () => {
  it('go to who has waited longest', async () => {
    const { upstream } = atTime();
    const order: string[] = [];
    expect([upstream.enter(1000), upstream.enter(1000)]).toEqual([undefined, undefined]);
    const waiting = ['first', 'second'].map((name) => upstream.enter(1000)?.then(() => order.push(name)));
    upstream.leave();
    upstream.leave();
    await Promise.all(waiting);
    expect(order).toEqual(['first', 'second']);
  });

  it('are waited for so long and no longer', async () => {
    const { upstream } = atTime();
    void upstream.enter(5);
    void upstream.enter(5);
    await expect(upstream.enter(5)).rejects.toMatchObject({ code: 'UPSTREAM_BUSY', retryAfter: 1 });
  });

  it('have a queue that ends', async () => {
    const { upstream } = atTime();
    const waiting = Array.from({ length: 22 }, () => upstream.enter(20));
    expect(refusalOf(() => upstream.enter(20))).toMatchObject({ code: 'UPSTREAM_BUSY' });
    const outcomes = await Promise.allSettled(waiting);
    expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(20);
  });

  it('are not waited for once the breaker opens', async () => {
    const { upstream } = atTime();
    void upstream.enter(1000);
    void upstream.enter(1000);
    const waiting = upstream.enter(60_000);
    fails(upstream, 10);
    await expect(waiting).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', retryAfter: 5 });
    expect(refusalOf(() => upstream.enter(1000))).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
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
    transport.request({ method: 'POST', url, headers: {}, body: 'a=b', retry: 'unanswered' });

  it('NET-28 a server that hangs holds nobody up beyond the deadline, and nothing else at all', async () => {
    const server = createServer((socket) => socket.on('error', () => undefined));
    const url = await urlOf(server);
    const connections = new Connections(LIMITS, Date.now);
    const transport = new Transport(connections);
    const started = performance.now();
    const lags: number[] = [];
    let last = performance.now();
    const beat = setInterval(() => {
      lags.push(performance.now() - last);
      last = performance.now();
    }, 5);
    const outcomes = await Promise.allSettled(Array.from({ length: 1000 }, () => post(transport, url)));
    clearInterval(beat);
    expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set(['rejected']));
    expect(performance.now() - started).toBeLessThan(800);
    expect(Math.max(...lags)).toBeLessThan(100);
    await connections.close();
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
    const transport = new Transport(new Connections({ ...LIMITS, timeout: 100 }, Date.now, { fetch }));
    await Promise.allSettled(Array.from({ length: 1000 }, () => post(transport, 'https://op.test/introspect')));
    expect([most, open]).toEqual([8, 0]);
  });

  it('serves a thousand at once that a healthy server can answer', async () => {
    const server = healthy();
    const url = await urlOf(server);
    const connections = new Connections({ ...LIMITS, timeout: 60_000, maxConcurrent: 128 }, Date.now);
    const transport = new Transport(connections);
    const answers = await Promise.all(Array.from({ length: 1000 }, () => post(transport, url)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    await connections.close();
    server.close();
  });

  it('NET-25 takes no proxy from the environment', async () => {
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
