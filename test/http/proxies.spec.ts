import { createServer } from 'node:https';
import { once } from 'node:events';

import { describe, expect, it } from '@jest/globals';

import { Connections } from '../../lib/http/connections.js';
import { proxiesOf, type Environment } from '../../lib/http/proxies.js';
import type { HttpRequest } from '../../lib/http/request.js';
import { Transport } from '../../lib/http/transport.js';
import { rejection } from '../support/client/client.js';
import { closeLater } from '../support/closing.js';
import { connectProxy } from '../support/http/connect-proxy.js';
import { LIMITS } from '../support/http/limits.js';
import { startProvider } from '../support/provider/provider.js';
import { selfSigned } from '../support/tokens/certificates.js';

function transportIn(environment: Environment, limits = LIMITS): Transport {
  return new Transport(closeLater(new Connections(limits, Date.now, { environment })));
}

const get = (url: string, more: Partial<HttpRequest> = {}): HttpRequest => ({
  method: 'GET',
  url,
  endpoint: 'discovery',
  headers: {},
  retry: 'idempotent',
  ...more,
});

const DOCUMENT = '/.well-known/openid-configuration';

describe('the proxies of the environment', () => {
  it.each<[Environment, object | undefined]>([
    [{}, undefined],
    [{ NO_PROXY: '*' }, undefined],
    [{ HTTPS_PROXY: '', HTTP_PROXY: '' }, undefined],
    [{ HTTPS_PROXY: 'http://a:b@proxy:3128' }, { httpProxy: '', httpsProxy: 'http://a:b@proxy:3128', noProxy: '' }],
    [{ HTTPS_PROXY: 'http://proxy/path?x' }, { httpProxy: '', httpsProxy: 'http://proxy', noProxy: '' }],
    [{ HTTPS_PROXY: 'proxy:3128' }, { httpProxy: '', httpsProxy: 'http://proxy:3128', noProxy: '' }],
    [
      { HTTP_PROXY: 'http://up', http_proxy: 'http://low', NO_PROXY: 'a', no_proxy: 'b' },
      { httpProxy: 'http://low', httpsProxy: '', noProxy: 'b' },
    ],
    [{ HTTPS_PROXY: 'http://up', https_proxy: '' }, undefined],
  ])('of %p are %p', (environment, proxies) => {
    expect(proxiesOf(environment)).toEqual(proxies);
  });

  it.each([
    ['HTTPS_PROXY', 'socks5://user:password@proxy'],
    ['http_proxy', 'http://'],
    ['https_proxy', 'a b'],
  ])('%s is no proxy where it is %s, which nobody prints', (name, value) => {
    const read = () => proxiesOf({ [name]: value });
    expect(read).toThrow(expect.objectContaining({ name: 'ConfigError', code: 'INVALID_CONFIG', member: name }));
    expect(read).toThrow(/^\w+: must be the URL of a proxy, such as http:\/\/proxy.example.com:3128$/);
  });
});

describe('a call to another machine', () => {
  it('goes through the proxy, over a tunnel that is kept', async () => {
    const op = await startProvider();
    const proxy = await connectProxy(op.origin);
    const transport = transportIn({ HTTP_PROXY: proxy.url.replace('//', '//user:p%40ss@') });
    for (let call = 0; call < 9; call += 1) {
      expect((await transport.request(get(`http://op.test${DOCUMENT}`))).status).toBe(200);
    }
    // A call may come before undici knows that the one before is over, and has another tunnel then.
    expect(proxy.tunnels.length).toBeLessThan(5);
    expect(new Set(proxy.tunnels)).toEqual(new Set(['op.test:80']));
    expect(proxy.credentials()).toBe(`Basic ${Buffer.from('user:p@ss').toString('base64')}`);
    expect(op.last('discovery').headers).toMatchObject({ host: 'op.test' });
    expect(op.last('discovery').headers['proxy-authorization']).toBeUndefined();
  });

  it('has a tunnel too for what may be sent only once', async () => {
    const op = await startProvider();
    const proxy = await connectProxy(op.origin);
    const transport = transportIn({ HTTP_PROXY: proxy.url });
    const post = get('http://op.test/token', { method: 'POST', body: 'a=b', retry: 'never' });
    for (let call = 0; call < 3; call += 1) {
      expect((await transport.request(post)).status).toBe(401);
    }
    expect(new Set(proxy.tunnels)).toEqual(new Set(['op.test:80']));
    expect(op.requests('token')).toHaveLength(3);
  });

  it('over https is checked within the tunnel', async () => {
    const { cert, key } = await selfSigned('op.test');
    let requests = 0;
    const server = createServer({ cert, key }, () => (requests += 1));
    server.on('tlsClientError', () => undefined);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closeLater({ close: () => new Promise((resolve) => server.close(resolve).closeAllConnections()) });
    const proxy = await connectProxy(`https://127.0.0.1:${Object(server.address()).port}`);
    for (const environment of [{ HTTPS_PROXY: proxy.url }, { HTTP_PROXY: proxy.url }]) {
      const error = await rejection(transportIn(environment).request(get('https://op.test/')));
      expect(error).toMatchObject({ code: 'TLS_ERROR', facts: { reason: 'DEPTH_ZERO_SELF_SIGNED_CERT' } });
    }
    expect([proxy.tunnels, requests]).toEqual([['op.test:443', 'op.test:443'], 0]);
  });

  it('goes directly where NO_PROXY names it', async () => {
    const op = await startProvider();
    const proxy = await connectProxy(op.origin);
    const { port } = new URL(op.origin);
    for (const no_proxy of ['*', 'other.test, .invalid', `op.invalid:${port}`]) {
      const transport = transportIn({ HTTP_PROXY: proxy.url, no_proxy });
      const error = await rejection(transport.request(get(`http://op.invalid:${port}/`)));
      expect(error).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', facts: { reason: expect.stringMatching(/^E/) } });
    }
    expect(proxy.tunnels).toEqual([]);
  });

  it('that the proxy refuses is an outage, and the log says whose', async () => {
    const proxy = await connectProxy('http://127.0.0.1:9', (socket) =>
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n'),
    );
    const error = await rejection(transportIn({ HTTP_PROXY: proxy.url }).request(get('http://op.test/x?y=z')));
    expect(error).toMatchObject({
      name: 'TransportError',
      code: 'UPSTREAM_UNAVAILABLE',
      message: 'The proxy opens no way to the server.',
      facts: { proxy_status: 407, url: 'http://op.test/x' },
    });
  });

  it('ends in time where the proxy says nothing, and so does the application', async () => {
    const proxy = await connectProxy('http://127.0.0.1:9', () => undefined);
    const connections = new Connections({ ...LIMITS, timeout: 1000 }, Date.now, {
      environment: { HTTP_PROXY: proxy.url },
    });
    const error = await rejection(new Transport(connections).request(get('http://op.test/')));
    expect(error).toMatchObject({ code: 'UPSTREAM_TIMEOUT' });
    await connections.close();
    expect(proxy.tunnels.length).toBeGreaterThan(0);
  });
});

it('this machine is never called through a proxy', async () => {
  const op = await startProvider();
  const proxy = await connectProxy(op.origin);
  const { port } = new URL(op.origin);
  const transport = transportIn({ HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url });
  for (const host of ['127.0.0.1', 'localhost']) {
    await transport.request(get(`http://${host}:${port}${DOCUMENT}`)).catch(() => undefined);
  }
  await rejection(transport.request(get('http://[::1]:9/')));
  expect([proxy.tunnels, op.count('discovery')]).toEqual([[], 2]);
});
