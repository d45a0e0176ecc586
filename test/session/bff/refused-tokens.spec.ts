import { expect, it } from '@jest/globals';

import { MemoryStore } from '../../../lib/index.js';
import { createApp, onBothAdapters, SESSION_SECRET, type Adapter, type AppSetup } from '../../support/app/apps.js';
import { expectNoSecrets } from '../../support/app/outcomes.js';
import { Browser } from '../../support/browser/browser.js';
import { Api } from '../../support/http/api.js';
import { startProvider } from '../../support/provider/provider.js';

const CSRF = { 'x-csrf': '1' };

/** A signed-in browser, and an API behind `/api` that takes an access token only if `takes` says so. */
async function signedIn(adapter: Adapter, setup: Partial<AppSetup> = {}) {
  const [api, op] = [await Api.start(), await startProvider()];
  op.tokenResponse(({ id_token, ...members }, { form }) =>
    form['grant_type'] === 'refresh_token' ? members : { ...members, id_token },
  );
  const app = await createApp({
    controllers: [],
    ...setup,
    adapter,
    op,
    options: {
      login: { scope: 'openid offline_access' },
      session: { secret: SESSION_SECRET, tokens: true },
      routes: { proxy: [{ path: '/api', to: api.url }] },
      ...setup.options,
    },
  });
  const browser = new Browser(app);
  await browser.login();
  const call = (from = browser) => from.get('/api/orders', { from: app.url, headers: CSRF });
  const refreshes = () => op.requests('token').filter(({ form }) => form['grant_type'] === 'refresh_token');
  const refuse: { error: string; takes: (token: string) => boolean } = {
    error: 'Bearer error="invalid_token", error_description="revoked"',
    takes: () => false,
  };
  api.answer = ({ headers }, response) => {
    const isTaken = refuse.takes(String(headers.authorization).split(' ')[1] ?? '');
    response.writeHead(isTaken ? 200 : 401, isTaken ? {} : { 'www-authenticate': refuse.error }).end();
  };
  const sent = () => api.calls.map(({ headers }) => headers.authorization);
  return { api, app, browser, call, refreshes, refuse, sent };
}

