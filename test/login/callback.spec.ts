import { once } from 'node:events';
import { connect } from 'node:net';
import { setImmediate } from 'node:timers/promises';

import { expect, it } from '@jest/globals';

import { createApp, onBothAdapters, type Adapter } from '../support/app/apps.js';
import { expectCallbackRefused, expectNoSecrets } from '../support/app/outcomes.js';
import { Browser } from '../support/browser/browser.js';
import { rawRequest } from '../support/http/raw-http.js';

/** A browser whose login only lacks the callback. */
async function begun(adapter: Adapter) {
  const app = await createApp({ adapter });
  const browser = new Browser(app);
  const answer = await browser.startLogin({ returnTo: '/me' });
  const { code, state, iss } = Object.fromEntries(new URL(answer.location).searchParams);
  const callback = (query: string) => browser.get(`/auth/callback${query}`);
  return {
    app,
    browser,
    answer,
    callback,
    code: String(code),
    state: String(state),
    iss: encodeURIComponent(String(iss)),
  };
}

onBothAdapters((adapter) => {
  it.each<[string, string, string]>([
    ['AUTHZ-01 nothing', '', 'MISSING_RESPONSE'],
    ['AUTHZ-01 an empty query', '?', 'MISSING_RESPONSE'],
    ['AUTHZ-02 C5 a code without state', '?code=CODE&iss=ISS', 'STATE_MISSING'],
    ['AUTHZ-03 another state', '?code=CODE&iss=ISS&state=other', 'STATE_MISMATCH'],
    ['C4 the state and one character more', '?code=CODE&iss=ISS&state=STATE1', 'STATE_MISMATCH'],
    ['AUTHZ-04 the state and a space', '?code=CODE&iss=ISS&state=STATE+', 'STATE_MISMATCH'],
    ['AUTHZ-04 the state and NUL', '?code=CODE&iss=ISS&state=STATE%00', 'INVALID_PARAMETER'],
    ['AUTHZ-05 an empty state', '?code=CODE&iss=ISS&state=', 'STATE_MISSING'],
    ['AUTHZ-06 two codes', '?code=CODE&code=b&iss=ISS&state=STATE', 'DUPLICATE_PARAMETER'],
    ['AUTHZ-06 the same code twice', '?code=CODE&code=CODE&iss=ISS&state=STATE', 'DUPLICATE_PARAMETER'],
    ['two states', '?code=CODE&iss=ISS&state=STATE&state=STATE', 'DUPLICATE_PARAMETER'],
    ['AUTHZ-08 a list of codes', '?code[]=CODE&iss=ISS&state=STATE', 'INVALID_PARAMETER'],
    ['AUTHZ-08 an object of codes', '?code[x]=CODE&iss=ISS&state=STATE', 'INVALID_PARAMETER'],
    ['AUTHZ-08 an operator for a state', '?code=CODE&iss=ISS&state[$ne]=1', 'INVALID_PARAMETER'],
    ['AUTHZ-08 encoded brackets', '?code=CODE&iss=ISS&state%5B%24ne%5D=1', 'INVALID_PARAMETER'],
    ['AUTHZ-16 an error without state', '?error=access_denied', 'STATE_MISSING'],
    ['AUTHZ-29 broken percent-encoding', '?code=%zz&iss=ISS&state=STATE', 'INVALID_PARAMETER'],
    ['AUTHZ-28 a state of 8 KB', `?code=CODE&iss=ISS&state=${'s'.repeat(8192)}`, 'INVALID_PARAMETER'],
  ])('%s is 400, asks nobody and uses up no login', async (_what, query, code) => {
    const { app, browser, answer, callback, ...values } = await begun(adapter);
    const sent = query.replaceAll('CODE', values.code).replaceAll('STATE', values.state).replaceAll('ISS', values.iss);
    expectCallbackRefused(await callback(sent), 400, code, app);
    expect(app.op.count('token')).toBe(0);
    // The login that was begun is as good as before.
    expect((await browser.finishLogin(answer)).target).toBe(`${app.url}/me`);
  });

  it.each<[string, string, 400 | 403 | 502 | 503, string]>([
    ['AUTHZ-10 C7 no iss though published', '?code=CODE&state=STATE', 400, 'ISS_MISSING'],
    ['AUTHZ-11 C6 another iss', '?code=CODE&state=STATE&iss=https%3A%2F%2Fevil.test', 400, 'ISS_MISMATCH'],
    ['AUTHZ-12 the iss and a slash', '?code=CODE&state=STATE&iss=ISS%2F', 400, 'ISS_MISMATCH'],
    ['C6 the iss and a digit', '?code=CODE&state=STATE&iss=ISS1', 400, 'ISS_MISMATCH'],
    ['an error with another iss', '?error=access_denied&state=STATE&iss=https%3A%2F%2Fevil.test', 400, 'ISS_MISMATCH'],
    ['neither code nor error', '?state=STATE&iss=ISS', 400, 'CODE_MISSING'],
    ['an empty code', '?code=&state=STATE&iss=ISS', 400, 'CODE_MISSING'],
    ['AUTHZ-23 an access token', '?code=CODE&state=STATE&iss=ISS&access_token=evil', 400, 'UNEXPECTED_PARAMETER'],
    ['AUTHZ-23 an ID token', '?code=CODE&state=STATE&iss=ISS&id_token=evil', 400, 'UNEXPECTED_PARAMETER'],
    ['a JARM response', '?response=x.y.z&state=STATE&iss=ISS', 400, 'UNEXPECTED_PARAMETER'],
    ['AUTHZ-29 a code that is not ASCII', '?code=%C3%A9&state=STATE&iss=ISS', 400, 'INVALID_PARAMETER'],
    ['C3 AUTHZ-18 a denial, whatever else', '?error=access_denied&code=CODE&state=STATE&iss=ISS', 403, 'OP_ERROR'],
    ['login_required', '?error=login_required&state=STATE&iss=ISS', 403, 'OP_ERROR'],
    ['an error with letters that none has', '?error=%22%3E%3Csvg&state=STATE&iss=ISS', 403, 'OP_ERROR'],
    ['a client that is not accepted', '?error=unauthorized_client&state=STATE&iss=ISS', 502, 'CLIENT_MISCONFIGURED'],
    ['a request that is not good', '?error=invalid_request&state=STATE&iss=ISS', 502, 'OP_ERROR'],
    ['a scope that is not allowed', '?error=invalid_scope&state=STATE&iss=ISS', 502, 'OP_ERROR'],
    ['a server in trouble', '?error=server_error&state=STATE&iss=ISS', 502, 'OP_ERROR'],
    ['a busy server', '?error=temporarily_unavailable&state=STATE&iss=ISS', 503, 'OP_ERROR'],
  ])('%s ends that login: no code is sent anywhere', async (_what, query, status, code) => {
    const { app, browser, answer, callback, ...values } = await begun(adapter);
    const sent = query.replaceAll('CODE', values.code).replaceAll('STATE', values.state).replaceAll('ISS', values.iss);
    expectCallbackRefused(await callback(sent), status, code, app);
    expect(app.op.count('token')).toBe(0);
    expect(browser.jar.names).toEqual([]);
    expectCallbackRefused(await browser.finishLogin(answer), 400, 'NO_TRANSACTION', app);
  });

  it('AUTHZ-28 takes a code of 4 KB, and none that is longer', async () => {
    for (const [length, status] of [
      [4096, 403],
      [4097, 400],
    ] as const) {
      const { app, callback, state, iss } = await begun(adapter);
      const response = await callback(`?code=${'c'.repeat(length)}&state=${state}&iss=${iss}`);
      expectCallbackRefused(response, status, status === 403 ? 'OP_ERROR' : 'INVALID_PARAMETER', app);
      expect(app.op.count('token')).toBe(status === 403 ? 1 : 0);
    }
  });

  it('AUTHZ-13 checks an iss that nobody promised', async () => {
    const app = await createApp({ adapter });
    app.op.discovery(({ authorization_response_iss_parameter_supported: _, ...document }) => document);
    const browser = new Browser(app);
    expect((await browser.login({ returnTo: '/me' })).target).toBe(`${app.url}/me`);
    const answer = await browser.startLogin();
    const evil = answer.location.replace(/iss=[^&]+/, 'iss=https%3A%2F%2Fevil.test');
    expectCallbackRefused(await browser.get(evil), 400, 'ISS_MISMATCH', app);
    app.op.authorizationResponse(({ iss: _iss, ...parameters }) => parameters);
    expect((await browser.login({ returnTo: '/me' })).target).toBe(`${app.url}/me`);
  });

  it('AUTHZ-19 AUTHZ-21 INJ-20 repeats nothing of what it was sent', async () => {
    const { app, callback, state, iss } = await begun(adapter);
    const payload = '"><svg onload=1><script>alert(1)</script>';
    const query = `?error=x&error_description=${encodeURIComponent(payload)}&error_uri=javascript:alert(1)&state=${state}&iss=${iss}`;
    const response = await callback(query);
    expectCallbackRefused(response, 403, 'OP_ERROR', app);
    expect(response.body).toBe('{"error":"access_denied","error_description":"The sign-in was refused."}');
    expect(response.header('x-content-type-options')).toBe('nosniff');
  });

  it('INJ-21 INJ-13 writes one line of ours into the log', async () => {
    const { app, callback, state, iss, code } = await begun(adapter);
    const forged = encodeURIComponent('x\n[Nest] LOG admin ok');
    await callback(`?error=${forged}&state=${state}&iss=${iss}`);
    expectNoSecrets(app, undefined, [code, state, 'admin ok']);
    expect(app.logs.filter(({ text }) => text.includes('\n'))).toEqual([]);
  });

  it('INJ-21 tells the description of a refused login, escaped, shortened and without secrets', async () => {
    const { app, callback, state, iss } = await begun(adapter);
    const description = encodeURIComponent(`Nobody is here,\u202e[Nest] "${state}" ${'y'.repeat(300)}`);
    const response = await callback(`?error=access_denied&error_description=${description}&state=${state}&iss=${iss}`);
    expectCallbackRefused(response, 403, 'OP_ERROR', app);
    const told = `Nobody is here,\\u202e[Nest] "[secret]" ${'y'.repeat(221)}...`;
    expect(app.refusals.at(-1)?.cause).toMatchObject({ error_description: told });
    expect(app.logs.filter(({ level }) => level === 'warn').map(({ text }) => text)).toContainEqual(
      expect.stringContaining(
        'Login refused: OP_ERROR: The server refused the request. error="access_denied" ' +
          'error_description="Nobody is here,\\u202e[Nest] \\"[secret]\\" yyy',
      ),
    );
    expectNoSecrets(app, response, [state]);
  });

  it('tells nothing of what stands beside the state of another login', async () => {
    const { app, callback, iss } = await begun(adapter);
    await callback(`?error=access_denied&error_description=made-up&state=other&iss=${iss}`);
    expectNoSecrets(app, undefined, ['made-up']);
  });

  it('warns of the same refusal once in half a minute, whoever repeats it', async () => {
    const app = await createApp({ adapter });
    const browser = new Browser(app);
    for (const error of ['access_denied', 'made_up', 'made_up_too']) {
      app.op.authorizationResponse(({ code: _, ...parameters }) => ({ ...parameters, error }));
      await browser.login();
    }
    const levels = app.logs.filter(({ text }) => text.includes('Login refused')).map(({ level }) => level);
    expect(levels).toEqual(['warn', 'debug', 'debug']);
  });

  it('AUTHZ-24 C2 takes no form where a query was asked for', async () => {
    const { app, browser, answer } = await begun(adapter);
    const fields = Object.fromEntries(new URL(answer.location).searchParams);
    expectCallbackRefused(await browser.post('/auth/callback', fields), 400, 'RESPONSE_MODE', app);
    expect(app.op.count('token')).toBe(0);
  });

  it('AUTHZ-31 NEST-19 believes nobody about where it is', async () => {
    const { app, browser, answer } = await begun(adapter);
    const spoofed = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'evil.test', forwarded: 'host=evil.test' };
    const response = await browser.finishLogin(answer, { headers: spoofed });
    expect(response.target).toBe(`${app.url}/me`);
    expect(app.op.last('token').form['redirect_uri']).toBe(`${app.url}/auth/callback`);
    expect(response.setCookies.join()).not.toMatch(/evil|Secure/);
    const start = await browser.get('/auth/login', { headers: { ...spoofed, host: 'evil.test' } });
    expect(start.target).toBe(`${app.url}/auth/login?relocated=1`);
  });

  it('AUTHZ-33 AUTHZ-30 ends on a page that knows neither code nor state', async () => {
    const { app, browser, answer } = await begun(adapter);
    const response = await browser.finishLogin(answer);
    expect([response.status, response.header('location')]).toEqual([303, '/me']);
    expect(response.header('referrer-policy')).toBe('no-referrer');
    expect(response.header('cache-control')).toBe('no-store');
    expect(response.body).not.toMatch(/script|http/);
    expect(app.handled).toEqual([]);
  });

  it('NET-27 a browser that leaves while the code is exchanged breaks nothing', async () => {
    const { app, browser, answer } = await begun(adapter);
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    app.op.answer('token', async (_request, next) => held.then(next), { times: 1 });
    const { port, pathname, search } = new URL(answer.location);
    const cookie = browser.jar.header(answer.location, { isCrossSite: true, isSafe: true });
    const accepted = once(app.nest.getHttpServer(), 'connection');
    const leaving = connect(Number(port), '127.0.0.1');
    leaving.write(`GET ${pathname}${search} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nCookie: ${cookie}\r\n\r\n`);
    await app.op.arrival('token');
    const [connection] = await accepted;
    leaving.destroy();
    await once(connection, 'close');
    release();
    while (app.errors.length < 2 && app.refusals.length === 0) {
      await setImmediate();
    }
    expect(app.errors).toMatchObject([{ status: 303 }, { status: 303 }]);
    expect([app.op.count('token'), app.refusals]).toEqual([1, []]);
    expect((await browser.login({ returnTo: '/me' })).target).toBe(`${app.url}/me`);
    expect(app.errors).toMatchObject(Array.from({ length: 4 }, () => ({ status: 303 })));
  });

  it('begins no other login with a response that came to another path, and leaves that login alone', async () => {
    const { app, browser, answer } = await begun(adapter);
    const elsewhere = await browser.get(`/auth/login${new URL(answer.location).search}`);
    expectCallbackRefused(elsewhere, 502, 'CALLBACK_PATH_MISMATCH', app);
    expect(elsewhere.setCookies).toEqual([]);
    expect(app.op.count('token')).toBe(0);
    expect(app.logs.filter(({ level }) => level === 'error').map(({ message }) => message)).toEqual([
      expect.stringMatching(
        /CALLBACK_PATH_MISMATCH: .* login\.callbackPath\. callback="\/auth\/callback" seen="\/auth\/login"$/,
      ),
    ]);
    expect((await browser.finishLogin(answer)).target).toBe(`${app.url}/me`);
  });

  it.each([
    ['the state of another browser', '?code=CODE&state=made-up'],
    ['a state and nothing that answers it', '?state=STATE'],
    ['two states', '?code=CODE&state=STATE&state=STATE'],
    ['a code alone', '?code=CODE'],
  ])('knows the callback by its path: a link with %s begins a login', async (_what, query) => {
    const { app, browser, code, state } = await begun(adapter);
    const start = await browser.get(`/auth/login${query.replace('CODE', code).replaceAll('STATE', state)}`);
    expect(start.location).toMatch(/\/authorize\?/);
    expect([app.op.count('token'), app.refusals]).toEqual([0, []]);
  });

  it('reads the query as it came, not as a parser made it', async () => {
    const { app, state } = await begun(adapter);
    const response = await rawRequest(app.address, `GET /auth/callback?state=${state}&__proto__[x]=1`);
    expectCallbackRefused(response, 400, 'INVALID_PARAMETER', app);
  });

  it('TXN-25 takes nothing but a path for afterwards from the request', async () => {
    const app = await createApp({ adapter });
    const browser = new Browser(app);
    const query =
      'redirect_uri=https://evil.test&client_id=x&state=y&response_mode=fragment&scope=admin&nonce=n&prompt=none';
    const start = await browser.get(`/auth/login?${query}`);
    const parameters = new URL(start.location).searchParams;
    expect(Object.fromEntries(parameters)).toEqual({
      client_id: 'rp1',
      response_type: 'code',
      redirect_uri: `${app.url}/auth/callback`,
      scope: 'openid',
      state: expect.stringMatching(/^[\w-]{43}$/),
      nonce: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
    });
    expect(start.status).toBe(303);
  });
});
