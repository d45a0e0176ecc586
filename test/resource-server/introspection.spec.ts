import { expect, it } from '@jest/globals';

import { accessRule } from '../../lib/nest/access-rule.js';
import { resourceServerToken } from '../../lib/nest/tokens.js';
import type { ResourceServer } from '../../lib/resource-server/resource-server.js';
import type { Answer, Fault } from '../../lib/testing/http-faults.js';
import type { VerifiedAccessToken } from '../../lib/tokens/verified-access-token.js';
import type { Awaitable } from '../../lib/values/awaitable.js';
import { createApp, onBothAdapters, type TestApp } from '../support/app/apps.js';
import {
  expectBadRequest,
  expectBadToken,
  expectDependency,
  expectInsufficientScope,
  expectNoSecrets,
} from '../support/app/outcomes.js';
import { clientOf } from '../support/client/client.js';
import { T } from '../support/clock.js';
import { httpFor } from '../support/http/limits.js';
import { rawRequest } from '../support/http/raw-http.js';
import type { IssuedToken, Members } from '../support/provider/hostile-provider.js';
import { startProvider } from '../support/provider/provider.js';

const BASIC = { 'www-authenticate': 'Basic realm="op"' };
const INVALID_TOKEN = { 'www-authenticate': 'Bearer realm="op", error="invalid_token"' };
const CHALLENGES = { 'www-authenticate': ['Basic realm="op"', 'Bearer error="invalid_token"'] };