onBothAdapters((adapter) => {
  it.each([
    ['in cookies', {}],
    ['in a store', { store: new MemoryStore() }],
  ])('E14 refresh a session %s until the API takes its token, with the rotated one', async (_where, options) => {
    const { app, browser, call, refreshes, refuse, sent } = await signedIn(adapter, { options });
    refuse.takes = () => refreshes().length >= 2;
    expect((await call()).status).toBe(401);
    expect([refreshes().length, sent().length]).toEqual([1, 2]);
    const answer = await call();
    expect([answer.status, refreshes().length]).toEqual([200, 2]);
    const [first, second] = refreshes().map(({ form }) => form['refresh_token']);
    expect(second).not.toBe(first);
    expect(new Set(sent()).size).toBe(3);
    expect(sent()[2]).toBe(sent()[1]);
    expect((await call()).status).toBe(200);
    expect([refreshes().length, sent().at(-1)]).toEqual([2, sent()[3]]);
    expectNoSecrets(app, answer, [String(second)]);
    expect((await browser.get('/auth/me')).status).toBe(200);
  });

  it('E14 RFC 9449 refresh a token that is bound to a key, and prove the same key with a nonce of the API', async () => {
    const { api, call, refreshes, sent } = await signedIn(adapter, { client: { dpop_bound_access_tokens: true } });
    const thumbprints: unknown[] = [];
    api.answer = ({ headers }, response) => {
      const [header = '', claims = ''] = String(headers['dpop']).split('.');
      thumbprints.push(JSON.parse(Buffer.from(header, 'base64url').toString()).jwk.x);
      const { nonce } = JSON.parse(Buffer.from(claims, 'base64url').toString());
      const error = nonce === 'n1' ? 'invalid_token' : 'use_dpop_nonce';
      const isTaken = nonce === 'n1' && refreshes().length > 0;
      const challenge = { 'www-authenticate': `DPoP error="${error}"`, 'dpop-nonce': 'n1' };
      response.writeHead(isTaken ? 200 : 401, isTaken ? {} : challenge).end();
    };
    expect((await call()).status).toBe(200);
    expect([sent().length, new Set(sent()).size, new Set(thumbprints).size, refreshes().length]).toEqual([3, 2, 1, 1]);
  });

  it('send a body again that a parser has read, and no stream', async () => {
    const { api, app, browser, refreshes, refuse } = await signedIn(adapter);
    const [, old] = [await browser.get('/api/x', { headers: CSRF }), api.last.headers.authorization];
    expect(refreshes()).toHaveLength(1);
    refuse.takes = () => refreshes().length > 1;
    const post = (type: string) =>
      browser.post('/api/orders', '{"a":1}', { from: app.url, headers: { ...CSRF, 'content-type': type } });
    expect((await post('application/octet-stream')).status).toBe(401);
    expect(refreshes()).toHaveLength(1);
    expect((await post('application/json')).status).toBe(200);
    expect([refreshes().length, api.last.body, api.last.headers.authorization === old]).toEqual([2, '{"a":1}', false]);
  });

  it('refresh once for forty requests at the same time, and use what another request has refreshed', async () => {
    const { api, app, browser, call, refreshes, refuse } = await signedIn(adapter, {
      options: { store: new MemoryStore() },
    });
    const first = browser.copy();
    refuse.takes = () => refreshes().length > 0;
    const pages = await Promise.all(Array.from({ length: 40 }, () => call(browser.copy())));
    expect(new Set(pages.map(({ status }) => status))).toEqual(new Set([200]));
    expect(refreshes()).toHaveLength(1);

    let second: ReturnType<typeof call> | undefined;
    const usual = api.answer;
    api.answer = (request, response) => {
      api.answer = usual;
      // While the API looks at this one, another request refreshes, and more than half a minute goes by.
      refuse.takes = (token) => token !== request.headers.authorization?.slice('Bearer '.length);
      second = call(first);
      void second.then(() => {
        app.clock.advance(40);
        usual(request, response);
      });
    };
    expect((await call()).status).toBe(200);
    expect(((await second) ?? { status: 0 }).status).toBe(200);
    expect(refreshes()).toHaveLength(2);
  });

  it('refresh twice in a row, then not for a minute, where the API refuses every token', async () => {
    const { app, call, refreshes, sent } = await signedIn(adapter);
    for (let index = 0; index < 5; index += 1) {
      expect((await call()).status).toBe(401);
    }
    expect([refreshes().length, sent().length]).toEqual([2, 7]);
    app.clock.advance(61);
    expect((await call()).status).toBe(401);
    expect(refreshes()).toHaveLength(3);
  });

  it('hand on a 401 that is about something else, or that no refresh can help', async () => {
    const { call, refreshes, refuse } = await signedIn(adapter);
    refuse.error = 'Bearer error="insufficient_user_authentication"';
    const answer = await call();
    expect([answer.status, answer.header('www-authenticate')]).toEqual([401, refuse.error]);
    expect(refreshes()).toHaveLength(0);

    const without = await signedIn(adapter, { options: { login: { scope: 'openid' } } });
    without.app.op.tokenResponse(({ refresh_token, ...members }) => members);
    await without.browser.login();
    const handedOn = await without.call();
    expect([handedOn.status, handedOn.header('www-authenticate')]).toEqual([401, without.refuse.error]);
    expect(without.refreshes()).toHaveLength(0);
  });

  it('end the session where the provider takes the refresh token no more, and keep it where that is down', async () => {
    const { app, browser, call, refuse } = await signedIn(adapter);
    app.op.answer('token', { status: 503 });
    const down = await call();
    expect([down.status, down.header('retry-after'), browser.jar.names.length > 0]).toEqual([503, '5', true]);
    app.op.heal();
    app.op.answer('token', { status: 400, body: { error: 'invalid_grant' } });
    app.clock.advance(6);
    const ended = await call();
    expect([ended.status, ended.json()['error'], browser.jar.names]).toEqual([401, 'login_required', []]);
    expect(ended.header('www-authenticate')).not.toBe(refuse.error);
  });

  it('E14 refresh again at once, though the provider does not rotate', async () => {
    const { app, call, refreshes, refuse } = await signedIn(adapter);
    app.op.answer('token', () => ({ body: { access_token: app.op.issue(), token_type: 'Bearer', expires_in: 3600 } }));
    refuse.takes = () => refreshes().length >= 2;
    expect([(await call()).status, (await call()).status]).toEqual([401, 200]);
    expect(new Set(refreshes().map(({ form }) => form['refresh_token'])).size).toBe(1);
  });
});
