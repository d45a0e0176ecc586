import { expect, it } from '@jest/globals';
import { Controller, Get, HttpCode, Inject, Post, Req, Res } from '@nestjs/common';

import {
  MemoryStore,
  OIDC_CLOCK,
  OidcLogout,
  OidcModule,
  Public,
  type ClientMetadata,
  type OidcModuleOptions,
} from '../../lib/index.js';
import { jws, keyOf, privateJwk, type Jwk } from '../../lib/testing/provider/keys.js';
import { createApp, onBothAdapters, SESSION_SECRET, type Adapter, type AppSetup } from '../support/app/apps.js';
import { expectNoSecrets } from '../support/app/outcomes.js';
import { Browser } from '../support/browser/browser.js';
import { Entra, TENANT } from '../support/provider/entra.js';
import type { HostileProvider } from '../support/provider/hostile-provider.js';
import { startProvider } from '../support/provider/provider.js';
import { ObservedStore, storeLike } from '../support/store/stores.js';
import { jwe } from '../support/tokens/jwe.js';

const URL = 'https://app.test';
const BACK_CHANNEL = { backchannel_logout_uri: `${URL}/auth/backchannel-logout` };
const FRONT_CHANNEL = { frontchannel_logout_uri: `${URL}/auth/frontchannel-logout` };
const OWN_KEY = keyOf('RSA', 'client');
const ENCRYPTED = {
  jwks: { keys: [JSON.parse(JSON.stringify(privateJwk(OWN_KEY, { use: 'enc' })))] },
  id_token_encrypted_response_alg: 'RSA-OAEP-256',
  id_token_encrypted_response_enc: 'A256GCM',
};
/** A request for a frame of a page. */
const FRAME = { headers: { 'sec-fetch-dest': 'iframe' } };
const EVENTS = { 'http://schemas.openid.net/event/backchannel-logout': {} };

interface Setup {
  readonly client?: Partial<ClientMetadata>;
  readonly options?: Partial<OidcModuleOptions>;
  readonly imports?: AppSetup['imports'];
}

/** Alice, signed in with two browsers, whose sessions at the provider are `s-1` and `s-2`. */
async function signedIn(adapter: Adapter, { client = BACK_CHANNEL, options = {}, imports = [] }: Setup = {}) {
  const app = await createApp({
    adapter,
    imports,
    controllers: [],
    publicUrl: URL,
    client: {
      post_logout_redirect_uris: [`${URL}/auth/logged-out`],
      id_token_signed_response_alg: 'RS256',
      ...client,
    },
    options: { routes: true, store: new MemoryStore(), ...options },
  });
  const logIn = async (sid: string) => {
    app.op.idToken({ claims: (claims) => ({ ...claims, sid }) });
    const browser = new Browser(app);
    await browser.login();
    return browser;
  };
  const [first, second] = [await logIn('s-1'), await logIn('s-2')];
  const states = async () => Promise.all([first, second].map(async (one) => (await one.get('/auth/me')).status));
  const post = (logout_token: string, more: Readonly<Record<string, string>> = {}) =>
    app.request('/auth/backchannel-logout', {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ logout_token, ...more }).toString(),
    });
  return { app, first, second, logIn, states, post };
}

let count = 0;

/** A logout token that is right; members stand above the right ones, and undefined ones are left out. */
function logoutToken(op: HostileProvider, claims: Jwk = {}, header: Jwk = {}, alg = 'RS256'): string {
  const key = op.key(alg);
  count += 1;
  const iat = op.clock.seconds;
  const right = { iss: op.issuer, aud: 'rp1', iat, exp: iat + 120, jti: `jti-${count}`, events: EVENTS };
  return jws({ typ: 'logout+jwt', alg, kid: key.kid, ...header }, { ...right, ...claims }, key, alg);
}

