import { expect, it } from '@jest/globals';

import { createApp, onBothAdapters, type Adapter } from '../support/app/apps.js';
import { expectCallbackRefused } from '../support/app/outcomes.js';
import { Browser } from '../support/browser/browser.js';
import { startProvider } from '../support/provider/provider.js';

const FORM = 'application/x-www-form-urlencoded';

/** A browser with the provider's page, whose form goes to the application on another site. */
async function begun(adapter: Adapter, parser: { bodyParser?: boolean; rawBody?: boolean } = {}) {
  const op = await startProvider({ host: 'localhost' });
  const options = { login: { responseMode: 'form_post' as const } };
  const app = await createApp({ adapter, op, publicUrl: 'https://app.test', options, ...parser });
  const browser = new Browser(app);
  const page = await browser.startLogin({ returnTo: '/me' });
  const [, state = ''] = /name="state"\s+value="([^"]+)"/.exec(page.body) ?? [];
  const [, code = ''] = /name="code"\s+value="([^"]+)"/.exec(page.body) ?? [];
  return { app, op, browser, page, state, code };
}

onBothAdapters((adapter) => {
  it.each([
    ['the application’s parser', {}],
    ['the raw body kept', { rawBody: true }],
    ['no parser at all', { bodyParser: false }],
  ])('C2 AUTHZ-26 NEST-17 logs in across sites, with %s', async (_what, parser) => {
    const { app, browser, page } = await begun(adapter, parser);
    const [cookie] = browser.jar.startingWith('__Host-oidc-login.');
    expect([cookie?.sameSite, cookie?.secure]).toEqual(['none', true]);
    const callback = await browser.submitForm(page);
    expect([callback.status, callback.target]).toEqual([303, 'https://app.test/me']);
    expect(browser.jar.names).toEqual(['__Host-oidc-session']);
    expect(browser.jar.get('__Host-oidc-session')?.sameSite).toBe('lax');
    expect((await browser.get('/me')).status).toBe(200);
    expect(app.handled).toEqual(['GET /me']);
  });

  it.each([{}, { rawBody: true }, { bodyParser: false }])(
    'refuses what a form must not be, with %p',
    async (parser) => {
      const { app, op, browser, page, state, code } = await begun(adapter, parser);
      const iss = encodeURIComponent(op.issuer);
      const post = (body: string, type = FORM) =>
        browser.post('/auth/callback', body, { from: op.issuer, headers: { 'content-type': type } });
      const good = `code=${code}&state=${state}&iss=${iss}`;
      expectCallbackRefused(await post(`${good}&code=b`), 400, 'DUPLICATE_PARAMETER', app);
      for (const body of [`code[]=${code}&state=${state}&iss=${iss}`, `code=${code}&state[$ne]=1&iss=${iss}`]) {
        const response = await post(body);
        expect([response.status, app.lastCode]).toEqual([
          400,
          expect.stringMatching(/^(INVALID|DUPLICATE)_PARAMETER$/),
        ]);
      }
      for (const body of ['', 'code=x', `code=${code}&state=other&iss=${iss}`]) {
        expect((await post(body)).status).toBe(400);
      }
      expect(op.count('token')).toBe(0);
      expect((await browser.submitForm(page)).status).toBe(303);
    },
  );

  it.each([
    ['application/json', '{"code":"x","state":"y"}'],
    ['text/plain', 'code=x&state=y'],
    ['multipart/form-data; boundary=x', '--x--'],
    [`${FORM}x`, 'code=x&state=y'],
    [`${FORM}; charset=latin1`, 'code=x&state=y'],
  ])('AUTHZ-25 answers 415 to %s', async (type, body) => {
    const { op, browser, page } = await begun(adapter);
    const response = await browser.post('/auth/callback', body, { from: op.issuer, headers: { 'content-type': type } });
    expect(response.status).toBe(415);
    expect(op.count('token')).toBe(0);
    expect((await browser.submitForm(page)).status).toBe(303);
  });

  it.each([{}, { rawBody: true }, { bodyParser: false }])('NEST-18 answers 413 to 10 MB, with %p', async (parser) => {
    const { op, browser, page } = await begun(adapter, parser);
    const body = `code=${'x'.repeat(10_000_000)}`;
    const status = await browser.post('/auth/callback', body, { from: op.issuer }).then(
      (response) => response.status,
      // The refusal may come while the body is still on its way, and with it the end of the connection.
      (error: unknown) => Object(error).code,
    );
    expect([413, 'UND_ERR_SOCKET', 'EPIPE', 'ECONNRESET']).toContain(status);
    expect(op.count('token')).toBe(0);
    expect((await browser.submitForm(page)).status).toBe(303);
  });

  it('NEST-18 answers 413 to 65 KB', async () => {
    const { app, op, browser } = await begun(adapter);
    const response = await browser.post('/auth/callback', `code=${'x'.repeat(65_536)}`, { from: op.issuer });
    expectCallbackRefused(response, 413, 'BODY_TOO_LARGE', app);
  });

  it('AUTHZ-24 takes no query where a form was asked for', async () => {
    const { app, op, browser, page, state, code } = await begun(adapter);
    const query = new URLSearchParams({ code, state, iss: op.issuer }).toString();
    expectCallbackRefused(await browser.get(`/auth/callback?${query}`), 400, 'RESPONSE_MODE', app);
    expect((await browser.submitForm(page)).status).toBe(303);
  });

  it('C3 ends as a typed error where the provider needs a person', async () => {
    const { app, op, browser } = await begun(adapter);
    op.authorizationResponse(({ state, iss }) => ({ state, iss, error: 'login_required' }));
    expectCallbackRefused(await browser.submitForm(await browser.startLogin()), 403, 'OP_ERROR', app);
    expect(app.refusals.at(-1)?.cause).toMatchObject({ name: 'OAuthError', error: 'login_required' });
    expect(op.count('token')).toBe(0);
  });

  it('AUTHZ-26 stops the boot where the cookie could not be sent', async () => {
    const options = { login: { responseMode: 'form_post' as const } };
    await expect(createApp({ adapter, options })).rejects.toMatchObject({
      name: 'ConfigError',
      member: 'login.responseMode',
    });
  });
});

// Only Express routes a path with a slash at its end.
it('begins no other login with a form that came to another path', async () => {
  const { app, op, browser, page, state, code } = await begun('express');
  const elsewhere = await browser.post('/auth/callback/', { code, state, iss: op.issuer }, { from: op.issuer });
  expectCallbackRefused(elsewhere, 502, 'CALLBACK_PATH_MISMATCH', app);
  const start = await browser.post('/auth/callback/', { code, state: 'made-up' }, { from: op.issuer });
  expect(start.location).toMatch(/\/authorize\?/);
  expect((await browser.submitForm(page)).target).toBe('https://app.test/me');
});