onBothAdapters((adapter) => {
  const boot = () => createApp({ adapter });
  const issue = (app: TestApp, members: IssuedToken) => app.call('/orders', app.op.issue(members));

  it('INTRO-01 refuses a token that is not active', async () => {
    const app = await boot();
    expectBadToken(app, await app.call('/orders', 'nobody-knows-it'), 'TOKEN_INACTIVE');
    expect(app.op.count('introspect')).toBe(1);
  });

  it.each<[string, Members]>([
    ['"true"', { active: 'true' }],
    ['1', { active: 1 }],
    ['"yes"', { active: 'yes' }],
    ['{}', { active: {} }],
    ['[true]', { active: [true] }],
    ['null', { active: null }],
    ['missing', { active: undefined }],
  ])('INTRO-02 believes no active of %s, and remembers nothing of it', async (_what, members) => {
    const app = await boot();
    const token = app.op.issue();
    app.op.introspectionResponse({ body: (body) => ({ ...body, ...members }) });
    expectDependency(app, await app.call('/orders', token), 'INTROSPECTION_MALFORMED');
    app.op.reset();
    expect((await app.call('/orders', token)).status).toBe(200);
  });

  it.each([
    ['INTRO-03 long ago', T - 3600, 401],
    ['INTRO-04 at the edge', T - 30, 401],
    ['INTRO-04 a second within', T - 29, 200],
    ['CLOCK-08 after 2038', 2 ** 31, 200],
    ['CLOCK-08 after 2100', 4_102_444_800, 200],
    ['CLOCK-10 a fraction within', T - 29.5, 200],
  ])('%s: exp %d gives %i', async (_what, exp, status) => {
    const app = await boot();
    const response = await issue(app, { exp, active: true });
    expect(response.status).toBe(status);
    if (status === 401) {
      expectBadToken(app, response, 'TOKEN_EXPIRED');
    }
  });

  it.each<[string, string]>([
    ['text', '"soon"'],
    ['digits and a fraction', '"1800003600.5"'],
    ['digits and a blank', '"1800003600 "'],
    ['a negative number as text', '"-1"'],
    ['hexadecimal', '"0x6b49d200"'],
    ['digits of no time that a date can hold', '"9999999999999"'],
    ['fourteen digits', '"00001800003600"'],
    ['an object', '{}'],
    ['true', 'true'],
    ['infinite', '1e999'],
    ['negative', '-1'],
    ['no time that a date can hold', '1e16'],
  ])('INTRO-05 takes no exp that is %s', async (_what, exp) => {
    const app = await boot();
    const raw = `{"active":true,"scope":"orders:read","aud":"https://api.test","exp":${exp}}`;
    app.op.introspectionResponse({ raw });
    expectDependency(app, await issue(app, {}), 'INTROSPECTION_MALFORMED');
  });

  it('INTRO-06 takes no token before its time, but for the tolerance', async () => {
    const app = await boot();
    expect((await issue(app, { nbf: T + 30 })).status).toBe(200);
    expectBadToken(app, await issue(app, { nbf: T + 31 }), 'TOKEN_NOT_YET_VALID');
  });

  it.each<[string, unknown]>([
    ['INTRO-07 no aud', undefined],
    ['INTRO-08 another aud', 'https://other.test'],
    ['INTRO-08 others only', ['https://a.test', 'https://b.test']],
    ['INTRO-08 a prefix of ours', 'https://api.tes'],
    ['INTRO-08 a list with something else in it', ['https://api.test', 1]],
    ['INTRO-08 nobody', []],
  ])('%s is not for this API', async (_what, aud) => {
    const app = await boot();
    expectBadToken(app, await issue(app, { aud }), 'TOKEN_AUDIENCE');
  });

  it('INTRO-08 a number is not its digits', async () => {
    const app = await createApp({ adapter, options: { resourceServer: { audience: '123' } } });
    expectBadToken(app, await issue(app, { aud: 123 }), 'TOKEN_AUDIENCE');
    expect((await issue(app, { aud: '123' })).status).toBe(200);
  });

  it('INTRO-09 one of several audiences is enough, on either side', async () => {
    const app = await createApp({
      adapter,
      options: { resourceServer: { audience: ['https://b.test', 'https://api.test'] } },
    });
    expect((await issue(app, { aud: ['x', 'https://api.test'] })).status).toBe(200);
    expect((await issue(app, { aud: 'https://b.test' })).status).toBe(200);
  });

  it('checks no audience where that is written out', async () => {
    const app = await createApp({ adapter, options: { resourceServer: { audience: false } } });
    expect((await issue(app, { aud: undefined })).status).toBe(200);
  });

  it.each<[string, Members, string]>([
    ['INTRO-11 of another type', { token_type: 'DPoP' }, 'TOKEN_BINDING'],
    ['INTRO-11 bound to a key', { cnf: { jkt: 'x' } }, 'TOKEN_BINDING'],
    ['INTRO-11 bound to what nobody knows', { cnf: { new: 1 } }, 'TOKEN_BINDING'],
    ['INTRO-13 an ID token by token_type', { token_type: 'ID_Token' }, 'TOKEN_TYPE'],
    [
      'INTRO-13 an ID token by its identifier',
      { token_type: 'urn:ietf:params:oauth:token-type:id_token' },
      'TOKEN_TYPE',
    ],
    ['INTRO-13 an ID token by short token_type', { token_type: 'ID' }, 'TOKEN_TYPE'],
    [
      'INTRO-13 a refresh token by its identifier',
      { token_type: 'urn:ietf:params:oauth:token-type:refresh_token' },
      'TOKEN_TYPE',
    ],
    ['INTRO-13 an offline token by token_type', { token_type: 'Offline' }, 'TOKEN_TYPE'],
    ['of a standard type that is not ours', { token_type: 'PoP' }, 'TOKEN_TYPE'],
    ['of no access token’s type', { token_type: 'N_A' }, 'TOKEN_TYPE'],
    ['bound, as null says', { cnf: null }, 'TOKEN_BINDING'],
    ['for nobody, as null says', { aud: null }, 'TOKEN_AUDIENCE'],
    ['that expired, as digits say', { active: true, exp: '1799999970' }, 'TOKEN_EXPIRED'],
    ['before its time, as digits say', { nbf: '1800000031' }, 'TOKEN_NOT_YET_VALID'],
    ['INTRO-13 an ID token by token_use', { token_use: 'id_token' }, 'TOKEN_TYPE'],
    ['INTRO-13 an ID token by short token_use', { token_use: 'ID' }, 'TOKEN_TYPE'],
    ['INTRO-13 an ID token by typ', { typ: 'ID' }, 'TOKEN_TYPE'],
    ['INTRO-13 a refresh token by typ', { typ: 'Refresh' }, 'TOKEN_TYPE'],
    ['INTRO-13 a refresh token', { token_type: 'refresh_token' }, 'TOKEN_TYPE'],
    ['of another issuer', { iss: 'https://op2.test' }, 'TOKEN_ISSUER'],
  ])('%s is refused', async (_what, members, code) => {
    const app = await boot();
    expectBadToken(app, await issue(app, members), code);
  });

  it.each<[string, Members]>([
    ['nonce', { nonce: 'n-0S6_WzA2Mj' }],
    ['at_hash', { at_hash: 'LDktKdoQak3Pk0cnXxCltA' }],
    ['c_hash', { c_hash: 'LDktKdoQak3Pk0cnXxCltA' }],
    ['s_hash', { s_hash: 'LDktKdoQak3Pk0cnXxCltA' }],
  ])('an ID token that introspection calls active is known by its %s', async (_claim, members) => {
    const app = await boot();
    expectBadToken(app, await issue(app, { ...members, token_type: undefined }), 'TOKEN_TYPE');
  });

  it.each<[string, (app: TestApp) => string]>([
    ['as it is', (app) => idToken(app)],
    ['with padding behind its signature', (app) => `${idToken(app)}==`],
    ['with blanks in its header', (app) => idToken(app, ' { "alg": "ES256" }')],
  ])('an ID token whose introspection tells nothing of its kind is known by itself, %s', async (_how, tokenOf) => {
    const app = await boot();
    app.op.introspectionResponse({ body: () => ({ active: true, aud: 'https://api.test', scope: 'orders:read' }) });
    expectBadToken(app, await app.call('/orders', tokenOf(app)), 'TOKEN_TYPE');
  });

  it.each<[string, Members]>([
    ['token_type', { token_type: 'Bearer' }],
    ['token_type of bound tokens', { token_type: 'DPoP', cnf: undefined }],
    ['Keycloak’s typ', { typ: 'Bearer' }],
    ['token_use', { token_use: 'access' }],
  ])('a nonce is no fault of what is called an access token by %s', async (_sign, members) => {
    const app = await boot();
    const answer = { active: true, aud: 'https://api.test', scope: 'orders:read', nonce: 'n-0S6_WzA2Mj', ...members };
    app.op.introspectionResponse({ body: () => answer });
    const response = await app.call('/orders', idToken(app));
    expect([response.status, app.lastCode]).toEqual(
      members['token_type'] === 'DPoP' ? [401, 'TOKEN_BINDING'] : [200, undefined],
    );
  });

  it.each<[string, Members]>([
    ['in lower case', { token_type: 'bearer' }],
    ['not said', { token_type: undefined }],
    ['said by providers of their own', { typ: 'Bearer', token_use: 'access_token' }],
    ['null', { token_type: null, typ: null, token_use: null }],
    ['of the provider’s own', { token_type: 'urn:pingidentity.com:oauth2:validated_token' }],
    ['of RFC 8693', { token_type: 'urn:ietf:params:oauth:token-type:access_token' }],
  ])('takes an access token whose type is %s', async (_what, members) => {
    const app = await boot();
    expect((await issue(app, members)).status).toBe(200);
  });

  it.each<[string, string | undefined]>([
    ['INTRO-15 none', undefined],
    ['empty', ''],
    ['another', 'orders:write'],
    ['INJ-10 a look-alike', 'orders:re\u200bad'],
    ['a longer one', 'orders:read:all'],
    ['another case', 'Orders:Read'],
  ])('a scope of %s is not enough', async (_what, scope) => {
    const app = await boot();
    app.op.introspectionResponse({ body: (body) => ({ ...body, scope }) });
    const response = await issue(app, {});
    expectInsufficientScope(app, response, 'orders:read');
  });

  it('INJ-04 takes scopes only in their documented shape', async () => {
    const app = await boot();
    app.op.introspectionResponse({ body: (body) => ({ ...body, scope: ['orders:read', 1] }) });
    expectDependency(app, await issue(app, {}), 'INTROSPECTION_MALFORMED');
    app.op.introspectionResponse({ body: (body) => ({ ...body, scope: ['openid orders:read'] }) });
    expectDependency(app, await issue(app, {}), 'INTROSPECTION_MALFORMED');
    app.op.introspectionResponse({ body: (body) => ({ ...body, scope: { 'orders:read': true } }) });
    expectDependency(app, await issue(app, {}), 'INTROSPECTION_MALFORMED');
  });

  it('INTRO-16 lets no member of the answer reach a prototype', async () => {
    const app = await boot();
    app.op.introspectionResponse({
      raw: '{"active":true,"aud":"https://api.test","__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}},"headers":{"x":1}}',
    });
    const response = await app.call('/any', app.op.issue());
    const { user } = response.json() as { user: { claims: Members } };
    expect(Object.keys(user.claims).toSorted()).toEqual(['active', 'aud', 'constructor', 'headers']);
    expect(Reflect.get({}, 'admin')).toBeUndefined();
  });

  it.each<[string, Fault, string, number]>([
    ['500', { status: 500 }, 'UPSTREAM_ERROR', 5],
    ['503 that says when', { status: 503, headers: { 'retry-after': '11' } }, 'UPSTREAM_UNAVAILABLE', 11],
    ['a reset', 'reset', 'UPSTREAM_UNAVAILABLE', 5],
    ['silence', 'hang', 'UPSTREAM_TIMEOUT', 5],
    ['half an answer', 'stall', 'UPSTREAM_TIMEOUT', 5],
    ['an answer that breaks off', 'truncate', 'RESPONSE_INCOMPLETE', 5],
    [
      'INTRO-20 a page',
      { headers: { 'content-type': 'text/html' }, body: '{"active":true}' },
      'UNEXPECTED_CONTENT_TYPE',
      5,
    ],
    ['a redirect', { status: 302, headers: { location: 'https://evil.test' } }, 'UNEXPECTED_REDIRECT', 5],
    ['no JSON', { headers: { 'content-type': 'application/json' }, body: '{"active":true' }, 'INVALID_JSON', 5],
    ['nothing', { headers: { 'content-type': 'application/json' }, body: '' }, 'INVALID_JSON', 5],
    ['INTRO-25 5 MB', { body: { active: true, pad: 'x'.repeat(5_000_000) } }, 'RESPONSE_TOO_LARGE', 5],
    ['404', { status: 404, body: 'not here' }, 'UNEXPECTED_STATUS', 5],
    ['404 of a framework', { status: 404, body: { error: 'Not Found', statusCode: 404 } }, 'OP_ERROR', 5],
    ['400 without an error', { status: 400, body: { active: true } }, 'UNEXPECTED_STATUS', 5],
    ['401 without an error', { status: 401, headers: BASIC }, 'CLIENT_MISCONFIGURED', 5],
    [
      'our credentials refused in the challenge',
      { status: 401, headers: { 'www-authenticate': 'Basic realm="op", error="invalid_client"' } },
      'CLIENT_MISCONFIGURED',
      5,
    ],
    [
      'our credentials refused in the body, whatever the challenge says',
      { status: 401, headers: INVALID_TOKEN, body: { error: 'invalid_client' } },
      'CLIENT_MISCONFIGURED',
      5,
    ],
    ['our credentials refused by 404', { status: 404, body: { error: 'invalid_client' } }, 'CLIENT_MISCONFIGURED', 5],
    ['201', { status: 201, body: { active: true } }, 'UNEXPECTED_STATUS', 5],
    ['our credentials refused', { status: 401, body: { error: 'invalid_client' } }, 'CLIENT_MISCONFIGURED', 5],
    ['another error', { status: 400, body: { error: 'invalid_request' } }, 'OP_ERROR', 5],
  ])('INTRO-18 answers 503 for %s, and never 200 or 401', async (_what, fault, code, retryAfter) => {
    const app = await createApp({ adapter, options: { http: httpFor(fault) } });
    const token = app.op.issue();
    app.op.answer('introspect', fault);
    expectDependency(app, await app.call('/orders', token), code, retryAfter);
    app.op.heal();
    expect((await app.call('/orders', token)).status).toBe(200);
    expectNoSecrets(app, undefined, [token]);
  });

  it.each<[string, Answer]>([
    ['400 invalid_token', { status: 400, body: { error: 'invalid_token' } }],
    ['401 invalid_token', { status: 401, body: { error: 'invalid_token' } }],
    ['401 with the challenge of RFC 6750', { status: 401, headers: INVALID_TOKEN }],
    ['401 with a page and two challenges', { status: 401, headers: CHALLENGES, body: '<p>no</p>' }],
    ['401 and a body that says it', { status: 401, body: { active: false } }],
    ['404 that says it', { status: 404, body: { active: false } }],
    ['404 with an OAuth error', { status: 404, body: { error: 'token_not_found' } }],
  ])('a server that answers %s speaks of the token: 401, remembered for a while', async (_what, answer) => {
    const app = await createApp({ adapter, options: { resourceServer: { audience: 'https://api.test', cache: {} } } });
    const token = app.op.issue();
    app.op.answer('introspect', answer);
    expectBadToken(app, await app.call('/orders', token), 'TOKEN_INACTIVE');
    app.op.heal();
    expectBadToken(app, await app.call('/orders', token), 'TOKEN_INACTIVE');
    expect(app.op.count('introspect')).toBe(1);
    app.clock.advance(5);
    expect((await app.call('/orders', token)).status).toBe(200);
  });

  it.each<[string, Answer, number]>([
    ['500', { status: 500 }, 503],
    ['400', { status: 400, body: { error: 'invalid_request' } }, 503],
    ['400 invalid_token', { status: 400, body: { error: 'invalid_token' } }, 401],
    ['401', { status: 401, headers: INVALID_TOKEN }, 401],
    ['404', { status: 404, body: { error: 'invalid_token' } }, 401],
  ])('a stranger whose garbage is answered %s closes the door for nobody else', async (_what, answer, status) => {
    const app = await boot();
    const good = app.op.issue();
    app.op.answer('introspect', ({ form }, next) => (form['token'] === good ? next() : answer));
    const strangers = await Promise.all(
      Array.from({ length: 30 }, (_, index) => app.call('/orders', `garbage${index}`)),
    );
    expect(new Set(strangers.map((response) => response.status))).toEqual(new Set([status]));
    expect((await app.call('/orders', good)).status).toBe(200);
  });

  it('INTRO-19 leaves a server alone that asks for it, whatever the token', async () => {
    const app = await boot();
    const token = app.op.issue();
    app.op.answer('introspect', { status: 429, headers: { 'retry-after': '7' } }, { times: 1 });
    expectDependency(app, await app.call('/orders', token), 'RATE_LIMITED', 7);
    app.clock.advance(2);
    expectDependency(app, await app.call('/orders', app.op.issue()), 'RATE_LIMITED', 5);
    expect(app.op.count('introspect')).toBe(1);
    app.clock.advance(5);
    expect((await app.call('/orders', token)).status).toBe(200);
  });

  it('refuses a token whose form the server does not introspect', async () => {
    const app = await boot();
    app.op.answer('introspect', { status: 400, body: { error: 'unsupported_token_type' } });
    expectBadToken(app, await app.call('/orders', 'a.b.c'), 'TOKEN_TYPE');
  });

  it('INTRO-21 sends the token once, in the body', async () => {
    const app = await boot();
    await app.call('/orders', 'a+b/c==');
    const request = app.op.last('introspect');
    expect(request.method).toBe('POST');
    expect(request.form).toEqual({ token: 'a+b/c==', token_type_hint: 'access_token' });
    expect([...request.query]).toEqual([]);
    expect(request.rawHeaders.join()).not.toContain('a+b/c');
  });

  it('INTRO-22 lets nothing into the form that is no token', async () => {
    const app = await boot();
    expectBadRequest(app, await rawRequest(app.address, 'GET /orders', ['Authorization: Bearer a&active=true']));
    expect(app.op.count('introspect')).toBe(0);
  });

  it('INTRO-23 stops the boot where there is nothing to authenticate with', async () => {
    await expect(createApp({ adapter, client: { client_secret: undefined } })).rejects.toMatchObject({
      name: 'ConfigError',
      member: 'client.client_secret',
      message: expect.stringMatching(
        /^client.client_secret: is missing, and client.jwks holds no private key to sign with: /,
      ),
    });
  });

  it('INTRO-23 asks an endpoint that takes anybody, where both sides of it are written out', async () => {
    const op = await startProvider();
    const client = { introspection_endpoint_auth_method: 'none' } as const;
    const server = { introspection_endpoint: op.url('introspect') };
    const app = await createApp({ adapter, op, client, options: { server } });
    expect(app.logs.map(({ text }) => text)).toContainEqual(expect.stringContaining('asked without authentication'));
    op.answer('introspect', { body: { active: true, aud: 'https://api.test', scope: 'orders:read' } });
    expect((await app.call('/orders', 'token')).status).toBe(200);
    await expect(createApp({ adapter, op, client })).rejects.toMatchObject({
      name: 'ConfigError',
      member: 'client.introspection_endpoint_auth_method',
    });
  });

  it('INTRO-26 takes nobody’s username for a subject', async () => {
    const app = await boot();
    const response = await issue(app, { sub: undefined, username: 'alice', client_id: 'cli' });
    expect(response.json()).toEqual({ client_id: 'cli', scopes: ['orders:read'] });
  });

  it('RFC 9068, section 5: a client whose identifier is a user’s subject is not that user', async () => {
    const app = await boot();
    const response = await app.call('/any', app.op.issue({ sub: 'alice', client_id: 'alice' }));
    expect(response.json()).toMatchObject({
      user: { client_id: 'alice', claims: { sub: 'alice', client_id: 'alice' } },
    });
    expect(response.json()).not.toHaveProperty('user.sub');
  });

  it('shares one call among all who ask about a token at the same time, and keeps nothing of it', async () => {
    const app = await boot();
    const resourceServer = app.nest.get<ResourceServer>(resourceServerToken(), { strict: false });
    const token = app.op.issue();
    const asked = Array.from({ length: 1000 }, () => verify(resourceServer, token));
    expect(new Set((await Promise.all(asked)).map(({ sub, value }) => `${sub} ${value}`))).toEqual(
      new Set([`alice ${token}`]),
    );
    expect(app.op.count('introspect')).toBe(1);
    await verify(resourceServer, token);
    expect(app.op.count('introspect')).toBe(2);
  });

  it('fails all who share a call that fails, and asks again afterwards', async () => {
    const app = await boot();
    const resourceServer = app.nest.get<ResourceServer>(resourceServerToken(), { strict: false });
    const token = app.op.issue();
    app.op.answer('introspect', { status: 500 }, { times: 1 });
    const asked = await Promise.allSettled(Array.from({ length: 100 }, () => verify(resourceServer, token)));
    expect(new Set(asked.map(({ status }) => status))).toEqual(new Set(['rejected']));
    expect((await verify(resourceServer, token)).sub).toBe('alice');
    expect(app.op.count('introspect')).toBe(2);
  });
});

/** As Spring Authorization Server makes them where the client is its own API. */
function idToken({ op }: TestApp, header = '{"alg":"ES256"}'): string {
  const claims = { iss: op.issuer, sub: 'alice', aud: 'https://api.test', nonce: 'n-0S6_WzA2Mj', azp: 'rp1' };
  const encoded = [header, JSON.stringify(claims), 'signature of 3'].map((part) =>
    Buffer.from(part).toString('base64url'),
  );
  return encoded.join('.');
}

it('INTRO-21 any text comes through as the token that it is', async () => {
  const op = await startProvider();
  const { oidc } = clientOf(op);
  await oidc.introspect('a+b/c=&d=e%f');
  const { form, query } = op.last('introspect');
  expect(form).toEqual({ token: 'a+b/c=&d=e%f', token_type_hint: 'access_token' });
  expect([...query]).toEqual([]);
});

/** As a route that requires nothing of a token. */
function verify(resourceServer: ResourceServer, token: string): Awaitable<VerifiedAccessToken> {
  const rule = accessRule(verify, Object);
  return resourceServer.verify({ token: { scheme: 'Bearer', value: token }, request: undefined }, rule);
}
