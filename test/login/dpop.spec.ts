import { randomBytes } from 'node:crypto';

import { expect, it } from '@jest/globals';

import { OIDC_DISPATCHER, OidcClient, OidcSession, type TokenResponse } from '../../lib/index.js';
import {
  AUDIENCE,
  createApp,
  onBothAdapters,
  SESSION_SECRET,
  type TestApp,
  type AppProvider,
} from '../support/app/apps.js';
import { Browser } from '../support/browser/browser.js';
import { SeenDispatcher } from '../support/client/dispatcher.js';
import { closeLater } from '../support/closing.js';
import { RealProvider } from '../support/provider/real-provider.js';

const ORDERS = 'https://api.test/orders';

async function tokensOf(app: TestApp<AppProvider>, browser: Browser): Promise<TokenResponse> {
  const headers = { cookie: browser.jar.header(app.url, { isCrossSite: false, isSafe: true }) };
  const session = await app.nest.get(OidcSession).read({ headers, rawHeaders: [], method: 'GET', url: '/' });
  if (session?.tokens.access_token === undefined) {
    throw new Error('The browser has no session with tokens');
  }
  return session.tokens;
}

onBothAdapters((adapter) => {
  it('RFC 9449 DPOP-48 a login at a provider that wants nonces, and a call to an API that wants them too', async () => {
    const op = closeLater(await RealProvider.start());
    const dpop = { required: true, nonceSecret: randomBytes(32).toString('hex') };
    const origins: Record<string, string> = {};
    const outside = closeLater(new SeenDispatcher(origins));
    const app = await createApp({
      adapter,
      op,
      extras: { providers: [outside.provide(OIDC_DISPATCHER)] },
      client: { ...RealProvider.SIGNED, dpop_bound_access_tokens: true },
      options: {
        login: { scope: 'openid orders:read' },
        session: { secret: SESSION_SECRET, tokens: true },
        resourceServer: { audience: AUDIENCE, resource: AUDIENCE, dpop },
      },
    });
    const [alice, bob] = [new Browser(app), new Browser(app)];
    expect((await op.login(alice, { sub: 'alice', returnTo: '/me' })).location).toBe(`${app.url}/me`);
    await op.login(bob, { sub: 'bob' });
    const tokens = await tokensOf(app, alice);
    expect(tokens.token_type).toBe('DPoP');
    expect((await tokensOf(app, bob)).dpop_key?.jkt).not.toBe(tokens.dpop_key?.jkt);

    const oidc = app.nest.get(OidcClient);
    const call = async (nonce?: string) =>
      app.get('/orders', await oidc.authorizationHeaders(tokens, { method: 'GET', url: ORDERS, nonce }));
    const first = await call();
    expect([first.status, app.lastCode]).toEqual([401, 'DPOP_NONCE_REQUIRED']);
    const second = await call(first.header('dpop-nonce'));
    expect(second.json()).toMatchObject({ sub: 'alice', scopes: ['orders:read'] });
    expect((await app.call('/orders', tokens.access_token)).status).toBe(401);

    origins['https://api.test'] = app.address;
    const fetched = [await oidc.fetch(ORDERS, {}, tokens), await oidc.fetch(`${ORDERS}?page=2`, {}, tokens)];
    expect(await fetched[0]?.json()).toMatchObject({ sub: 'alice', scopes: ['orders:read'] });
    expect(fetched.map(({ status }) => status)).toEqual([200, 200]);
    expect(outside.calls.filter((call) => call.includes('api.test'))).toEqual([
      `GET ${ORDERS}`,
      `GET ${ORDERS}`,
      `GET ${ORDERS}?page=2`,
    ]);
  });
});
