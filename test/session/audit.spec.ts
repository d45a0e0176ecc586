import { expect, it } from '@jest/globals';

import { MemoryStore, type OidcMessages } from '../../lib/index.js';
import { jws } from '../../lib/testing/provider/keys.js';
import { createApp, onBothAdapters, SESSION_SECRET, type Adapter } from '../support/app/apps.js';
import { MeController } from '../support/app/app-controllers.js';
import { Browser } from '../support/browser/browser.js';
import { expectNoSecrets } from '../support/app/outcomes.js';
import { Api } from '../support/http/api.js';
import { messagesOn } from '../support/messages.js';
import { ObservedStore } from '../support/store/stores.js';

type AuditEvent = OidcMessages['nestjs-oidc:audit'];

const URL = 'https://app.test';
/** SHA-256 of `s-1`. */
const SID_HASH = 'aoQLr12MP_JBaIrrFFRuZTd0zVOH-vHLmCsPu_H7uBA';
const ALICE = { sub: 'alice', client_id: undefined, sid_hash: SID_HASH };
const NOBODY = { sub: undefined, client_id: undefined, sid_hash: undefined };

/** Alice, signed in, with her session `s-1` at the provider; and what is published from then on. */
async function signedIn(adapter: Adapter, options: object = {}) {
  const app = await createApp({
    adapter,
    controllers: [MeController],
    publicUrl: URL,
    client: {
      backchannel_logout_uri: `${URL}/auth/backchannel-logout`,
      frontchannel_logout_uri: `${URL}/auth/frontchannel-logout`,
      post_logout_redirect_uris: [`${URL}/auth/logged-out`],
    },
    options: {
      routes: true,
      store: new MemoryStore(),
      login: { scope: 'openid offline_access' },
      session: { secret: SESSION_SECRET, tokens: true },
      ...options,
    },
  });
  app.op.idToken({ claims: (claims) => ({ ...claims, sid: 's-1' }) });
  const browser = new Browser(app);
  const audits = messagesOn('nestjs-oidc:audit');
  const event = (members: Partial<AuditEvent>) => ({
    outcome: 'success',
    issuer: app.op.issuer,
    client_id: 'rp1',
    actor: ALICE,
    ...members,
  });
  return { app, browser, audits, event };
}

