import { describe, expect, it } from '@jest/globals';

import { OIDC_DISPATCHER, OidcClient, type ClientMetadata } from '../../lib/index.js';
import { keyOf, privateJwk } from '../../lib/testing/provider/keys.js';
import { LoopbackProvider } from '../../lib/testing/provider/loopback-provider.js';
import { createApp, type TestApp } from './app/apps.js';
import { expectBadToken, expectCallbackRefused, expectDependency, expectNoSecrets } from './app/outcomes.js';
import { Browser } from './browser/browser.js';
import { SeenDispatcher } from './client/dispatcher.js';
import { TestClock } from './clock.js';
import { closeLater } from './closing.js';
import { httpFor } from './http/limits.js';
import { rawBytes } from './http/raw-http.js';
import { authenticationOf } from './provider/hostile-provider.js';
import { CLIENT_SECRET, startProvider } from './provider/provider.js';

const adapter = 'express';

const boot = (client: Partial<ClientMetadata> = {}): Promise<TestApp> => createApp({ adapter, client });

describe('the provider of the tests', () => {
  it('serves an application without the one that has faults', async () => {
    const op = closeLater(new LoopbackProvider({ clock: new TestClock() }));
    await op.start();
    const app = await createApp({ adapter, op, client: { introspection_signed_response_alg: 'ES256' } });
    const token = op.issue();
    expect((await app.call('/orders', token)).status).toBe(200);
    expect((await new Browser(app).login()).status).toBe(303);
    op.expire(token);
    expectBadToken(app, await app.call('/orders', token), 'TOKEN_INACTIVE');
  });

  it('publishes the grant types and the algorithms of DPoP proofs that it takes', async () => {
    const op = await startProvider();
    const response = await fetch(`${op.issuer}/.well-known/openid-configuration`);
    expect(await response.json()).toMatchObject({
      grant_types_supported: [
        'authorization_code',
        'refresh_token',
        'client_credentials',
        'urn:ietf:params:oauth:grant-type:device_code',
        'urn:openid:params:grant-type:ciba',
        'urn:ietf:params:oauth:grant-type:token-exchange',
        'urn:ietf:params:oauth:grant-type:jwt-bearer',
        'implicit',
      ],
      dpop_signing_alg_values_supported: expect.arrayContaining(['ES256', 'RS256', 'EdDSA']),
    });
  });

  it.each<[method: string, client: Parameters<typeof boot>[0]]>([
    ['client_secret_basic', {}],
    ['client_secret_post', { token_endpoint_auth_method: 'client_secret_post' }],
    ['client_secret_jwt', { token_endpoint_auth_method: 'client_secret_jwt' }],
    [
      'private_key_jwt',
      {
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: { keys: [JSON.parse(JSON.stringify(privateJwk(keyOf('P-256', 'rp1'), { alg: 'ES256' })))] },
      },
    ],
  ])('knows a client by %s, and by nothing else', async (method, client) => {
    const app = await boot(client);
    expect((await app.call('/orders', app.op.issue())).status).toBe(200);
    expect(authenticationOf(app.op.last('introspect'))).toMatchObject({ client_id: 'rp1', method });
    app.op.register({ client_id: 'rp1', client_secret: CLIENT_SECRET, token_endpoint_auth_method: 'none' });
    expectDependency(app, await app.call('/orders', app.op.issue()), 'CLIENT_MISCONFIGURED');
    expect(authenticationOf(app.op.last('introspect')).problem).toBe(`${method} is not registered`);
  });

  it.each<[alg: string]>([['RS256'], ['PS384'], ['ES256'], ['ES384'], ['ES512'], ['EdDSA'], ['HS512']])(
    'signs with %s',
    async (alg) => {
      const app = await boot({
        id_token_signed_response_alg: alg,
        userinfo_signed_response_alg: alg,
        introspection_signed_response_alg: alg,
      });
      expect((await app.call('/orders', app.op.issue())).status).toBe(200);
      expect((await new Browser(app).login()).status).toBe(303);
      const userinfo = await app.nest.get(OidcClient).userinfo(app.op.issue(), 'alice');
      expect(userinfo).toMatchObject({ sub: 'alice', name: 'Alice' });
    },
  );

  it.each([
    ['reset', 'UPSTREAM_UNAVAILABLE'],
    ['close', 'UPSTREAM_UNAVAILABLE'],
    ['truncate', 'RESPONSE_INCOMPLETE'],
    ['abort', 'RESPONSE_INCOMPLETE'],
    ['hang', 'UPSTREAM_TIMEOUT'],
    ['stall', 'UPSTREAM_TIMEOUT'],
  ] as const)('disturbs an answer: %s', async (fault, code) => {
    const app = await createApp({ adapter, options: { http: httpFor(fault) } });
    app.op.answer('introspect', fault);
    expectDependency(app, await app.call('/orders', app.op.issue()), code);
    app.op.heal();
    expect((await app.call('/orders', app.op.issue())).status).toBe(200);
  });

  it('answers what it is told, so often, and then rightly again', async () => {
    const app = await boot();
    app.op.answer('introspect', { status: 503, headers: { 'retry-after': '7' } }, { times: 1 });
    app.op.answer('introspect', { raw: 'This is not HTTP\r\n\r\n' }, { times: 1 });
    app.op.answer(
      'introspect',
      async (_request, next) => ({ ...(await next()), headers: { 'content-type': 'text/html' } }),
      {
        times: 1,
      },
    );
    const token = app.op.issue();
    expectDependency(app, await app.call('/orders', token), 'UPSTREAM_UNAVAILABLE', 7);
    expectDependency(app, await app.call('/orders', token), 'MALFORMED_HTTP');
    expectDependency(app, await app.call('/orders', token), 'UNEXPECTED_CONTENT_TYPE');
    expect((await app.call('/orders', token)).status).toBe(200);
  });

  it('changes its documents, its keys and its answers', async () => {
    const app = await boot({ introspection_signed_response_alg: 'ES256' });
    app.op.discovery((document) => ({ ...document, issuer: 'https://evil.test' }));
    expectDependency(app, await app.call('/orders', app.op.issue()), 'ISSUER_MISMATCH');
    app.op.reset();
    app.op.introspectionResponse({ body: (members) => ({ ...members, active: 'true' }) });
    expectDependency(app, await app.call('/orders', app.op.issue()), 'INTROSPECTION_MALFORMED');
    app.op.introspectionResponse({ as: 'json' });
    expectDependency(app, await app.call('/orders', app.op.issue()), 'SIGNED_RESPONSE_REQUIRED');
    app.op.introspectionResponse({ header: (header) => ({ ...header, alg: 'none' }) });
    expectDependency(app, await app.call('/orders', app.op.issue()), 'ALG_NOT_ALLOWED');
    app.op.introspectionResponse({ header: (header) => ({ ...header, typ: 'JWT' }) });
    expectDependency(app, await app.call('/orders', app.op.issue()), 'TYP_MISMATCH');
    app.op.reset();
    app.op.rotate();
    expect((await app.call('/orders', app.op.issue())).status).toBe(200);
    expect(app.op.count('jwks')).toBe(2);
  });

  it('changes what the browser and the token request take back', async () => {
    const app = await boot();
    app.op.authorizationResponse(({ state }) => ({ error: 'access_denied', state, iss: app.op.issuer }));
    expectCallbackRefused(await new Browser(app).login(), 403, 'OP_ERROR', app);
    app.op.reset();
    app.op.tokenResponse(({ access_token: _, ...members }) => members);
    const browser = new Browser(app);
    const response = await browser.login();
    expectCallbackRefused(response, 502, 'TOKEN_RESPONSE_INVALID', app);
    const { code, code_verifier } = app.op.last('token').form;
    expectNoSecrets(app, response, [code ?? '', code_verifier ?? '', CLIENT_SECRET]);
    expect(app.op.count('token')).toBe(1);
  });

  it('refreshes, revokes and gives tokens to clients', async () => {
    const app = await createApp({ adapter, options: { login: { scope: 'openid offline_access orders:read' } } });
    const client = app.nest.get(OidcClient);
    const { access_token } = await client.clientCredentials({ scope: 'orders:read' });
    expect((await app.call('/orders', access_token)).json()).toMatchObject({ client_id: 'rp1' });
    await client.revoke(access_token);
    expect(app.op.isKnown(access_token)).toBe(false);

    const { url, transaction } = await client.authorizationUrl({ scope: 'openid offline_access' });
    const code = app.op.issueCode('rp1', Object.fromEntries(new URL(url).searchParams));
    const answer = new Map([
      ['code', code],
      ['state', transaction.state],
      ['iss', app.op.issuer],
    ]);
    const { tokens } = await client.callback(answer, transaction);
    const fresh = await client.refresh(tokens.refresh_token ?? '');
    expect(fresh.access_token).not.toBe(tokens.access_token);
    await expect(client.refresh(tokens.refresh_token ?? '')).rejects.toMatchObject({ error: 'invalid_grant' });
    await expect(client.callback(answer, transaction)).rejects.toMatchObject({ error: 'invalid_grant' });
  });

  it('is found by both documents, with a path in its issuer and as localhost', async () => {
    for (const document of ['openid-configuration', 'oauth-authorization-server'] as const) {
      const op = await startProvider({ path: '/tenant', host: 'localhost' });
      const app = await createApp({ adapter, op, options: { discovery: { document } } });
      expect((await new Browser(app).login()).status).toBe(303);
      expect(op.issuer).toMatch(/^http:\/\/localhost:\d+\/tenant$/);
    }
  });
});

