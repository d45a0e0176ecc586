import { expect, it } from '@jest/globals';

import type { Answer, Fault } from '../../lib/testing/http-faults.js';
import { createApp, onBothAdapters } from '../support/app/apps.js';
import { expectCallbackRefused, expectNoSecrets } from '../support/app/outcomes.js';
import { Browser } from '../support/browser/browser.js';
import { httpFor } from '../support/http/limits.js';
import type { Members, ResponseFault } from '../support/provider/hostile-provider.js';
import { CLIENT_SECRET } from '../support/provider/provider.js';

const JSON_TYPE = { 'content-type': 'application/json' };

/** A whole answer with other headers. */
const as =
  (contentType: string, prefix = ''): Fault =>
  async (_request, next) => {
    const { body } = await next();
    const headers: Answer['headers'] = contentType === '' ? {} : { 'content-type': contentType };
    return { headers, body: prefix + JSON.stringify(body) };
  };

onBothAdapters((adapter) => {
  const boot = (login = {}, http = {}) => createApp({ adapter, options: { login, http } });

  it.each<[string, Members, 403 | 502, string]>([
    ['TOK-04 no access token', { access_token: undefined }, 502, 'TOKEN_RESPONSE_INVALID'],
    ['an empty access token', { access_token: '' }, 502, 'TOKEN_RESPONSE_INVALID'],
    ['an access token that would be two headers', { access_token: 'a\r\nb' }, 502, 'TOKEN_RESPONSE_INVALID'],
    ['TOK-06 no token type', { token_type: undefined }, 502, 'TOKEN_RESPONSE_INVALID'],
    ['TOK-07 token type mac', { token_type: 'mac' }, 502, 'TOKEN_RESPONSE_INVALID'],
    ['TOK-07 token type N_A', { token_type: 'N_A' }, 502, 'TOKEN_RESPONSE_INVALID'],
    ['TOK-10 token type DPoP', { token_type: 'DPoP' }, 502, 'TOKEN_RESPONSE_INVALID'],
    ['TOK-12 no ID token', { id_token: undefined }, 403, 'ID_TOKEN_MISSING'],
    ['TOK-12 null for the ID token', { id_token: null }, 403, 'ID_TOKEN_MISSING'],
    ['TOK-13 an ID token that is an object', { id_token: {} }, 502, 'TOKEN_RESPONSE_INVALID'],
    ['TOK-13 an ID token that is a number', { id_token: 1 }, 502, 'TOKEN_RESPONSE_INVALID'],
    ['TOK-13 an ID token that is empty', { id_token: '' }, 502, 'TOKEN_RESPONSE_INVALID'],
    ['TOK-07 a token type of the provider’s own', { token_type: 'urn:op.test:token' }, 502, 'TOKEN_RESPONSE_INVALID'],
    ['an access token that is null', { access_token: null }, 502, 'TOKEN_RESPONSE_INVALID'],
    ['an expiry that is a word', { expires_in: 'soon' }, 502, 'TOKEN_RESPONSE_INVALID'],
    ['an expiry of a fraction in digits', { expires_in: '3599.5' }, 502, 'TOKEN_RESPONSE_INVALID'],
    ['an expiry in a thousand years', { expires_in: '31556926000' }, 502, 'TOKEN_RESPONSE_INVALID'],
    ['a list of scopes with a number in it', { scope: ['openid', 1] }, 502, 'TOKEN_RESPONSE_INVALID'],
    ['a list of scopes with two in one', { scope: ['openid orders:write'] }, 502, 'TOKEN_RESPONSE_INVALID'],
    [
      'INJ-07 300 members',
      Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`m${i}`, i])),
      502,
      'TOO_MANY_MEMBERS',
    ],
  ])('%s', async (_what, members, status, code) => {
    const app = await boot();
    app.op.tokenResponse((body) => ({ ...body, ...members }));
    const browser = new Browser(app);
    expectCallbackRefused(await browser.login(), status, code, app);
    expect([app.op.count('token'), app.op.count('userinfo')]).toEqual([1, 0]);
    expect(browser.jar.names).toEqual([]);
  });

  it.each(['bearer', 'BEARER', 'bEARER'])('TOK-08 E10 takes token type %s', async (token_type) => {
    const app = await boot();
    app.op.tokenResponse((body) => ({ ...body, token_type }));
    expect((await new Browser(app).login()).status).toBe(303);
  });

  it('E9 needs neither expires_in nor scope', async () => {
    const app = await boot();
    app.op.tokenResponse(({ expires_in: _, scope: _scope, ...body }) => body);
    expect((await new Browser(app).login()).status).toBe(303);
  });

  it.each<[string, Fault, 403 | 502, string]>([
    [
      'TOK-01 invalid_grant',
      { status: 400, body: { error: 'invalid_grant', error_description: 'x' } },
      403,
      'OP_ERROR',
    ],
    [
      'TOK-02 invalid_client',
      { status: 401, headers: { 'www-authenticate': 'Basic' }, body: { error: 'invalid_client' } },
      502,
      'CLIENT_MISCONFIGURED',
    ],
    ['401 without words', { status: 401, body: '' }, 502, 'CLIENT_MISCONFIGURED'],
    ['404', { status: 404, body: 'x' }, 502, 'UNEXPECTED_STATUS'],
    ['an error that is no text', { status: 400, headers: JSON_TYPE, body: '{"error":{}}' }, 502, 'UNEXPECTED_STATUS'],
    ['TOK-18 a page', as('text/html'), 502, 'UNEXPECTED_CONTENT_TYPE'],
    ['TOK-18 no media type', as(''), 502, 'UNEXPECTED_CONTENT_TYPE'],
    ['NET-19 text', as('text/plain'), 502, 'UNEXPECTED_CONTENT_TYPE'],
    [
      'TOK-18 a form',
      { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'access_token=a' },
      502,
      'UNEXPECTED_CONTENT_TYPE',
    ],
    ['NET-18 nothing', { headers: JSON_TYPE, body: '' }, 502, 'INVALID_JSON'],
    ['NET-18 204', { status: 204 }, 502, 'UNEXPECTED_STATUS'],
    ['INJ-06 something deep', { headers: JSON_TYPE, body: '['.repeat(9999) }, 502, 'JSON_TOO_DEEP'],
    ['a list', { headers: JSON_TYPE, body: '[]' }, 502, 'INVALID_JSON'],
    ['INJ-08 no UTF-8', { headers: JSON_TYPE, body: Buffer.from([0x7b, 0xff, 0x7d]) }, 502, 'INVALID_UTF8'],
    ['NET-10 half an answer', 'truncate', 502, 'RESPONSE_INCOMPLETE'],
    ['NET-12 half an answer and a reset', 'abort', 502, 'RESPONSE_INCOMPLETE'],
    [
      'NET-15 something compressed',
      { headers: { ...JSON_TYPE, 'content-encoding': 'gzip' }, body: 'x' },
      502,
      'UNEXPECTED_CONTENT_ENCODING',
    ],
    ['a redirect', { status: 307, headers: { location: 'https://evil.test' } }, 502, 'UNEXPECTED_REDIRECT'],
  ])('%s ends the login, and the code is not sent again', async (_what, fault, status, code) => {
    const app = await boot();
    app.op.answer('token', fault);
    const browser = new Browser(app);
    expectCallbackRefused(await browser.login(), status, code, app);
    expect(app.op.count('token')).toBe(1);
    expect(browser.jar.names).toEqual([]);
  });

  it.each<[string, Fault, 503 | 504, string]>([
    ['NET-12 a reset', 'reset', 503, 'UPSTREAM_UNAVAILABLE'],
    ['a closed connection', 'close', 503, 'UPSTREAM_UNAVAILABLE'],
    ['500', { status: 500 }, 503, 'UPSTREAM_ERROR'],
    ['NET-07 silence', 'hang', 504, 'UPSTREAM_TIMEOUT'],
    ['half an answer and silence', 'stall', 504, 'UPSTREAM_TIMEOUT'],
    ['NET-20 429', { status: 429, headers: { 'retry-after': '120' } }, 503, 'RATE_LIMITED'],
  ])('%s is the provider’s outage, and the code is not sent again', async (_what, fault, status, code) => {
    const app = await boot({}, httpFor(fault));
    app.op.answer('token', fault);
    const response = await new Browser(app).login();
    expectCallbackRefused(response, status, code, app);
    expect(app.op.count('token')).toBe(1);
    if (code === 'RATE_LIMITED') {
      expect(response.header('retry-after')).toBe('120');
    }
  });

  it('TOK-02 tells the operator, and not with the secret', async () => {
    const app = await boot();
    app.op.answer('token', { status: 401, body: { error: 'invalid_client' } });
    const response = await new Browser(app).login();
    expect(
      app.logs
        .filter(({ level }) => level === 'error')
        .map(({ text }) => text)
        .join(),
    ).toContain('CLIENT_MISCONFIGURED');
    expectNoSecrets(app, response, [CLIENT_SECRET]);
  });

  it('TOK-14 TOK-16 keeps the scope that was granted, else the one that was asked for', async () => {
    const app = await boot({ scope: 'openid profile email' });
    const { OidcSession } = await import('../../lib/index.js');
    const scopeAfter = async (scope: string | undefined) => {
      app.op.tokenResponse(({ scope: _, ...body }) => ({ ...body, ...(scope !== undefined && { scope }) }));
      const browser = new Browser(app);
      await browser.login();
      const headers = { cookie: browser.jar.header(app.url, { isCrossSite: false, isSafe: true }) };
      const session = await app.nest.get(OidcSession).read({ headers, rawHeaders: [], method: 'GET', url: '/' });
      return session?.tokens.scope;
    };
    expect(await scopeAfter('openid profile')).toBe('openid profile');
    expect(await scopeAfter(undefined)).toBe('openid profile email');
  });

  it('TOK-17 believes the last of two ID tokens, and only after it was verified', async () => {
    const app = await boot();
    app.op.answer('token', async (_request, next) => {
      const text = JSON.stringify((await next()).body);
      return { headers: JSON_TYPE, body: `${text.slice(0, -1)},"id_token":"e30.e30.e30"}` };
    });
    expectCallbackRefused(await new Browser(app).login(), 403, 'JWT_MALFORMED', app);
  });

  it.each(['Application/JSON; charset=latin1', 'application/json;charset=utf-8;x=y'])(
    'TOK-18 takes %s',
    async (type) => {
      const app = await boot();
      app.op.answer('token', as(type));
      expect((await new Browser(app).login()).status).toBe(303);
    },
  );

  it('TOK-19 takes a byte order mark', async () => {
    const app = await boot();
    app.op.answer('token', as('application/json', '\ufeff'));
    expect((await new Browser(app).login()).status).toBe(303);
  });

  it('TOK-20 repeats nothing of an answer that repeats our secrets', async () => {
    const app = await boot();
    let form: Readonly<Record<string, string>> = {};
    app.op.answer('token', (request) => {
      ({ form } = request);
      const echo = { ...form, secret: CLIENT_SECRET };
      return { status: 400, body: { error: CLIENT_SECRET, error_description: JSON.stringify(echo), ...echo } };
    });
    const response = await new Browser(app).login();
    expectCallbackRefused(response, 403, 'OP_ERROR', app);
    expectNoSecrets(app, response, [CLIENT_SECRET, String(form['code']), String(form['code_verifier'])]);
  });

  it('TOK-21 uses no token of an answer whose ID token is not good', async () => {
    const app = await boot({ userinfo: true, scope: 'openid offline_access' });
    app.op.idToken({ sign: 'stranger' });
    const browser = new Browser(app);
    expectCallbackRefused(await browser.login(), 403, 'SIGNATURE_INVALID', app);
    expect([app.op.count('userinfo'), browser.jar.names]).toEqual([0, []]);
  });

  it('JWKS: keys that can not be had are the provider’s outage', async () => {
    const app = await boot();
    app.op.answer('jwks', { status: 503, headers: { 'retry-after': '9' } });
    const response = await new Browser(app).login();
    expectCallbackRefused(response, 503, 'UPSTREAM_UNAVAILABLE', app);
    expect(response.header('retry-after')).toBe('9');
  });

  it.each<[string, ResponseFault, 403 | 502, string]>([
    ['UI-01 F3 somebody else', { body: (body) => ({ ...body, sub: 'victim' }) }, 403, 'SUB_MISMATCH'],
    ['UI-02 nobody', { body: ({ sub: _, ...body }) => body }, 403, 'CLAIM_INVALID'],
    ['UI-02 a number', { body: (body) => ({ ...body, sub: 1 }) }, 403, 'CLAIM_INVALID'],
    ['UI-04 a refusal', { status: 401 }, 502, 'USERINFO_REFUSED'],
    ['a page', { contentType: 'text/html' }, 502, 'UNEXPECTED_CONTENT_TYPE'],
  ])('userinfo about %s ends the login', async (_what, fault, status, code) => {
    const app = await boot({ userinfo: true });
    app.op.userinfo(fault);
    const browser = new Browser(app);
    expectCallbackRefused(await browser.login(), status, code, app);
    expect(browser.jar.names).toEqual([]);
  });

  it('F1 UI-12 UI-10 UI-11 userinfo’s claims stand beside the ID token’s, as they came', async () => {
    const app = await boot({ userinfo: true });
    const sources = { src: { endpoint: 'http://169.254.169.254/latest', access_token: 'x' } };
    app.op.userinfo({ body: (body) => ({ ...body, email_verified: 'true', iss: 'evil', _claim_sources: sources }) });
    const browser = new Browser(app);
    await browser.login();
    const { user } = (await browser.get('/me')).json() as { user: { claims: Members } };
    expect(user.claims).toMatchObject({ sub: 'alice', name: 'Alice', email_verified: 'true', iss: app.op.issuer });
    const { headers, query, method } = app.op.last('userinfo');
    expect([method, headers.authorization?.startsWith('Bearer '), [...query]]).toEqual(['GET', true, []]);
  });
});
