import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { inspect } from 'node:util';
import { gzipSync } from 'node:zlib';

import { afterEach, describe, expect, it } from '@jest/globals';
import { Agent, fetch } from 'undici';

import { Connections } from '../../lib/http/connections.js';
import type { HttpRequest } from '../../lib/http/request.js';
import type { ConnectionsOptions } from '../../lib/http/pool.js';
import { Transport } from '../../lib/http/transport.js';
import { rejection } from '../support/client/client.js';
import { TestClock } from '../support/clock.js';
import { LIMITS } from '../support/http/limits.js';

/** For servers that never answer. */
const SHORT = { ...LIMITS, timeout: 400 };

const SECRET = 'Bearer-that-must-not-be-told';

/** What a connection does with its n-th request, once the request is complete. */
type Answering = (socket: Socket, request: number) => void;

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) {
    await one.close();
  }
});

/** A server that speaks byte by byte. */
async function serverThat(
  answer: Answering,
): Promise<{ url: string; requests: () => number; server: Server; sockets: Set<Socket> }> {
  let requests = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let received = '';
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
      const [head = '', body] = received.split('\r\n\r\n');
      const [, length = '0'] = /content-length: (\d+)/i.exec(head) ?? [];
      if (body !== undefined && body.length >= Number(length)) {
        received = '';
        requests += 1;
        answer(socket, requests);
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push({
    close: () => {
      sockets.forEach((socket) => socket.destroy());
      return new Promise((resolve) => server.close(resolve));
    },
  });
  const { port } = Object(server.address());
  return { url: `http://127.0.0.1:${port}/path`, requests: () => requests, server, sockets };
}

/** Bytes, whatever they are. */
const sends =
  (...texts: (string | Uint8Array)[]): Answering =>
  (socket) =>
    texts.forEach((text) => socket.write(text));

const http = (status: string, headers: readonly string[] = [], body = '') =>
  `HTTP/1.1 ${status}\r\n${headers.map((line) => `${line}\r\n`).join('')}\r\n${body}`;

const JSON_TYPE = 'Content-Type: application/json';
const HALF = http('200 OK', [JSON_TYPE, 'Content-Length: 100'], '{"a":');
const OK = http('200 OK', [JSON_TYPE, 'Content-Length: 8'], '{"a":42}');

const breaksOff: Answering = (socket) => socket.write(HALF, () => socket.resetAndDestroy());

function connectionsWith(options: ConnectionsOptions = {}, clock = new TestClock(), limits = LIMITS): Connections {
  const connections = new Connections(limits, clock.now, options);
  open.unshift(connections);
  return connections;
}

function transport(options?: ConnectionsOptions, clock?: TestClock): Transport {
  return new Transport(connectionsWith(options, clock));
}

const ways: [string, ConnectionsOptions][] = [
  ['undici', {}],
  ['a custom fetch', { fetch: (url, init) => fetch(url, init) as unknown as Promise<Response> }],
];

const post = (url: string, more: Partial<HttpRequest> = {}): HttpRequest => ({
  method: 'POST',
  url,
  endpoint: 'token_endpoint',
  headers: { authorization: SECRET, 'content-type': 'application/x-www-form-urlencoded' },
  body: `token=${SECRET}`,
  retry: 'never',
  ...more,
});

const get = (url: string, more: Partial<HttpRequest> = {}): HttpRequest => ({
  method: 'GET',
  url,
  endpoint: 'jwks_uri',
  headers: { authorization: SECRET },
  retry: 'idempotent',
  ...more,
});

describe.each(ways)('over %s', (_way, options) => {
  it('an answer comes as it was sent', async () => {
    const { url } = await serverThat(sends(OK));
    const response = await transport(options).request(post(url));
    expect([response.status, response.mediaType, response.json()]).toEqual([200, 'application/json', { a: 42 }]);
  });

  it.each<[string, Answering, string, string]>([
    ['NET-12 half a body and a reset', breaksOff, 'ResponseError', 'RESPONSE_INCOMPLETE'],
    [
      'NET-12 half a body, announced as the last, and a reset',
      (socket) => socket.write(HALF.replace(JSON_TYPE, 'Connection: close'), () => socket.resetAndDestroy()),
      'ResponseError',
      'RESPONSE_INCOMPLETE',
    ],
    [
      'NET-10 chunks without an end, announced as the last',
      (socket) => socket.end(http('200 OK', ['Transfer-Encoding: chunked', 'Connection: close'], '20\r\n{"a":')),
      'ResponseError',
      'RESPONSE_INCOMPLETE',
    ],
    ['NET-12 a reset', (socket) => socket.resetAndDestroy(), 'TransportError', 'UPSTREAM_UNAVAILABLE'],
    ['the end', (socket) => socket.end(), 'TransportError', 'UPSTREAM_UNAVAILABLE'],
    ['500', sends(http('500 No', ['Content-Length: 0'])), 'TransportError', 'UPSTREAM_ERROR'],
    ['501', sends(http('501 No', ['Content-Length: 0'])), 'TransportError', 'UPSTREAM_ERROR'],
    ['502', sends(http('502 No', ['Content-Length: 0'])), 'TransportError', 'UPSTREAM_UNAVAILABLE'],
    ['503', sends(http('503 No', ['Content-Length: 0'])), 'TransportError', 'UPSTREAM_UNAVAILABLE'],
    ['504', sends(http('504 No', ['Content-Length: 0'])), 'TransportError', 'UPSTREAM_UNAVAILABLE'],
    [
      'NET-10 a body that breaks off',
      (socket) => socket.end(http('200 OK', [JSON_TYPE, 'Content-Length: 100'], '{"a":1}')),
      'ResponseError',
      'RESPONSE_INCOMPLETE',
    ],
    [
      'NET-11 chunks without an end',
      (socket) => socket.end(http('200 OK', [JSON_TYPE, 'Transfer-Encoding: chunked'], '7\r\n{"a":1}\r\n')),
      'ResponseError',
      'RESPONSE_INCOMPLETE',
    ],
    [
      'NET-15 an encoding that nobody knows',
      sends(http('200 OK', [JSON_TYPE, 'Content-Encoding: x-foo', 'Content-Length: 1'], 'x')),
      'ResponseError',
      'UNEXPECTED_CONTENT_ENCODING',
    ],
    [
      'a redirect',
      sends(http('302 Found', ['Location: https://evil.test', 'Content-Length: 0'])),
      'ResponseError',
      'UNEXPECTED_REDIRECT',
    ],
    [
      '307',
      sends(http('307 Temporary', ['Location: /x', 'Content-Length: 0'])),
      'ResponseError',
      'UNEXPECTED_REDIRECT',
    ],
    [
      'a body that is announced too large',
      sends(http('200 OK', [JSON_TYPE, 'Content-Length: 524289'])),
      'ResponseError',
      'RESPONSE_TOO_LARGE',
    ],
    [
      'a body that grows too large',
      sends(http('200 OK', [JSON_TYPE, 'Connection: close']), 'x'.repeat(600_000)),
      'ResponseError',
      'RESPONSE_TOO_LARGE',
    ],
  ])('%s is told as what it is, without the request in it', async (_what, answer, name, code) => {
    const { url } = await serverThat(answer);
    const error = await rejection(transport(options).request(post(url)));
    expect(error).toMatchObject({ name, code });
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(SECRET);
  });

  it.each<[string, Answering]>([
    ['NET-07 silence', () => undefined],
    ['half a head', sends('HTTP/1.1 200 OK\r\nContent-')],
    ['half a body', sends(HALF)],
  ])('%s ends in time, without the request in the error', async (_what, answer) => {
    const { url } = await serverThat(answer);
    const error = await rejection(new Transport(connectionsWith(options, undefined, SHORT)).request(post(url)));
    expect(error).toMatchObject({ name: 'TransportError', code: 'UPSTREAM_TIMEOUT' });
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(SECRET);
  });

  it('INTRO-25 5 MB without a length are not read to their end', async () => {
    let sent = 0;
    const closed: Promise<unknown>[] = [];
    const { url } = await serverThat(async (socket) => {
      closed.push(once(socket, 'close'));
      socket.write(http('200 OK', [JSON_TYPE, 'Connection: close']));
      for (; sent < 5_000_000 && !socket.destroyed; sent += 65_536) {
        socket.write('x'.repeat(65_536));
        await setImmediate();
      }
      socket.end();
    });
    expect(await rejection(transport(options).request(post(url)))).toMatchObject({ code: 'RESPONSE_TOO_LARGE' });
    await Promise.all(closed);
    expect(sent).toBeGreaterThan(524_288);
    expect(sent).toBeLessThan(2 * 2 ** 20);
  });

  it('NET-20 429 closes the door until it may be opened again, for every path', async () => {
    const clock = new TestClock();
    const { url, requests } = await serverThat((socket, request) =>
      socket.write(request === 1 ? http('429 Slow', ['Retry-After: 120', 'Content-Length: 0']) : OK),
    );
    const one = transport(options, clock);
    const limited = { code: 'RATE_LIMITED' };
    expect(await rejection(one.request(get(url)))).toMatchObject({ ...limited, retryAfter: 120 });
    clock.advance(119);
    expect(await rejection(one.request(post(`${url}/other`)))).toMatchObject({ ...limited, retryAfter: 1 });
    expect(requests()).toBe(1);
    clock.advance(1);
    expect((await one.request(post(url))).status).toBe(200);
  });
});

describe('over undici', () => {
  it('servers share their connections, and not what is known of them', async () => {
    const { url, requests } = await serverThat((socket, request) =>
      socket.write(request === 1 ? http('429 Slow', ['Content-Length: 0']) : OK),
    );
    const connections = connectionsWith();
    const [limited, other] = [new Transport(connections), new Transport(connections)];
    expect(await rejection(limited.request(get(url)))).toMatchObject({ code: 'RATE_LIMITED' });
    expect((await other.request(get(url))).status).toBe(200);
    expect(await rejection(limited.request(get(url)))).toMatchObject({ code: 'RATE_LIMITED' });
    expect(requests()).toBe(2);
  });

  it.each<[string, string, string]>([
    ['no HTTP', 'SSH-2.0-OpenSSH_9\r\n', 'MALFORMED_HTTP'],
    ['two lengths', http('200 OK', ['Content-Length: 2', 'Content-Length: 3'], '{}'), 'MALFORMED_HTTP'],
    ['a header of 40 KB', http('200 OK', [`X: ${'x'.repeat(40_000)}`, 'Content-Length: 0']), 'MALFORMED_HTTP'],
    ['NET-17 a 100 that nobody asked for', `${http('100 Continue')}${OK}`, 'MALFORMED_HTTP'],
  ])('%s is no answer', async (_what, bytes, code) => {
    const { url } = await serverThat(sends(bytes));
    expect(await rejection(transport().request(post(url)))).toMatchObject({ name: 'ResponseError', code });
  });

  it.each(['102 Processing', '103 Early Hints'])('NET-17 %s goes before an answer', async (status) => {
    const { url } = await serverThat(sends(http(status, ['Link: </x>']), OK));
    expect((await transport().request(post(url))).json()).toEqual({ a: 42 });
  });

  it('DISC-20 a small answer that would be large is not unpacked', async () => {
    const bomb = gzipSync(Buffer.alloc(40_000_000));
    const head = http('200 OK', [JSON_TYPE, 'Content-Encoding: gzip', `Content-Length: ${bomb.length}`]);
    const { url } = await serverThat(sends(head, bomb));
    const before = process.memoryUsage().rss;
    expect(await rejection(transport().request(post(url)))).toMatchObject({ code: 'UNEXPECTED_CONTENT_ENCODING' });
    expect(process.memoryUsage().rss - before).toBeLessThan(32 * 2 ** 20);
  });

  it('NET-08 one byte after the other does not outlast the deadline', async () => {
    const { url } = await serverThat((socket) => {
      const timer = setInterval(() => socket.write('X'), 50);
      socket.on('close', () => clearInterval(timer));
      socket.write('HTTP/1.1 200 OK\r\nX-Slow: ');
    });
    const begun = performance.now();
    const one = new Transport(connectionsWith({}, undefined, SHORT));
    expect(await rejection(one.request(get(url)))).toMatchObject({ code: 'UPSTREAM_TIMEOUT' });
    // The answer never ends.
    expect(performance.now() - begun).toBeLessThan(5000);
  });

  it('NET-01 NET-02 a name or a port that does not exist is an outage', async () => {
    const { url, server, sockets } = await serverThat(sends(OK));
    sockets.forEach((socket) => socket.destroy());
    await new Promise((resolve) => server.close(resolve));
    for (const nowhere of [url, 'http://does-not-exist.invalid/']) {
      expect(await rejection(transport().request(post(nowhere)))).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
    }
  });

  it('NET-03 a server that accepts nobody is given up in time to connect', async () => {
    const listen =
      "require('net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, function () { process.send(this.address().port) })";
    const child = spawn(process.execPath, ['-e', listen], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    open.push({ close: () => child.kill('SIGKILL') });
    const [port] = await once(child, 'message');
    child.kill('SIGSTOP');
    const waiting = Array.from({ length: 4 }, () => connect(port, '127.0.0.1').on('error', () => undefined));
    open.push({ close: () => waiting.forEach((socket) => socket.destroy()) });
    await once(waiting[0]!, 'connect');
    const one = new Transport(connectionsWith({}, undefined, { ...LIMITS, connectTimeout: 200 }));
    const begun = performance.now();
    expect(await rejection(one.request(post(`http://127.0.0.1:${port}/`)))).toMatchObject({ code: 'UPSTREAM_TIMEOUT' });
    expect(performance.now() - begun).toBeLessThan(5000);
  });

  it('NET-26 a header that would be two is never sent', async () => {
    const { url, requests } = await serverThat(sends(OK));
    const error = await rejection(transport().request(post(url, { headers: { authorization: `${SECRET}\r\nX: y` } })));
    expect(error).toMatchObject({ name: expect.stringMatching(/Error$/), code: expect.any(String) });
    expect(inspect(error, { depth: 9 })).not.toContain(SECRET);
    expect(requests()).toBe(0);
  });

  it.each<[string, HttpRequest['retry'], Answering, number, boolean]>([
    [
      'NET-22 a GET after a 503',
      'idempotent',
      (socket, n) => socket.write(n === 1 ? http('503 No', ['Content-Length: 0']) : OK),
      2,
      true,
    ],
    [
      'a GET after a reset',
      'idempotent',
      (socket, n) => (n === 1 ? socket.resetAndDestroy() : socket.write(OK)),
      2,
      true,
    ],
    ['a GET once and no more', 'idempotent', (socket) => socket.resetAndDestroy(), 2, false],
    [
      'introspection after a reset',
      'unanswered',
      (socket, n) => (n === 1 ? socket.resetAndDestroy() : socket.write(OK)),
      2,
      true,
    ],
    ['introspection not after a 503', 'unanswered', sends(http('503 No', ['Content-Length: 0'])), 1, false],
    [
      'introspection not after half an answer',
      'unanswered',
      (socket) => socket.end(http('200 OK', ['Content-Length: 9'], 'x')),
      1,
      false,
    ],
    ['NET-12 introspection not after half an answer and a reset', 'unanswered', breaksOff, 1, false],
    ['a grant never', 'never', (socket) => socket.resetAndDestroy(), 1, false],
    ['NET-12 a grant never, not after half an answer either', 'never', breaksOff, 1, false],
    [
      'nothing after a redirect',
      'idempotent',
      sends(http('302 Found', ['Location: /', 'Content-Length: 0'])),
      1,
      false,
    ],
  ])('tries again: %s', async (_what, retry, answer, expected, isGood) => {
    const { url, requests } = await serverThat(answer);
    const outcome = transport().request(get(url, { retry }));
    expect(
      await outcome.then(
        () => true,
        () => false,
      ),
    ).toBe(isGood);
    expect(requests()).toBe(expected);
  });

  it('NET-23 a connection that the server closed meanwhile costs nobody an answer', async () => {
    const { url, sockets } = await serverThat(sends(OK));
    const one = transport();
    await one.request(post(url));
    const [socket] = sockets;
    const closed = once(socket!, 'close');
    socket?.destroy();
    await closed;
    expect((await one.request(post(url, { retry: 'unanswered' }))).status).toBe(200);
  });

  it('NET-23 sends grants that follow each other over one connection, and closes it a second later', async () => {
    const { url, sockets } = await serverThat(sends(OK));
    const one = transport();
    await one.request(post(url, { retry: 'never' }));
    await setImmediate();
    await one.request(post(url, { retry: 'never' }));
    const [socket, ...others] = sockets;
    expect(others).toEqual([]);
    await once(socket!, 'close');
  });

  describe('where the server resets each connection that it kept, once it is used again', () => {
    const serverThatForgets = async () => {
      const used = new WeakSet<Socket>();
      return serverThat((socket) => {
        if (used.has(socket)) {
          socket.resetAndDestroy();
        } else {
          used.add(socket);
          socket.write(OK);
        }
      });
    };

    /** Leaves a kept connection behind that nobody uses. */
    const warmUp = async (one: Transport, url: string) => {
      await one.request(get(url));
      await setImmediate();
    };

    it('NET-23 sends a grant over no connection that other calls left idle, and once', async () => {
      const { url, requests } = await serverThatForgets();
      const one = transport();
      await warmUp(one, url);
      expect((await one.request(post(url, { retry: 'never' }))).status).toBe(200);
      expect(requests()).toBe(2);
    });

    it('leaves a dispatcher of the application alone, and repeats no grant over that either', async () => {
      const { url, requests } = await serverThatForgets();
      const dispatcher = new Agent({ connections: 1 });
      open.unshift(dispatcher);
      const one = transport({ dispatcher });
      await warmUp(one, url);
      expect(await rejection(one.request(post(url)))).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
      expect(requests()).toBe(2);
    });
  });

  it('gives the only connection back, however the call ended', async () => {
    const { url } = await serverThat((socket, request) => {
      if (request % 2 === 0) socket.write(OK);
    });
    const dispatcher = new Agent({ connections: 1 });
    const one = new Transport(connectionsWith({ dispatcher }, undefined, { ...LIMITS, timeout: 100 }));
    for (let count = 0; count < 3; count += 1) {
      expect(await rejection(one.request(post(url)))).toMatchObject({ code: 'UPSTREAM_TIMEOUT' });
      expect((await one.request(post(url))).status).toBe(200);
    }
  });

  it('NET-07 ends in time though the time was over before anything was sent', async () => {
    const { url, requests } = await serverThat(() => undefined);
    const one = new Transport(connectionsWith({}, undefined, { ...LIMITS, timeout: 50 }));
    const late = { ...post(url), headersOfOneSend: () => setTimeout(100).then(() => ({})) };
    expect(await rejection(one.request(late))).toMatchObject({ code: 'UPSTREAM_TIMEOUT' });
    expect(requests()).toBe(0);
  });

  it('NET-30 closes within seconds while a call hangs, and that call ends', async () => {
    const { url } = await serverThat(() => undefined);
    const connections = connectionsWith();
    const hanging = rejection(new Transport(connections).request(post(url)));
    const begun = performance.now();
    await connections.close();
    expect(performance.now() - begun).toBeLessThan(5000);
    expect(await hanging).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
    await connections.close();
  });

  it('a dispatcher that was handed in stays open', async () => {
    const { url } = await serverThat(sends(OK));
    const dispatcher = new Agent();
    open.unshift(dispatcher);
    await connectionsWith({ dispatcher }).close();
    expect((await transport({ dispatcher }).request(post(url))).status).toBe(200);
  });
});