onBothAdapters((adapter) => {
  it('publishes a login, a refresh and a logout, with the user', async () => {
    const { app, browser, audits, event } = await signedIn(adapter);
    await browser.login();
    app.clock.advance(3600);
    await browser.get('/me');
    await browser.post('/auth/logout');
    expect(audits).toEqual([
      event({ event: 'login' }),
      event({ event: 'refresh' }),
      event({ event: 'eviction' }),
      event({ event: 'logout' }),
    ]);
  });

  it('publishes a login that is refused, once, and a refresh that ends the session', async () => {
    const { app, browser, audits, event } = await signedIn(adapter);
    app.op.idToken({ claims: (claims) => ({ ...claims, aud: 'other' }) });
    await browser.login();
    app.op.reset();
    app.op.idToken({ claims: (claims) => ({ ...claims, sid: 's-1' }) });
    await browser.login();
    app.op.answer('token', { status: 400, body: { error: 'invalid_grant' } });
    app.clock.advance(3600);
    await browser.get('/me');
    expect(audits).toEqual([
      event({ event: 'login', outcome: 'failure', reason: 'AUD_MISMATCH', actor: NOBODY }),
      event({ event: 'login' }),
      event({ event: 'refresh', outcome: 'failure', reason: 'OP_ERROR' }),
    ]);
  });

  it('publishes logouts that the provider starts, and those that are refused', async () => {
    const { app, browser, audits, event } = await signedIn(adapter);
    await browser.login();
    await browser.get(`/auth/frontchannel-logout?iss=${encodeURIComponent(app.op.issuer)}&sid=s-2`);
    await browser.login();
    const key = app.op.key('RS256');
    const iat = app.op.clock.seconds;
    const events = { 'http://schemas.openid.net/event/backchannel-logout': {} };
    const claims = {
      iss: app.op.issuer,
      aud: 'rp1',
      iat,
      exp: iat + 120,
      jti: 'one',
      events,
      sid: 's-1',
      sub: 'alice',
    };
    const logoutToken = jws({ typ: 'logout+jwt', alg: 'RS256', kid: key.kid }, claims, key, 'RS256');
    const post = (logout_token: string) =>
      app.request('/auth/backchannel-logout', {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({ logout_token }).toString(),
      });
    await post(logoutToken);
    await post(logoutToken);
    await browser.login();
    await browser.get(`/auth/frontchannel-logout?iss=${encodeURIComponent(app.op.issuer)}&sid=s-1`);
    const eviction = event({ event: 'eviction' });
    expect(audits).toEqual([
      event({ event: 'login' }),
      event({ event: 'login' }),
      eviction,
      event({ event: 'back-channel-logout' }),
      event({ event: 'back-channel-logout', outcome: 'failure', reason: 'JWT_REPLAYED' }),
      event({ event: 'login' }),
      event({ event: 'front-channel-logout' }),
    ]);
  });

  it('publishes the decisions of the session guard', async () => {
    const { app, browser } = await signedIn(adapter);
    const decisions = messagesOn('nestjs-oidc:decision');
    await app.get('/me');
    await browser.get('/me');
    await browser.login();
    await browser.get('/me');
    const own = { guard: 'OidcSessionGuard', call: 'http', client_id: 'rp1' };
    expect(decisions.map(({ route: _, ...decision }) => decision)).toEqual([
      { ...own, outcome: 'refused', code: 'SESSION_MISSING' },
      { ...own, outcome: 'redirected', code: 'SESSION_MISSING' },
      { ...own, outcome: 'admitted', code: undefined },
    ]);
  });

  it('publishes a session that the application ends, and a function of it that fails', async () => {
    let verdict = (): unknown => 'alice';
    const validate = (): unknown => verdict();
    const { browser, audits, event } = await signedIn(adapter, {
      session: { secret: SESSION_SECRET, tokens: true, validate },
    });
    await browser.login();
    const decisions = messagesOn('nestjs-oidc:decision');
    verdict = () => {
      throw new TypeError('hunter2');
    };
    expect((await browser.get('/me')).status).toBe(500);
    verdict = () => undefined;
    expect((await browser.get('/me')).status).toBe(303);
    expect(audits).toEqual([
      event({ event: 'login' }),
      event({ event: 'refusal', outcome: 'failure', reason: undefined, actor: NOBODY }),
      event({ event: 'logout' }),
    ]);
    expect(decisions.map(({ outcome, code }) => [outcome, code])).toEqual([
      ['failed', undefined],
      ['redirected', 'SESSION_MISSING'],
    ]);
    expect(JSON.stringify([audits, decisions])).not.toContain('hunter2');
  });

  it('publishes a silent login whose answer is not good, and none where the provider knows nobody', async () => {
    const { app, browser, audits, event } = await signedIn(adapter, {
      session: { secret: SESSION_SECRET, silentLogin: true },
    });
    const silently = async () => {
      const begun = await browser.get('/auth/login?prompt=none');
      return browser.follow(await browser.follow(begun));
    };
    app.op.authorizationResponse(({ state, iss }) => ({ state, iss, error: 'login_required' }));
    await silently();
    app.op.reset();
    app.op.idToken({ sign: 'stranger' });
    await silently();
    expect(audits).toEqual([event({ event: 'login', outcome: 'failure', reason: 'SIGNATURE_INVALID', actor: NOBODY })]);
  });

  it('publishes logouts that can not be done', async () => {
    const store = new ObservedStore();
    const { app, browser, audits, event } = await signedIn(adapter, { store });
    await browser.login();
    store.fails = (call) => call === 'delete';
    const frame = { headers: { 'sec-fetch-dest': 'iframe' } };
    expect((await browser.get('/auth/frontchannel-logout', frame)).status).toBe(503);
    store.fails = () => true;
    await app.get(`/auth/frontchannel-logout?iss=${encodeURIComponent(app.op.issuer)}&sid=s-9`);
    store.fails = () => false;
    expect((await app.post('/auth/logout', '', { 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    const failure = { event: 'front-channel-logout', outcome: 'failure', reason: 'STORE_UNAVAILABLE' } as const;
    expect(audits).toEqual([
      event({ event: 'login' }),
      event(failure),
      event({ ...failure, actor: NOBODY }),
      event({ event: 'refusal', outcome: 'failure', reason: 'CROSS_SITE_REQUEST', actor: NOBODY }),
    ]);
  });

  it('publishes a back-channel logout that our configuration keeps from being verified', async () => {
    const { app, audits, event } = await signedIn(adapter);
    app.op.discovery(({ jwks_uri: _, ...document }) => document);
    const key = app.op.key('RS256');
    const logout_token = jws({ typ: 'logout+jwt', alg: 'RS256', kid: key.kid }, { iss: app.op.issuer }, key, 'RS256');
    await app.request('/auth/backchannel-logout', {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ logout_token }).toString(),
    });
    expect(audits).toEqual([
      event({ event: 'back-channel-logout', outcome: 'failure', reason: 'NO_JWKS_URI', actor: NOBODY }),
    ]);
    expectNoSecrets(app, undefined, [logout_token]);
  });

  it('publishes what the proxy to an API decides', async () => {
    const api = await Api.start();
    const { app, browser, audits, event } = await signedIn(adapter, {
      routes: { proxy: [{ path: '/api', to: api.url }] },
    });
    const decisions = messagesOn('nestjs-oidc:decision');
    const own = { 'x-csrf': '1', 'sec-fetch-site': 'same-origin' };
    await app.get('/api/orders', own);
    await app.get('/api/orders');
    await app.get('/api/%252e%252e/orders', own);
    await browser.login();
    await browser.get('/api/orders', { headers: own });
    const refusal = (reason: AuditEvent['reason']) =>
      event({ event: 'refusal', outcome: 'failure', reason, actor: NOBODY });
    const reasons = ['SESSION_MISSING', 'CROSS_SITE_REQUEST', 'INVALID_PARAMETER'] as const;
    expect(audits).toEqual([...reasons.map(refusal), event({ event: 'login' })]);
    const refused = (code: string) => ['OidcProxies.proxy0', 'refused', code];
    expect(decisions.map(({ route, outcome, code }) => [route, outcome, code])).toEqual([
      ...reasons.map(refused),
      ['OidcProxies.proxy0', 'admitted', undefined],
    ]);
    expect(api.calls).toHaveLength(1);
  });
});