onBothAdapters((adapter) => {
  it.each<[string, Jwk, Jwk, readonly number[]]>([
    ['H5 BCL-23 by sid', { sid: 's-1' }, {}, [401, 200]],
    ['BCL-02 by sub, everywhere', { sub: 'alice' }, {}, [401, 401]],
    ['by both', { sid: 's-2', sub: 'alice' }, {}, [200, 401]],
    ['H5 BCL-20 BCL-23 with one more claim and without typ', { sid: 's-1', extra: 1 }, { typ: undefined }, [401, 200]],
    ['BCL-08 with one more event', { sid: 's-1', events: { ...EVENTS, other: {} } }, {}, [401, 200]],
    ['BCL-24 of a session that is not there', { sid: 's-9' }, {}, [200, 200]],
    ['of a user who is not there', { sub: 'bob' }, {}, [200, 200]],
  ])('%s a logout token ends sessions', async (_what, claims, header, expected) => {
    const { app, states, post } = await signedIn(adapter);
    const answer = await post(logoutToken(app.op, claims, header), { foo: 'bar' });
    expect([answer.status, answer.body, answer.header('cache-control')]).toEqual([200, '', 'no-store']);
    expect(await states()).toEqual(expected);
  });

  it.each<[string, Jwk, Jwk, string]>([
    ['BCL-03 a sid of another user', { sid: 's-1', sub: 'bob' }, {}, 'SUB_MISMATCH'],
    ['BCL-04 neither sub nor sid', {}, {}, 'CLAIM_MISSING'],
    ['H8 BCL-06 no events', { sid: 's-1', events: undefined }, {}, 'CLAIM_MISSING'],
    ['BCL-06 a list of events', { sid: 's-1', events: Object.keys(EVENTS) }, {}, 'CLAIM_INVALID'],
    ['H8 BCL-06 another event', { sid: 's-1', events: { 'https://other.test': {} } }, {}, 'CLAIM_INVALID'],
    [
      'BCL-07 an event that is no object',
      { sid: 's-1', events: { [Object.keys(EVENTS)[0] ?? '']: true } },
      {},
      'CLAIM_INVALID',
    ],
    ['H8 a nonce', { sid: 's-1', nonce: 'n' }, {}, 'UNEXPECTED_CLAIM'],
    ['H7 BCL-10 another issuer', { sid: 's-1', iss: 'https://other.test' }, {}, 'ISS_MISMATCH'],
    ['H7 BCL-10 another audience', { sid: 's-1', aud: 'other' }, {}, 'AUD_MISMATCH'],
    ['BCL-11 no exp', { sid: 's-1', exp: undefined }, {}, 'CLAIM_MISSING'],
    ['BCL-13 no iat', { sid: 's-1', iat: undefined }, {}, 'CLAIM_MISSING'],
    ['BCL-13 an iat to come', { sid: 's-1', iat: 1_800_000_031, exp: 1_800_000_200 }, {}, 'NOT_YET_VALID'],
    ['BCL-13 an iat of long ago', { sid: 's-1', iat: 1_799_999_849 }, {}, 'TOO_OLD'],
    ['BCL-14 no jti', { sid: 's-1', jti: undefined }, {}, 'CLAIM_MISSING'],
    ['H6 BCL-09 another algorithm', { sid: 's-1' }, { alg: 'RS384' }, 'ALG_NOT_ALLOWED'],
    ['a sid that is no text', { sid: 7 }, {}, 'CLAIM_INVALID'],
    ['an access token’s typ', { sid: 's-1' }, { typ: 'at+jwt' }, 'TYP_MISMATCH'],
  ])('BCL-29 %s in a logout token is 400 and ends nothing', async (_what, claims, header, code) => {
    const { app, states, post } = await signedIn(adapter);
    const token = logoutToken(app.op, claims, header);
    const answer = await post(token);
    expectNoSecrets(app, answer, token.split('.'));
    expect([answer.status, answer.header('cache-control'), app.lastCode]).toEqual([400, 'no-store', code]);
    expect(answer.json()).toEqual({
      error: 'invalid_request',
      error_description: 'The logout token is not valid here.',
    });
    expect(await states()).toEqual([200, 200]);
  });

  it('H6 BCL-09 BCL-19 BCL-21 unsigned, no logout token at all, or an ID token is 400', async () => {
    const { app, states, post, first } = await signedIn(adapter);
    const [header, payload] = [{ alg: 'none' }, { sid: 's-1' }].map((part) =>
      Buffer.from(JSON.stringify(part)).toString('base64url'),
    );
    for (const token of [`${header}.${payload}.`, 'garbage', '']) {
      expect([token, (await post(token)).status]).toEqual([token, 400]);
    }
    expect(first.history.length).toBeGreaterThan(0);
    expect((await app.request('/auth/backchannel-logout', { method: 'POST' })).status).toBe(400);
    expect((await app.request('/auth/backchannel-logout')).status).toBe(404);
    expect(await states()).toEqual([200, 200]);
  });

  it('H9 BCL-28 a logout token is encrypted as ID tokens are, and signed inside', async () => {
    const { app, states, post } = await signedIn(adapter, { client: { ...BACK_CHANNEL, ...ENCRYPTED } });
    const encrypted = (jwt: string, header: Jwk = {}) =>
      jwe({ alg: 'RSA-OAEP-256', enc: 'A256GCM', cty: 'JWT', ...header }, jwt, OWN_KEY.publicKey);
    const right = logoutToken(app.op, { sid: 's-1' });
    const [header, claims] = right.split('.');
    const none = Buffer.from('{"alg":"none","typ":"logout+jwt"}').toString('base64url');
    for (const [token, code] of [
      [right, 'ENCRYPTION_REQUIRED'],
      [encrypted(right, { alg: 'RSA1_5' }), 'ALG_NOT_ALLOWED'],
      [encrypted(`${none}.${claims}.`), 'ALG_NOT_ALLOWED'],
      [encrypted(`${header}.${claims}.`), 'SIGNATURE_INVALID'],
      [jwe({ alg: 'RSA-OAEP-256', enc: 'A256GCM' }, right, keyOf('RSA', 'other').publicKey), 'DECRYPTION_FAILED'],
    ] as const) {
      expect([(await post(token)).status, app.lastCode]).toEqual([400, code]);
    }
    expect(await states()).toEqual([200, 200]);
    expect((await post(encrypted(right))).status).toBe(200);
    expect(await states()).toEqual([401, 200]);
  });

  it('an encrypted logout token is 400 where no encryption is registered', async () => {
    const { app, post } = await signedIn(adapter);
    const token = jwe({ alg: 'RSA-OAEP-256', enc: 'A256GCM' }, logoutToken(app.op, { sid: 's-1' }), OWN_KEY.publicKey);
    expect([(await post(token)).status, app.lastCode]).toEqual([400, 'UNEXPECTED_JWE']);
  });

  it.each<[string, string, string, number]>([
    ['JSON', 'application/json', '{"logout_token":"TOKEN"}', 400],
    ['text', 'text/plain', 'logout_token=TOKEN', 400],
    ['two tokens', 'application/x-www-form-urlencoded', 'logout_token=TOKEN&logout_token=TOKEN', 400],
    ['an object', 'application/x-www-form-urlencoded', 'logout_token[a]=TOKEN', 400],
    ['no token', 'application/x-www-form-urlencoded', 'token=TOKEN', 400],
  ])('BCL-21 BCL-22 a logout token as %s is 400 and ends nothing', async (_what, type, body, status) => {
    const { app, states } = await signedIn(adapter);
    const token = logoutToken(app.op, { sid: 's-1' });
    const answer = await app.request('/auth/backchannel-logout', {
      method: 'POST',
      headers: { 'content-type': type },
      body: body.replaceAll('TOKEN', token),
    });
    expect([answer.status, answer.header('cache-control')]).toEqual([status, 'no-store']);
    const query = await app.request(`/auth/backchannel-logout?logout_token=${token}`);
    expect(query.status).toBe(404);
    expect(await states()).toEqual([200, 200]);
  });

  it('BCL-30 tokens that are none, however many, fetch no keys', async () => {
    const app = await createApp({
      adapter,
      controllers: [],
      publicUrl: URL,
      client: BACK_CHANNEL,
      options: { routes: true, store: new MemoryStore() },
    });
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const garbage = ['x', 'a.b.c', 'e30.e30.', `${Buffer.from('{"alg":"none"}').toString('base64url')}.e30.`];
    for (let index = 0; index < 100; index += 1) {
      const body = `logout_token=${garbage[index % garbage.length]}`;
      const { status } = await app.request('/auth/backchannel-logout', { method: 'POST', headers, body });
      expect([index, status]).toEqual([index, 400]);
    }
    expect([app.op.count('jwks'), app.op.count('discovery')]).toEqual([0, 1]);
  });

  it('BCL-25 BCL-26 a logout token ends sessions of its own issuer alone, though another uses the same sid', async () => {
    const partner = await startProvider();
    const client = {
      client_id: 'rp1',
      client_secret: 'x'.repeat(32),
      redirect_uris: [`${URL}/partners/callback`],
      backchannel_logout_uri: `${URL}/partners/backchannel-logout`,
    };
    partner.register(client);
    partner.idToken({ claims: (claims) => ({ ...claims, sid: 's-1' }) });
    const store = new MemoryStore();
    const routes = {
      login: '/partners/login',
      callback: '/partners/callback',
      me: '/partners/me',
      backchannelLogout: '/partners/backchannel-logout',
      logout: false,
      postLogout: false,
      checkSession: false,
    } as const;
    const imports = [
      OidcModule.forRoot({
        name: 'partners',
        issuer: partner.issuer,
        client,
        session: { secret: SESSION_SECRET },
        store,
        routes,
        providers: [{ provide: OIDC_CLOCK, useValue: partner.clock.now }],
      }),
    ];
    const { app, first, states, post } = await signedIn(adapter, { options: { store }, imports });
    await first.login({ path: '/partners/login' });
    const atPartner = async () => (await first.get('/partners/me')).status;
    expect([await states(), await atPartner()]).toEqual([[200, 200], 200]);
    expect((await post(logoutToken(partner, { sid: 's-1' }))).status).toBe(400);
    expect([await states(), await atPartner()]).toEqual([[200, 200], 200]);
    expect((await post(logoutToken(app.op, { sid: 's-1' }))).status).toBe(200);
    expect([await states(), await atPartner()]).toEqual([[401, 200], 200]);
  });

  it('BCL-18 sessions in cookies are on the list of ended ones for as long as they could last', async () => {
    const lifetimes = new Map<string, number>();
    const store = storeLike(new MemoryStore(), {
      set: (key, _value, lifetime) => void lifetimes.set(key.split(':')[0] ?? '', lifetime),
    });
    const session = {
      secret: SESSION_SECRET,
      keep: 'cookie',
      absoluteLifetime: 7 * 86_400,
      idleLifetime: 86_400,
    } as const;
    const { app, post } = await signedIn(adapter, { options: { store, session } });
    expect((await post(logoutToken(app.op, { sid: 's-1' }))).status).toBe(200);
    expect(lifetimes.get('ended')).toBe(7 * 86_400_000);
  });

  it('BCL-15 a logout token is good once, and a session that began later stays', async () => {
    const { app, logIn, post } = await signedIn(adapter);
    const token = logoutToken(app.op, { sub: 'alice' });
    expect((await post(token)).status).toBe(200);
    const later = await logIn('s-3');
    expect([(await post(token)).status, app.lastCode]).toEqual([400, 'JWT_REPLAYED']);
    expect((await later.get('/auth/me')).status).toBe(200);
  });

  it('BCL-32 revokes the refresh tokens of the sessions where that is asked for', async () => {
    const { app, post } = await signedIn(adapter, {
      options: {
        login: { scope: 'openid offline_access' },
        session: { secret: SESSION_SECRET, revokeOnLogout: true },
      },
    });
    app.op.answer('revoke', { status: 500 });
    expect((await post(logoutToken(app.op, { sid: 's-1' }))).status).toBe(200);
    expect(app.op.requests('revoke').map(({ form }) => form['token_type_hint'])).toEqual(['refresh_token']);
  });

  it('a store that is down is 400, and the token is good again afterwards', async () => {
    const store = new MemoryStore();
    const { app, post, states } = await signedIn(adapter, { options: { store } });
    const token = logoutToken(app.op, { sid: 's-1' });
    const { members } = store;
    store.members = () => {
      throw new (class extends Error {})('down');
    };
    expect((await post(token)).status).toBeGreaterThanOrEqual(400);
    store.members = members;
    expect((await post(token)).status).toBe(200);
    expect(await states()).toEqual([401, 200]);
  });

  it('backchannel_logout_session_required wants a sid', async () => {
    const client = { ...BACK_CHANNEL, backchannel_logout_session_required: true };
    const { app, post } = await signedIn(adapter, { client });
    expect((await post(logoutToken(app.op, { sub: 'alice' }))).status).toBe(400);
    expect((await post(logoutToken(app.op, { sub: 'alice', sid: 's-1' }))).status).toBe(200);
  });

  it('H10 H11 FCL-01 FCL-05 a front-channel logout ends the session of its sid, in a frame without cookies', async () => {
    const { app, states } = await signedIn(adapter, { client: FRONT_CHANNEL });
    const frame = (query: string) => app.request(`/auth/frontchannel-logout?${query}`);
    const iss = encodeURIComponent(app.op.issuer);
    for (const query of [`iss=https://evil.test&sid=s-1`, `iss=${iss}`, `iss=${iss}&sid=s-1&sid=s-2`, 'sid=s-1']) {
      expect([query, (await frame(query)).status]).toEqual([query, 200]);
    }
    expect(await states()).toEqual([200, 200]);
    const answer = await frame(`iss=${iss}&sid=s-1`);
    expect([answer.status, answer.header('cache-control'), answer.header('x-frame-options')]).toEqual([
      200,
      'no-store',
      undefined,
    ]);
    expect(answer.header('content-security-policy')).toBe(`default-src 'none'; frame-ancestors ${app.op.issuer}`);
    expect(await states()).toEqual([401, 200]);
  });

  it('a front-channel logout with a made-up sid writes nothing into the store', async () => {
    const store = new ObservedStore();
    const options = { store, session: { secret: SESSION_SECRET, keep: 'cookie' } } as const;
    const { app, states } = await signedIn(adapter, { client: FRONT_CHANNEL, options });
    const frame = (sid: string) =>
      app.request(`/auth/frontchannel-logout?iss=${encodeURIComponent(app.op.issuer)}&sid=${sid}`);
    store.calls.length = 0;
    expect([(await frame('s-8')).status, (await frame('s-9')).status]).toEqual([200, 200]);
    expect(store.calls.filter((call) => !call.startsWith('get '))).toEqual([]);
    expect(await states()).toEqual([200, 200]);
    expect((await frame('s-1')).status).toBe(200);
    expect(await states()).toEqual([401, 200]);
  });

  it('FCL-03 a front-channel logout without names ends the browser’s own session, unless a sid is required', async () => {
    const { first, states } = await signedIn(adapter, { client: FRONT_CHANNEL });
    expect((await first.get('/auth/frontchannel-logout', FRAME)).status).toBe(200);
    expect(await states()).toEqual([401, 200]);
    const strict = await signedIn(adapter, {
      client: { ...FRONT_CHANNEL, frontchannel_logout_session_required: true },
    });
    expect((await strict.first.get('/auth/frontchannel-logout', FRAME)).status).toBe(200);
    expect(await strict.states()).toEqual([200, 200]);
  });

  it('a front-channel logout of a server for many tenants names one of them', async () => {
    const entra = await Entra.start();
    entra.claims = { sid: 's-1' };
    const options = { routes: true, store: new MemoryStore(), tenants: [TENANT] } as const;
    const app = await createApp({
      adapter,
      op: entra.op,
      controllers: [],
      publicUrl: URL,
      client: FRONT_CHANNEL,
      options,
    });
    const browser = new Browser(app);
    await browser.login();
    const status = async (iss: string) => {
      const query = new URLSearchParams({ iss, sid: 's-1' }).toString();
      expect((await app.request(`/auth/frontchannel-logout?${query}`)).status).toBe(200);
      return (await browser.get('/auth/me')).status;
    };
    expect(await status('https://evil.test/')).toBe(200);
    expect(await status(entra.nameOf(TENANT))).toBe(401);
  });

  it('a front-channel logout while the store is down is 503', async () => {
    const store = new ObservedStore();
    const { app, first, states } = await signedIn(adapter, { client: FRONT_CHANNEL, options: { store } });
    store.fails = () => true;
    const named = `/auth/frontchannel-logout?iss=${encodeURIComponent(app.op.issuer)}&sid=s-2`;
    expect([(await app.request(named)).status, app.lastCode]).toEqual([503, 'STORE_UNAVAILABLE']);
    expect([(await first.get('/auth/frontchannel-logout', FRAME)).status, app.lastCode]).toEqual([
      503,
      'STORE_UNAVAILABLE',
    ]);
    store.fails = () => false;
    expect(await states()).toEqual([200, 200]);
  });

  it('a link on another site to the front-channel logout signs nobody out', async () => {
    const { first, states } = await signedIn(adapter, { client: FRONT_CHANNEL });
    const link = await first.get('/auth/frontchannel-logout', { from: 'https://evil.test/' });
    expect([link.status, link.setCookies]).toEqual([200, []]);
    expect(await states()).toEqual([200, 200]);
    // A browser without Fetch Metadata Request Headers does not say what it is.
    const { cookie = '' } = first.history.at(-1) ?? {};
    expect(cookie).toContain('__Host-oidc-session=');
    expect((await first.get('/auth/frontchannel-logout', { headers: { 'sec-fetch-dest': [] } })).status).toBe(200);
    expect(await states()).toEqual([401, 200]);
  });

  it('a controller of one’s own answers as well', async () => {
    @Controller('own')
    class OwnController {
      constructor(@Inject(OidcLogout) private readonly logout: OidcLogout) {}

      @Post()
      @HttpCode(200)
      @Public()
      async backChannel(@Req() request: object, @Res({ passthrough: true }) response: object) {
        await this.logout.backChannel(request, response);
      }

      @Get()
      async frontChannel(@Req() request: object, @Res({ passthrough: true }) response: object) {
        await this.logout.frontChannel(request, response);
      }
    }
    const app = await createApp({ adapter, controllers: [OwnController], options: { store: new MemoryStore() } });
    const body = new URLSearchParams({ logout_token: logoutToken(app.op, { sub: 'alice' }) }).toString();
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    expect((await app.request('/own', { method: 'POST', headers, body })).status).toBe(200);
    expect((await app.request('/own')).status).toBe(200);
  });
});

it('backchannel_logout_uri without a store stops the boot', async () => {
  await expect(signedIn('express', { options: { store: undefined as never } })).rejects.toThrow(
    'client.backchannel_logout_uri: needs a `store`',
  );
});
