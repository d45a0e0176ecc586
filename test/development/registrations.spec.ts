import { once } from 'node:events';
import { createServer } from 'node:http';

import { describe, expect, it } from '@jest/globals';

import {
  MemoryStore,
  OidcClient,
  OidcStrategy,
  type ClientMetadata,
  type JsonObject,
  type OidcModuleOptions,
  type TokenResponse,
} from '../../lib/index.js';
import { AuthController, MeController } from '../support/app/app-controllers.js';
import { AUDIENCE, onBothAdapters } from '../support/app/apps.js';
import { Browser } from '../support/browser/browser.js';
import { closeLater } from '../support/closing.js';
import { createDevelopmentApp } from '../support/provider/development.js';
import { keyOf, privateJwk } from '../../lib/testing/provider/keys.js';

const jwk = (kind: 'P-256' | 'RSA', use: 'sig' | 'enc', alg?: string): JsonObject =>
  JSON.parse(JSON.stringify(privateJwk(keyOf(kind, `rp1-${use}`), { use, alg })));
const jwks = { keys: [jwk('P-256', 'sig', 'ES256'), jwk('RSA', 'enc')] };

const PUSHED: Partial<ClientMetadata> = { require_pushed_authorization_requests: true };
const SIGNED: Partial<ClientMetadata> = { jwks, request_object_signing_alg: 'ES256' };
const BY_KEY: Partial<ClientMetadata> = {
  jwks,
  client_secret: undefined,
  token_endpoint_auth_method: 'private_key_jwt',
};
const ENCRYPTED = 'RSA-OAEP-256';

/** Keeps the tokens of each login. */
function remembering() {
  const logins: TokenResponse[] = [];
  class Remembering extends OidcStrategy {
    override validate(claims: JsonObject, tokens: TokenResponse) {
      logins.push(tokens);
      return { sub: String(claims['sub']), claims };
    }
  }
  return { logins, extras: { providers: [{ provide: OidcStrategy, useClass: Remembering }] } };
}

describe('what a client registers, the provider registers', () => {
  it.each<[string, Partial<ClientMetadata>, OidcModuleOptions['login']]>([
    ['nothing', {}, {}],
    ['client_secret_post', { token_endpoint_auth_method: 'client_secret_post' }, {}],
    ['client_secret_jwt', { token_endpoint_auth_method: 'client_secret_jwt' }, {}],
    ['private_key_jwt', BY_KEY, {}],
    ['no authentication', { client_secret: undefined }, {}],
    ['a secret of a function', { client_secret: async () => 'a secret that a function makes' }, {}],
    ['PAR', PUSHED, {}],
    ['JAR', { ...SIGNED, require_signed_request_object: true }, {}],
    ['an encrypted request', { ...SIGNED, request_object_encryption_alg: ENCRYPTED }, {}],
    ['JARM', { authorization_signed_response_alg: 'ES256' }, { responseMode: 'jwt' }],
    ['DPoP', { dpop_bound_access_tokens: true }, {}],
    ['Ed25519', { id_token_signed_response_alg: 'Ed25519' }, {}],
    ['ES384', { id_token_signed_response_alg: 'ES384' }, {}],
    ['PS256', { id_token_signed_response_alg: 'PS256' }, {}],
    ['HS256', { id_token_signed_response_alg: 'HS256' }, {}],
    ['signed userinfo', { userinfo_signed_response_alg: 'ES256' }, { userinfo: true }],
    [
      'encrypted answers',
      {
        jwks,
        userinfo_signed_response_alg: 'ES256',
        id_token_encrypted_response_alg: ENCRYPTED,
        userinfo_encrypted_response_alg: ENCRYPTED,
      },
      { userinfo: true },
    ],
    ['a scope', { scope: 'orders:read' }, {}],
    ['another scope', {}, { scope: 'openid profile offline_access other', parameters: { prompt: 'consent' } }],
    ['a choice of the account', {}, { parameters: { prompt: 'select_account' } }],
    ['claims', {}, { parameters: { claims: '{"id_token":{"email":{"essential":true}}}' } }],
    ['acr', { default_acr_values: ['urn:strong'], default_max_age: 60, require_auth_time: true }, {}],
    [
      'an essential acr',
      {},
      { parameters: { claims: '{"id_token":{"acr":{"essential":true,"values":["urn:strong"]}}}' } },
    ],
    ['a hybrid flow', { response_types: ['code id_token'] }, {}],
    ['other URIs', { initiate_login_uri: 'http://127.0.0.1/start', jwks_uri: 'http://127.0.0.1/jwks', jwks }, {}],
  ])('%s', async (_what, client, login = {}) => {
    const { app, op } = await createDevelopmentApp({
      client,
      options: { login, discovery: { when: 'boot' }, resourceServer: undefined },
      controllers: [AuthController, MeController],
    });
    const browser = new Browser(app);
    const callback = await op.login(browser, { as: 'alice', returnTo: '/me' });
    expect([app.lastCode, callback.target]).toEqual([undefined, `${app.url}/me`]);
    expect((await browser.get('/me')).json()).toMatchObject({ user: { sub: 'alice' } });
    expect(app.logs.filter(({ text }) => /granted less/.test(text))).toEqual([]);
  });
});

