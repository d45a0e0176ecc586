import { once } from 'node:events';
import { Agent, request as open, type IncomingMessage } from 'node:http';

import { expect, it } from '@jest/globals';
import { APP_GUARD } from '@nestjs/core';

import { MemoryStore, OidcGuard, OidcModule, OidcSessionGuard } from '../../lib/index.js';
import { createApp, onBothAdapters, SESSION_SECRET, type Adapter, type AppSetup } from '../support/app/apps.js';
import { expectNoSecrets } from '../support/app/outcomes.js';
import { Browser } from '../support/browser/browser.js';
import { Api } from '../support/http/api.js';
import { rawRequest } from '../support/http/raw-http.js';
import { freePort } from '../support/ports.js';
import { ObservedStore } from '../support/store/stores.js';

/** A signed-in browser of an application that forwards `/api` to `/v1` of an API. */
async function signedIn(adapter: Adapter, setup: Partial<AppSetup> = {}) {
  const api = await Api.start();
  const app = await createApp({
    controllers: [],
    ...setup,
    adapter,
    options: {
      login: { scope: 'openid offline_access' },
      session: { secret: SESSION_SECRET, tokens: true },
      routes: { proxy: [{ path: '/api', to: `${api.url}/v1`, timeout: 1000 }] },
      ...setup.options,
    },
  });
  const prefix = setup.globalPrefix === undefined ? '' : `/${setup.globalPrefix}`;
  const browser = new Browser(app);
  await browser.login({ path: `${prefix}/auth/login` });
  const cookie = browser.jar.header(app.url, { isCrossSite: false, isSafe: true }) ?? '';
  const own = { cookie, 'x-csrf': '1', 'sec-fetch-site': 'same-origin' };
  const access = () => app.op.requests('token').length;
  return { api, app, browser, own, access };
}

