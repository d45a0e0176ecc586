import { expect, it } from '@jest/globals';

import type { ClientMetadata } from '../../lib/index.js';
import type { Fault } from '../../lib/testing/http-faults.js';
import { decodeJwt, keyOf, privateJwk } from '../../lib/testing/provider/keys.js';
import { createApp, onBothAdapters, type Adapter } from '../support/app/apps.js';
import { expectCallbackRefused, expectNoSecrets } from '../support/app/outcomes.js';
import { Browser } from '../support/browser/browser.js';
import { httpFor } from '../support/http/limits.js';
import { CLIENT_SECRET } from '../support/provider/provider.js';

const PUSHED: Partial<ClientMetadata> = { require_pushed_authorization_requests: true };

const jwks = { keys: [JSON.parse(JSON.stringify(privateJwk(keyOf('P-256', 'rp1'), { alg: 'ES256' })))] };

onBothAdapters((adapter: Adapter) => {
  it.each<[string, Partial<ClientMetadata>, readonly string[]]>([
    ['B12 B13 pushed', PUSHED, ['client_id', 'request_uri']],
    [
      'B9 as a request object',
      { jwks, request_object_signing_alg: 'ES256' },
      ['client_id', 'response_type', 'redirect_uri', 'scope', 'request'],
    ],
    [
      'B12 pushed as a request object',
      { ...PUSHED, jwks, request_object_signing_alg: 'ES256' },
      ['client_id', 'request_uri'],
    ],
    ['F18 pushed with a DPoP proof', { ...PUSHED, dpop_bound_access_tokens: true }, ['client_id', 'request_uri']],
  ])('a login is %s', async (_how, client, names) => {
    const app = await createApp({ adapter, client });
    const browser = new Browser(app);
    const begun = await browser.get('/auth/login?returnTo=/me');
    expect([...new URL(begun.location).searchParams.keys()]).toEqual(names);
    const callback = await browser.finishLogin(await browser.follow(begun));
    expect(callback.location).toBe(`${app.url}/me`);
    expect((await browser.get('/me')).json()).toMatchObject({ user: { sub: 'alice' } });
  });

  it.each<[string, Fault, 502 | 503 | 504, string]>([
    ['refuses the request', { status: 400, body: { error: 'invalid_request' } }, 502, 'OP_ERROR'],
    ['refuses the redirect URI', { status: 400, body: { error: 'invalid_redirect_uri' } }, 502, 'OP_ERROR'],
    ['refuses the client', { status: 401, body: { error: 'invalid_client' } }, 502, 'CLIENT_MISCONFIGURED'],
    ['answers 200', { status: 200, body: { request_uri: 'urn:a', expires_in: 60 } }, 502, 'UNEXPECTED_STATUS'],
    [
      'answers a page',
      { status: 201, body: '<html>', headers: { 'content-type': 'text/html' } },
      502,
      'UNEXPECTED_CONTENT_TYPE',
    ],
    ['names no request URI', { status: 201, body: { expires_in: 60 } }, 502, 'PAR_RESPONSE_INVALID'],
    ['redirects', { status: 302, headers: { location: 'https://evil.test' } }, 502, 'UNEXPECTED_REDIRECT'],
    ['is down', { status: 503 }, 503, 'UPSTREAM_UNAVAILABLE'],
    ['hangs up', 'reset', 503, 'UPSTREAM_UNAVAILABLE'],
    ['asks to be left alone', { status: 429 }, 503, 'RATE_LIMITED'],
    ['does not answer', 'hang', 504, 'UPSTREAM_TIMEOUT'],
  ])('no login begins where the server %s', async (_what, fault, status, code) => {
    const app = await createApp({ adapter, client: PUSHED, options: { http: httpFor(fault) } });
    app.op.answer('par', fault);
    const browser = new Browser(app);
    const page = await browser.get('/auth/login');
    expectCallbackRefused(page, status, code, app);
    expectNoSecrets(app, page, [CLIENT_SECRET, app.op.last('par').form['state'] ?? '']);
    expect(browser.jar.names).toEqual([]);
    app.op.heal();
    app.clock.advance(5);
    expect((await browser.login()).status).toBe(303);
  });

  it('U3 no log has what the server repeats of the request', async () => {
    const app = await createApp({ adapter, client: { ...PUSHED, jwks, request_object_signing_alg: 'ES256' } });
    app.op.answer('par', ({ body, form }) => ({
      status: 400,
      body: { error: 'invalid_request_object', error_description: `${form['request']?.slice(0, 200)} of ${body}` },
    }));
    const page = await new Browser(app).get('/auth/login');
    expectCallbackRefused(page, 502, 'OP_ERROR', app);
    const { claims } = decodeJwt(app.op.last('par').form['request'] ?? '');
    expectNoSecrets(app, page, [String(claims['state']), String(claims['nonce'])]);
  });
});