describe('a redirect URI', () => {
  it.each<[string, Partial<ClientMetadata>, number]>([
    ['code', {}, 400],
    ['code id_token', {}, 400],
    ['id_token', {}, 400],
    // RFC 8252, section 7.3: an application on a device listens at any port.
    ['code', { application_type: 'native' }, 303],
  ])('of a client for %s with %j at another port is answered with %d', async (type, registered, status) => {
    const loggedOut = { post_logout_redirect_uris: ['http://127.0.0.1:3000/out'] };
    const { app, op } = await createDevelopmentApp({
      client: { response_types: [type], ...loggedOut, ...registered },
      controllers: [],
    });
    const [uri = ''] = app.nest.get(OidcClient).metadata.redirect_uris ?? [];
    const authorize = (redirect_uri: string) => {
      const pkce = { code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256' };
      const asked = { client_id: 'rp1', response_type: type, redirect_uri, scope: 'openid', nonce: 'n', ...pkce };
      return op.request(`/auth?${new URLSearchParams(asked)}`);
    };
    expect((await authorize(uri)).status).toBe(303);
    expect((await authorize(uri.replace(/:\d+/, ':9'))).status).toBe(status);
    const signOut = (post_logout_redirect_uri: string) =>
      op.request(`/session/end?${new URLSearchParams({ client_id: 'rp1', post_logout_redirect_uri })}`);
    expect((await signOut('http://127.0.0.1:3000/out')).status).toBe(200);
    expect((await signOut('http://127.0.0.1:9/out')).status).toBe(status === 303 ? 200 : 400);
  });
});

onBothAdapters((adapter) => {
  it.each(['introspection', 'jwt'] as const)(
    'a token of a login serves the API (%s) and userinfo',
    async (validation) => {
      const { logins, extras } = remembering();
      const { app, op } = await createDevelopmentApp({
        adapter,
        extras,
        options: {
          login: { scope: 'openid email orders:read', userinfo: true },
          resourceServer: { audience: AUDIENCE, validation },
        },
      });
      await op.login(new Browser(app), { as: 'bob' });
      const [tokens] = logins;
      const token = tokens?.access_token ?? '';
      expect((await app.call('/orders', token)).json()).toMatchObject({ sub: 'bob', client_id: 'rp1' });
      const userinfo = await app.nest.get(OidcClient).userinfo(token, 'bob');
      expect(userinfo).toMatchObject({ sub: 'bob', email: 'bob@example.com' });
    },
  );

  it('grants authorization details of a registered type', async () => {
    const { logins, extras } = remembering();
    const details = [{ type: 'payment_initiation', actions: ['initiate'] }];
    const { app, op } = await createDevelopmentApp({
      adapter,
      extras,
      client: { authorization_details_types: ['payment_initiation'] },
      options: { login: { parameters: { authorization_details: details } } },
    });
    await op.login(new Browser(app));
    expect(logins[0]?.['authorization_details']).toEqual(details);
    const introspected = await app.nest.get(OidcClient).introspect(logins[0]?.access_token ?? '');
    expect(introspected['authorization_details']).toEqual(details);
  });

  it.each(['fapi2-security', 'fapi2-message-signing', 'fapi1-advanced'] as const)('logs in by %s', async (profile) => {
    const jwt = { id_token_signed_response_alg: 'ES256', authorization_signed_response_alg: 'ES256' };
    const { app, op } = await createDevelopmentApp({
      adapter,
      controllers: [AuthController, MeController],
      publicUrl: 'https://app.test',
      client: { client_secret: undefined, jwks, ...jwt },
      options: {
        profile,
        resourceServer: undefined,
        server: { tls_client_certificate_bound_access_tokens: true },
      },
    });
    const browser = new Browser(app);
    expect((await op.login(browser, { as: 'bob', returnTo: '/me' })).target).toBe('https://app.test/me');
  });

  it('refreshes the tokens of a login', async () => {
    const { logins, extras } = remembering();
    const { app, op } = await createDevelopmentApp({
      adapter,
      extras,
      options: { login: { scope: 'openid orders:read' } },
    });
    await op.login(new Browser(app));
    const renewed = await app.nest.get(OidcClient).refresh(logins[0]?.refresh_token ?? '');
    expect(renewed.scope).toBe('openid orders:read');
    expect((await app.call('/orders', renewed.access_token)).status).toBe(200);
  });

  it('signs a session out by the back channel', async () => {
    // The port of the application is not known before it boots.
    const gate = createServer(async (incoming, response) => {
      const chunks = await incoming.toArray();
      const answer = await app.post('/auth/backchannel-logout', Buffer.concat(chunks).toString(), {
        'content-type': 'application/x-www-form-urlencoded',
      });
      response.writeHead(answer.status).end();
    }).listen(0, '127.0.0.1');
    await once(gate, 'listening');
    closeLater({ close: async () => void gate.close() });
    const { app, op } = await createDevelopmentApp({
      adapter,
      client: { backchannel_logout_uri: `http://127.0.0.1:${Object(gate.address()).port}/auth/backchannel-logout` },
      controllers: [MeController],
      options: { routes: true, store: new MemoryStore(), resourceServer: undefined },
    });
    const browser = new Browser(app);
    await op.login(browser);
    expect((await browser.get('/me')).status).toBe(200);
    const page = await browser.get(`${op.issuer}/session/end`);
    await browser.submitForm(page, { logout: 'yes' });
    expect((await browser.get('/auth/me')).status).toBe(401);
  });

  it('asks for consent where the client wants it, and takes no for an answer', async () => {
    const { app, op } = await createDevelopmentApp({
      adapter,
      options: { login: { parameters: { prompt: 'consent' } } },
    });
    const browser = new Browser(app);
    let page = await browser.startLogin();
    while (page.target !== undefined || page.body.includes('value="alice"')) {
      page =
        page.target === undefined ? await browser.submitForm(page, { choice: 'alice' }) : await browser.follow(page);
    }
    expect(page.body).toContain('<strong>rp1</strong> asks for <code>openid</code>');
    const refused = await op.leave(browser, page, { choice: 'alice' });
    expect(new URL(refused.location).searchParams.get('error')).toBe('access_denied');
  });

  it('takes the end-user back who goes back', async () => {
    const { app, op } = await createDevelopmentApp({ adapter });
    const browser = new Browser(app);
    const page = await browser.follow(await browser.startLogin());
    expect(page.body).toContain('value="alice"');
    const back = await op.leave(browser, page, { choice: '' });
    expect(new URL(back.location).searchParams.get('error')).toBe('access_denied');
  });

  it('signs nobody in by a form of another site, or with another browser’s cookie', async () => {
    const { app, op } = await createDevelopmentApp({ adapter });
    const browser = new Browser(app);
    const page = await browser.follow(await browser.startLogin());
    const foreign = await browser.submitForm(page, { choice: 'alice' }, { from: 'http://127.0.0.1:3000' });
    expect([foreign.status, foreign.target]).toEqual([403, undefined]);
    const other = new Browser(app);
    expect((await other.submitForm(page, { choice: 'alice' })).status).toBe(400);
    expect((await op.leave(browser, page, { choice: 'alice' })).location).toContain(`${app.url}/auth/callback`);
  });

  it('asks before it signs out whom nobody vouches for', async () => {
    const { app, op } = await createDevelopmentApp({ adapter });
    const browser = new Browser(app);
    await op.login(browser);
    const page = await browser.get(`${op.issuer}/session/end`);
    expect(page.body).toContain('Do you want to sign out of this provider?');
    expect(page.body).not.toContain('submit.js');
  });
});