describe('the dispatcher of the tests', () => {
  it('brings a name that does not exist to the provider, and tells every call', async () => {
    const op = await startProvider();
    op.discovery((document) => JSON.parse(JSON.stringify(document).replaceAll(op.origin, 'https://op.test')));
    op.introspectionResponse({ body: (members) => ({ ...members, iss: 'https://op.test' }) });
    const outside = new SeenDispatcher({ 'https://op.test': op.origin });
    const app = await createApp({
      adapter,
      op,
      options: { issuer: 'https://op.test' },
      extras: { providers: [outside.provide(OIDC_DISPATCHER)] },
    });
    expect((await app.call('/orders', op.issue())).status).toBe(200);
    expect(outside.calls).toEqual([
      'GET https://op.test/.well-known/openid-configuration',
      'POST https://op.test/introspect',
    ]);
    await outside.close();
  });
});

describe('the browser of the tests', () => {
  it('forgets cookies when their time is over, and keeps Lax ones to itself on a cross-site POST', async () => {
    const app = await boot();
    const browser = new Browser(app);
    await browser.get('/auth/login');
    expect(browser.jar.startingWith('oidc-login.')).toHaveLength(1);
    await browser.post('/auth/callback', {}, { from: 'https://evil.test' });
    expect(browser.history.at(-1)?.cookie).toBeUndefined();
    await browser.get('/auth/callback', { from: 'https://evil.test' });
    expect(browser.history.at(-1)?.cookie).toMatch(/^oidc-login\./);
    app.clock.advance(4201);
    expect(browser.jar.names).toEqual([]);
  });
});

describe('a raw request', () => {
  it('brings back every header', async () => {
    const app = await boot();
    const response = await rawBytes(app.address, 'GET /orders HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    expect([response.status, response.all('www-authenticate').length]).toEqual([401, 1]);
    expect(response.json()).toMatchObject({ error: 'unauthorized' });
  });
});