onBothAdapters((adapter) => {
  it('forward a request with the token of the session, and without what is the browser’s', async () => {
    const { api, app, own } = await signedIn(adapter);
    api.answer = (_request, response) =>
      void response
        .writeHead(418, {
          'set-cookie': 'a=b',
          'x-answer': '1',
          'content-type': 'text/x',
          connection: 'x-hop',
          'x-hop': '1',
        })
        .end('tea');
    const answer = await app.get('/api/orders/1?a=%2F&b=2', {
      ...own,
      authorization: 'Bearer of-the-browser',
      'x-forwarded-host': 'other.test',
      'accept-language': 'de',
    });
    expect([answer.status, answer.body, answer.header('content-type')]).toEqual([418, 'tea', 'text/x']);
    expect([answer.header('x-answer'), answer.header('x-hop'), answer.setCookies]).toEqual(['1', undefined, []]);
    expect(answer.header('cache-control')).toBe('private, no-store');
    expect([api.last.method, api.last.url, api.last.body]).toEqual(['GET', '/v1/orders/1?a=%2F&b=2', '']);
    const { authorization, host, 'accept-language': language, ...others } = api.last.headers;
    expect(authorization).toMatch(/^Bearer (?!of-the-browser)/);
    expect([host, language]).toEqual([new URL(api.url).host, 'de']);
    expect(Object.keys(others)).toEqual(['connection']);
    expectNoSecrets(app, answer, [String(authorization).slice('Bearer '.length)]);
  });

  it.each(['/api', '/api/', '/api/a/b/c'])('forward %s, below a prefix that looks alike', async (path) => {
    const { api, app, own } = await signedIn(adapter, { globalPrefix: 'api' });
    expect((await app.get(`/api${path}`, own)).status).toBe(200);
    expect(api.last.url).toBe(`/v1${path.slice('/api'.length)}`);
  });

  it('send each path to its API, the longer one first', async () => {
    const [one, two] = [await Api.start(), await Api.start()];
    const proxy = [
      { path: '/api', to: one.url },
      { path: '/api/two', to: two.url },
    ];
    const { app, own } = await signedIn(adapter, {
      options: { session: { secret: SESSION_SECRET }, store: new MemoryStore(), routes: { proxy } },
    });
    for (const path of ['/api/two/x', '/api/twofold', '/api/x']) {
      expect([path, (await app.get(path, own)).status]).toEqual([path, 200]);
    }
    expect([one.calls.map(({ url }) => url), two.calls.map(({ url }) => url)]).toEqual([['/twofold', '/x'], ['/x']]);
  });

  it.each([{}, { rawBody: true }, { bodyParser: false }])('forward bodies of every kind, with %p', async (parser) => {
    const { api, app, own } = await signedIn(adapter, parser);
    for (const [type, body] of [
      ['application/json', '{"a":[1,"ü"],"b":null}'],
      ['application/json; charset=utf-8', '[]'],
      ['application/x-www-form-urlencoded', 'a=1&a=2&b=%26'],
      ['text/plain', 'text ü'],
      ['application/octet-stream', 'bytes'],
      ['multipart/form-data; boundary=x', '--x--'],
    ]) {
      const answer = await app.post('/api/orders', body, { ...own, 'content-type': type ?? '' });
      expect([type, answer.status, answer.body]).toEqual([type, 200, '{"from":"api"}']);
      const { headers } = api.last;
      expect([api.last.method, headers['content-type'], api.last.body]).toEqual(['POST', type, body]);
      expect(headers['content-length']).toBe(String(Buffer.byteLength(body ?? '')));
    }
  });

  it.each(['PUT', 'DELETE', 'OPTIONS', 'HEAD'] as const)('forward %s', async (method) => {
    const { api, app, own } = await signedIn(adapter);
    const answer = await app.request('/api/orders', { method, headers: own });
    expect([answer.status, api.last.method]).toEqual([200, method]);
    expect(answer.body).toBe(method === 'HEAD' ? '' : '{"from":"api"}');
  });

  it('stream both ways, and break off where the API does', async () => {
    const { api, app, own } = await signedIn(adapter);
    let begun: (() => void) | undefined;
    api.answer = (_request, response) => {
      response.write('first');
      begun = () => response.write('second', () => response.destroy());
    };
    const call = open(`${app.address}/api/stream`, { method: 'POST', headers: { ...own, 'content-type': 'a/b' } });
    const heard = new Promise<string>((resolve) => (api.hear = resolve));
    call.write('one ');
    expect(await heard).toBe('one ');
    call.end('two');
    const [response]: IncomingMessage[] = await once(call, 'response');
    const chunks: string[] = [];
    response?.on('data', (chunk) => chunks.push(String(chunk)));
    await once(response ?? call, 'data');
    expect([chunks, api.last.body, api.last.headers['transfer-encoding']]).toEqual([['first'], 'one two', 'chunked']);
    begun?.();
    await expect(once(response ?? call, 'end')).rejects.toThrow('aborted');
  });

  it('end the call to the API when the browser leaves', async () => {
    const { api, app, own } = await signedIn(adapter);
    const left = new Promise<void>((resolve) => {
      api.answer = (_request, response) => {
        response.on('close', resolve);
        call.destroy();
      };
    });
    const call = open(`${app.address}/api/slow`, { headers: own }).on('error', () => undefined);
    call.end();
    await left;
  });

  it.each([
    ['no session', { cookie: '' }, 401, 'login_required', 'SESSION_MISSING'],
    ['no X-CSRF header', { 'x-csrf': '' }, 403, 'access_denied', 'CROSS_SITE_REQUEST'],
    ['another value of it', { 'x-csrf': 'true' }, 403, 'access_denied', 'CROSS_SITE_REQUEST'],
    ['another site', { 'sec-fetch-site': 'cross-site' }, 403, 'access_denied', 'CROSS_SITE_REQUEST'],
  ])('refuse a request with %s', async (_what, headers, status, error, code) => {
    const { api, app, own } = await signedIn(adapter);
    const answer = await app.get('/api/orders', { ...own, ...headers });
    expect([answer.status, answer.json()['error'], app.lastCode]).toEqual([status, error, code]);
    expect(api.calls).toEqual([]);
  });

  it('refuse a WebSocket', async () => {
    const { api, app, own } = await signedIn(adapter);
    const lines = Object.entries(own).map(([name, value]) => `${name}: ${value}`);
    const answer = await rawRequest(app.address, 'GET /api/socket', [...lines, 'Upgrade: websocket']);
    expect([answer.status, answer.header('allow')]).toEqual([405, 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS']);
    expect(api.calls).toEqual([]);
  });

  it.each([
    '/api/../admin',
    '/api/%2e%2e/admin',
    '/api/..%2fadmin',
    '/api//other.test/x',
    '/api/a/..%5c..%5cadmin',
    '/api/..%3fx',
    '/api/..%23x',
  ])('let %s go nowhere', async (path) => {
    const { api, app, own } = await signedIn(adapter);
    const lines = Object.entries(own).map(([name, value]) => `${name}: ${value}`);
    expect([400, 404]).toContain((await rawRequest(app.address, `GET ${path}`, lines)).status);
    expect(api.calls).toEqual([]);
  });

  it('RS-18, MTLS-05 let no browser say what a gateway says to the API, in either spelling', async () => {
    const { api, app, own } = await signedIn(adapter);
    const lines = Object.entries(own).map(([name, value]) => `${name}: ${value}`);
    const said = ['X_Forwarded_User: admin', 'X_Original_URL: /admin', 'Client-Cert: :MIIB:', 'X-Remote-User: admin'];
    const { status } = await rawRequest(app.address, 'GET /api/orders', [...lines, ...said]);
    expect([status, Object.keys(api.last.headers).toSorted()]).toEqual([200, ['authorization', 'connection', 'host']]);
  });

  it('take the host from the configuration where the target is absolute', async () => {
    const { api, app, own } = await signedIn(adapter);
    const lines = Object.entries(own).map(([name, value]) => `${name}: ${value}`);
    const { status } = await rawRequest(app.address, 'GET http://other.test/api/orders', lines);
    expect([status, api.last.url, api.last.headers.host]).toEqual([200, '/v1/orders', new URL(api.url).host]);
  });

  it('hand redirects on, with a location that the browser can follow', async () => {
    const { api, app, own } = await signedIn(adapter, { globalPrefix: 'app' });
    api.answer = (_request, response) => void response.writeHead(201, { location: '/v1/orders/7' }).end();
    expect((await app.post('/app/api/orders', '', own)).header('location')).toBe('/app/api/orders/7');
    api.answer = (_request, response) => void response.writeHead(302, { location: 'https://other.test/' }).end();
    const answer = await app.get('/app/api/orders', own);
    expect([answer.status, answer.header('location'), api.calls.length]).toEqual([302, 'https://other.test/', 2]);
  });

  it('refresh the token ahead, and answer 401 where the session can not go on', async () => {
    const { api, app, browser, own } = await signedIn(adapter);
    await app.get('/api/orders', own);
    const before = api.last.headers.authorization;
    app.clock.advance(3600 - 30);
    const answer = await browser.get('/api/orders', { from: app.url, headers: { 'x-csrf': '1' } });
    expect([answer.status, answer.setCookies.length > 0]).toEqual([200, true]);
    expect(api.last.headers.authorization).not.toBe(before);
    app.op.answer('token', { status: 400, body: { error: 'invalid_grant' } });
    app.clock.advance(3600);
    const refused = await browser.get('/api/orders', { from: app.url, headers: { 'x-csrf': '1' } });
    expect([refused.status, refused.json()['error'], browser.jar.names]).toEqual([401, 'login_required', []]);
    expect(api.calls).toHaveLength(2);
  });

  it('say 503 while the provider gives no token, and keep the session', async () => {
    const { api, app, browser } = await signedIn(adapter);
    app.op.answer('token', { status: 503 });
    app.clock.advance(3601);
    const answer = await browser.get('/api/orders', { from: app.url, headers: { 'x-csrf': '1' } });
    expect([answer.status, answer.header('retry-after'), api.calls.length]).toEqual([503, '5', 0]);
    expect(browser.jar.names).not.toEqual([]);
  });

  it('say 503 while the store of the sessions is down', async () => {
    const store = new ObservedStore();
    const { app, own } = await signedIn(adapter, { options: { session: { secret: SESSION_SECRET }, store } });
    store.fails = () => true;
    expect((await app.get('/api/orders', own)).status).toBe(503);
  });

  it('answer a body that the API does not take, and the next request over the same connection', async () => {
    const nobody = `http://127.0.0.1:${await freePort()}`;
    const routes = { proxy: [{ path: '/nobody', to: nobody }] };
    const { app, own } = await signedIn(adapter, { options: { routes } });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const statuses: unknown[] = [];
    for (const size of [10, 1_000_000, 10]) {
      const headers = { ...own, 'content-type': 'a/b', 'content-length': size };
      const call = open(`${app.address}/nobody`, { agent, method: 'POST', headers });
      call.end('x'.repeat(size));
      const [response]: IncomingMessage[] = await once(call, 'response');
      response?.resume();
      await once(response ?? call, 'end');
      statuses.push([response?.statusCode, call.reusedSocket]);
    }
    agent.destroy();
    expect(statuses).toEqual([
      [503, false],
      [503, true],
      [503, true],
    ]);
  });

  it('refuse a form of objects that a parser has read, unless its bytes are kept', async () => {
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const read = await signedIn(adapter);
    const kept = await signedIn(adapter, { rawBody: true });
    const answer = await read.app.post('/api/orders', 'a[b]=1', { ...read.own, ...form });
    // The parser on Fastify makes no objects of names.
    expect([answer.status, read.app.lastCode]).toEqual(
      adapter === 'express' ? [415, 'UNSUPPORTED_MEDIA_TYPE'] : [200, undefined],
    );
    expect((await kept.app.post('/api/orders', 'a[b]=1', { ...kept.own, ...form })).status).toBe(200);
    expect(kept.api.last.body).toBe('a[b]=1');
  });

  it('say 504 where the API is silent, 503 where nobody is there, and 502 where it speaks no HTTP', async () => {
    const nobody = `http://127.0.0.1:${await freePort()}`;
    const silent = await Api.start();
    silent.answer = () => undefined;
    const odd = await Api.start();
    odd.answer = (request) => void request.socket.end('odd\r\n\r\n');
    const { app, own } = await signedIn(adapter, {
      options: {
        routes: {
          proxy: [
            { path: '/silent', to: silent.url, timeout: 20 },
            { path: '/nobody', to: nobody },
            { path: '/odd', to: odd.url },
          ],
        },
      },
    });
    const answers = [await app.get('/silent', own), await app.get('/nobody', own), await app.get('/odd', own)];
    expect(answers.map(({ status }) => status)).toEqual([504, 503, 502]);
    expect(answers.map((answer) => answer.header('retry-after'))).toEqual(['5', '5', undefined]);
    expect(answers.map((answer) => answer.json()['error'])).toEqual([
      'temporarily_unavailable',
      'temporarily_unavailable',
      'server_error',
    ]);
  });

  it('RFC 9449 prove the key of the token, once more with the nonce of the API', async () => {
    const { api, app, own } = await signedIn(adapter, { client: { dpop_bound_access_tokens: true } });
    const nonces = () => api.calls.map(({ headers }) => proofOf(headers).nonce);
    api.answer = (request, response) => {
      const isGood = proofOf(request.headers).nonce === 'n1';
      const challenge = { 'www-authenticate': 'DPoP error="use_dpop_nonce"', 'dpop-nonce': 'n1' };
      response.writeHead(isGood ? 200 : 401, isGood ? {} : challenge).end();
    };
    const chunked = { ...own, 'content-type': 'a/b' };
    expect((await app.post('/api/orders', 'sent once', chunked)).status).toBe(503);
    expect(nonces()).toEqual([undefined]);
    expect((await app.post('/api/orders', 'sent again', chunked)).status).toBe(200);
    const again = await signedIn(adapter, { client: { dpop_bound_access_tokens: true } });
    again.api.answer = api.answer;
    const answer = await again.app.get('/api/orders?a=1', again.own);
    expect([answer.status, answer.header('dpop-nonce')]).toEqual([200, undefined]);
    const [first, second] = again.api.calls.map(({ headers }) => proofOf(headers));
    expect([first?.nonce, second?.nonce]).toEqual([undefined, 'n1']);
    expect([second?.htm, second?.htu]).toEqual(['GET', `${again.api.url}/v1/orders`]);
    expect(again.api.last.headers.authorization).toMatch(/^DPoP /);
  });

  it('are open for global guards, which look for other credentials', async () => {
    const { api, app, own } = await signedIn(adapter, {
      providers: [
        { provide: APP_GUARD, useClass: OidcSessionGuard },
        { provide: APP_GUARD, useClass: OidcGuard },
      ],
    });
    expect((await app.get('/api/orders', own)).status).toBe(200);
    expect((await app.get('/api/orders')).status).toBe(403);
    expect(api.calls).toHaveLength(1);
  });

  it('take bodies of any media type for each of several clients', async () => {
    const other = OidcModule.forRoot({
      name: 'other',
      issuer: 'https://other.test',
      client: { client_id: 'a', client_secret: SESSION_SECRET, redirect_uris: ['https://app.test/other/callback'] },
      session: { secret: SESSION_SECRET, tokens: true },
      routes: {
        login: '/other/login',
        callback: '/other/callback',
        logout: false,
        postLogout: false,
        me: false,
        checkSession: false,
        proxy: [{ path: '/other', to: 'https://other.test' }],
      },
    });
    const { app, own } = await signedIn(adapter, { imports: [other] });
    const post = async (path: string) => (await app.post(path, 'x', { ...own, 'content-type': 'a/b' })).status;
    expect([await post('/api/orders'), await post('/other/orders')]).toEqual([200, 401]);
  });

  it('leave bodies of an unknown media type to themselves elsewhere', async () => {
    const { app } = await signedIn(adapter);
    const answer = await app.post('/auth/logout', 'x', { 'content-type': 'a/b' });
    expect(answer.status).toBe(adapter === 'fastify' ? 415 : 303);
  });
});

function proofOf({ dpop }: IncomingMessage['headers']): Record<string, unknown> {
  return JSON.parse(Buffer.from(String(dpop).split('.')[1] ?? '', 'base64url').toString());
}

it.each<[string, unknown, string]>([
  ['no list', { path: '/api', to: 'https://api.test' }, 'routes.proxy: must be a list of { path, to }'],
  ['a pattern', [{ path: '/api/*', to: 'https://api.test' }], 'routes.proxy.0.path: must be a plain path such as /api'],
  ['dots', [{ path: '/a/..', to: 'https://api.test' }], 'routes.proxy.0.path: must be a plain path such as /api'],
  ['plain http', [{ path: '/api', to: 'http://api.test' }], 'routes.proxy.0.to: must be an https URL'],
  ['a query', [{ path: '/api', to: 'https://api.test/?a' }], 'routes.proxy.0.to: must be an https URL'],
  ['credentials', [{ path: '/api', to: 'https://a:b@api.test' }], 'routes.proxy.0.to: must be an https URL'],
  ['a way up', [{ path: '/api', to: 'https://api.test/a/../b' }], 'routes.proxy.0.to: must be an https URL'],
  ['no time', [{ path: '/api', to: 'https://api.test', timeout: 0 }], 'routes.proxy.0.timeout: must be at least 1'],
  ['another route’s path', [{ path: '/auth/me', to: 'https://api.test' }], 'routes: must be different paths'],
  [
    'one path twice',
    [
      { path: '/api', to: 'https://api.test' },
      { path: '/api', to: 'https://b.test' },
    ],
    'routes.proxy: must have different paths',
  ],
  [
    'no tokens',
    [{ path: '/api', to: 'https://api.test' }],
    'routes.proxy: needs session.tokens: true, or a store for the sessions',
  ],
])('%s stops the boot', async (_what, proxy, message) => {
  const options = Object.fromEntries([['routes', { proxy }]]);
  await expect(createApp({ adapter: 'express', controllers: [], options })).rejects.toThrow(message);
});
