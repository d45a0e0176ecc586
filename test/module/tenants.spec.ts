import { describe, expect, it } from '@jest/globals';
import { Controller, Get, UseGuards } from '@nestjs/common';

import {
  AccessToken,
  OidcClient,
  OidcGuard,
  type OidcModuleOptions,
  type TrustedIssuerOptions,
  type VerifiedAccessToken,
} from '../../lib/index.js';
import { CONTROLLERS } from '../support/app/app-controllers.js';
import { createApp, onBothAdapters, type Adapter } from '../support/app/apps.js';
import { expectBadToken, expectCallbackRefused, expectDependency } from '../support/app/outcomes.js';
import { Browser } from '../support/browser/browser.js';
import { clientOf, loginWith, rejection } from '../support/client/client.js';
import { CONSUMERS, Entra, OTHER_TENANT, TENANT } from '../support/provider/entra.js';
import { startProvider } from '../support/provider/provider.js';
import { jwtAccessToken } from '../support/tokens/access-token.js';

@Controller()
@UseGuards(OidcGuard)
class WhoController {
  @Get('who')
  who(@AccessToken() { iss, sub }: VerifiedAccessToken) {
    return [iss, sub];
  }
}

type Tenants = NonNullable<OidcModuleOptions['tenants']>;

const resourceServer = { audience: 'https://api.test', validation: 'jwt' as const };

async function boot(adapter: Adapter, tenants: Tenants | undefined, more: object = {}) {
  const entra = await Entra.start();
  const options = { tenants, resourceServer, ...more };
  const app = await createApp({ adapter, op: entra.op, controllers: [...CONTROLLERS, WhoController], options });
  return { entra, app };
}

const away = () => Object.assign(new Error('no connection to db.internal:5432'), { code: 'ECONNREFUSED' });

onBothAdapters((adapter) => {
  it('a login is taken from the tenants that are named, and from no other', async () => {
    const { entra, app } = await boot(adapter, [TENANT.toUpperCase()]);
    const browser = new Browser(app);
    expect((await browser.login({ returnTo: '/me' })).target).toBe(`${app.url}/me`);
    expect((await browser.get('/me')).status).toBe(200);
    entra.claims = { iss: entra.nameOf(OTHER_TENANT), tid: OTHER_TENANT };
    expectCallbackRefused(await new Browser(app).login(), 403, 'TENANT_REFUSED', app);
  });

  it('a function is asked about the tenant of a login, and says true and nothing else', async () => {
    const asked: string[] = [];
    const answers: unknown[] = [true, Promise.resolve(true), false, 'yes', 1, undefined, Promise.resolve({})];
    const { app } = await boot(adapter, ((tenant: string) => {
      asked.push(tenant);
      return answers[asked.length - 1];
    }) as Tenants);
    for (const isTaken of [true, true, false, false, false, false, false]) {
      const page = await new Browser(app).login();
      expect(page.status === 303).toBe(isTaken);
    }
    expect(asked).toEqual(Array.from({ length: 7 }, () => TENANT));
  });

  it('a function that throws is an outage of ours: 503 for a login and for the API', async () => {
    const { entra, app } = await boot(adapter, () => Promise.reject(away()));
    const page = await new Browser(app).login();
    expectCallbackRefused(page, 503, 'RESOLVER_FAILED', app);
    const response = await app.call('/who', entra.accessToken());
    expectDependency(app, response, 'RESOLVER_FAILED', 5);
    expect(page.body + response.body).not.toContain('db.internal');
    expect(app.logs.map(({ text }) => text)).toContainEqual(
      expect.stringContaining('reason="ECONNREFUSED" message="no connection to db.internal:5432"'),
    );
  });

  it('the API takes tokens of the tenants that are named, each under its own name', async () => {
    const { entra, app } = await boot(adapter, [TENANT, OTHER_TENANT]);
    for (const tid of [TENANT, OTHER_TENANT]) {
      const response = await app.call('/who', entra.accessToken({ claims: { tid } }));
      expect(response.json()).toEqual([entra.nameOf(tid), 'alice']);
    }
    expectBadToken(app, await app.call('/who', entra.accessToken({ claims: { tid: CONSUMERS } })), 'TOKEN_ISSUER');
  });

  it('nobody is asked about a token that is not good otherwise', async () => {
    const asked: string[] = [];
    const { entra, app } = await boot(adapter, (tenant) => asked.push(tenant) > 0);
    const { clock } = entra.op;
    for (const claims of [{ aud: 'https://other.test' }, { exp: clock.seconds - 60 }, { jti: undefined }]) {
      expectBadToken(app, await app.call('/who', entra.accessToken({ claims })));
    }
    expectBadToken(app, await app.call('/who', entra.accessToken({ key: entra.consumersKey })));
    expect(asked).toEqual([]);
  });

  it('a key signs for the issuer that the key set gives it, and for no other', async () => {
    const { entra, app } = await boot(adapter, () => true);
    const key = entra.consumersKey;
    const consumers = entra.accessToken({ key, claims: { tid: CONSUMERS } });
    expect((await app.call('/who', consumers)).json()).toEqual([entra.nameOf(CONSUMERS), 'alice']);
    expectBadToken(app, await app.call('/who', entra.accessToken({ key })), 'TOKEN_INVALID');
    const withTheirTid = { iss: entra.nameOf(TENANT), tid: CONSUMERS };
    expectBadToken(app, await app.call('/who', entra.accessToken({ key, claims: withTheirTid })), 'TOKEN_INVALID');
    const withTheirName = { iss: entra.nameOf(CONSUMERS), tid: TENANT };
    expectBadToken(app, await app.call('/who', entra.accessToken({ key, claims: withTheirName })), 'TOKEN_ISSUER');
  });

  it('among several issuers one for many tenants is found by each of its names', async () => {
    const entra = await Entra.start();
    const op = await startProvider({ clock: entra.op.clock });
    op.rotate();
    const there: TrustedIssuerOptions = { issuer: entra.op.issuer, tenants: [TENANT] };
    const options = { resourceServer: { ...resourceServer, issuers: [there] } };
    const app = await createApp({ adapter, op, controllers: [WhoController], options });
    expect((await app.call('/who', entra.accessToken())).json()).toEqual([entra.nameOf(TENANT), 'alice']);
    expect((await app.call('/who', jwtAccessToken(op))).json()).toEqual([op.issuer, 'alice']);
    for (const tid of [OTHER_TENANT, 'common', '{tenantid}']) {
      expectBadToken(app, await app.call('/who', entra.accessToken({ claims: { tid } })));
    }
    const before = entra.op.count();
    for (const iss of [`${entra.op.origin}/${TENANT}/v1.0`, `${entra.op.origin}/${TENANT}/v2.0/x`]) {
      expectBadToken(app, await app.call('/who', entra.accessToken({ claims: { iss } })), 'TOKEN_ISSUER');
    }
    expectBadToken(app, await app.call('/who', jwtAccessToken(op, { claims: { iss: entra.nameOf(TENANT) } })));
    expect(entra.op.count('discovery')).toBe(1);
    expect(before).toBeGreaterThan(0);
  });

  it('an introspection of a server for many tenants has to say the tenant', async () => {
    const { entra, app } = await boot(adapter, [TENANT], { resourceServer: { audience: 'https://api.test' } });
    const said = async (members: object) => {
      entra.op.introspectionResponse({ body: (right) => ({ ...right, ...members }) });
      return app.call('/who', entra.op.issue());
    };
    const response = await said({ iss: entra.nameOf(TENANT), tid: TENANT });
    expect(response.json()).toEqual([entra.nameOf(TENANT), 'alice']);
    expectBadToken(app, await said({ iss: entra.nameOf(TENANT) }), 'TOKEN_INVALID');
    expectBadToken(app, await said({ iss: undefined, tid: TENANT }), 'TOKEN_ISSUER');
    expectBadToken(app, await said({ tid: TENANT }), 'TOKEN_ISSUER');
    expectBadToken(app, await said({ iss: entra.nameOf(OTHER_TENANT), tid: OTHER_TENANT }), 'TOKEN_ISSUER');
  });
});

describe('the issuer of a server for many tenants', () => {
  it.each<[string, (entra: Entra) => object, string]>([
    ['lacks tid', () => ({ tid: undefined }), 'CLAIM_INVALID'],
    ['has a tid that is a number', () => ({ tid: 7 }), 'CLAIM_INVALID'],
    ['has a list for tid', () => ({ tid: [TENANT] }), 'CLAIM_INVALID'],
    ['has a tid that is no GUID', (entra) => ({ tid: 'common', iss: entra.nameOf('common') }), 'CLAIM_INVALID'],
    ['has a longer tid', (entra) => ({ tid: `${TENANT}/x`, iss: entra.nameOf(`${TENANT}/x`) }), 'CLAIM_INVALID'],
    ['names the template', (entra) => ({ iss: entra.nameOf('{tenantid}') }), 'ISS_MISMATCH'],
    ['names the address', (entra) => ({ iss: entra.op.issuer }), 'ISS_MISMATCH'],
    ['names another tenant than its own', (entra) => ({ iss: entra.nameOf(OTHER_TENANT) }), 'ISS_MISMATCH'],
    ['has another tenant than it names', () => ({ tid: OTHER_TENANT }), 'ISS_MISMATCH'],
    ['lacks iss', () => ({ iss: undefined }), 'ISS_MISMATCH'],
  ])('is not that of an ID token which %s', async (_what, claimsOf, code) => {
    const entra = await Entra.start();
    // Keys that say nothing: the token itself is looked at.
    entra.op.jwks((set) => set);
    const { oidc } = clientOf(entra.op, { settings: { tenants: () => true } });
    entra.claims = { ...claimsOf(entra) };
    expect(await rejection(login(oidc, entra))).toMatchObject({ name: 'VerificationError', code });
    expect(entra.op.count('token')).toBe(1);
    entra.claims = {};
    expect((await login(oidc, entra)).idToken.claims).toMatchObject({ iss: entra.nameOf(TENANT), tid: TENANT });
  });

  it('is taken in an authorization response by any of its names', async () => {
    const entra = await Entra.start();
    const { oidc } = clientOf(entra.op, { settings: { tenants: [TENANT] } });
    for (const iss of [entra.op.issuer, entra.nameOf(TENANT)]) {
      expect((await login(oidc, entra, { iss })).idToken.sub).toBe('alice');
    }
    for (const iss of ['https://evil.test', entra.nameOf('{tenantid}'), `${entra.op.origin}/${TENANT}/v1.0`]) {
      expect(await rejection(login(oidc, entra, { iss }))).toMatchObject({ code: 'ISS_MISMATCH' });
    }
  });

  it('stays that of the login when tokens are refreshed', async () => {
    const entra = await Entra.start();
    const metadata = { grant_types: ['authorization_code', 'refresh_token'] };
    const { oidc } = clientOf(entra.op, { metadata, settings: { tenants: () => true } });
    const { tokens, idToken } = await login(oidc, entra, { scope: 'openid offline_access' });
    const { claims } = idToken;
    const refreshed = await oidc.refresh(tokens.refresh_token ?? '', { claims });
    entra.claims = { iss: entra.nameOf(OTHER_TENANT), tid: OTHER_TENANT };
    const other = oidc.refresh(refreshed.refresh_token ?? '', { claims });
    expect(await rejection(other)).toMatchObject({ code: 'ISS_MISMATCH', facts: { wanted: entra.nameOf(TENANT) } });
  });

  it('needs tenants, and a server of one issuer has none', async () => {
    const entra = await Entra.start();
    const problem = 'tenants: is required: the issuer in the metadata holds {tenantid}';
    const error = { name: 'ConfigError', code: 'INVALID_CONFIG', member: 'tenants' };
    const lacking = await rejection(clientOf(entra.op).oidc.ready());
    const facts = { issuer: entra.op.issuer };
    expect(lacking).toMatchObject({ ...error, message: expect.stringContaining(problem), facts });
    const one = clientOf(await startProvider(), { settings: { tenants: [TENANT] } });
    expect(await rejection(one.oidc.ready())).toMatchObject({
      ...error,
      message: expect.stringContaining('tenants: must not be set'),
    });
  });

  it('without tenants stops the boot, where the server is asked then', async () => {
    const { op } = await Entra.start();
    const options = { discovery: { when: 'boot' as const } };
    await expect(createApp({ adapter: 'express', op, options })).rejects.toThrow('tenants: is required');
  });

  it('may be that of access tokens only', async () => {
    const op = await startProvider();
    const access_token_issuer = 'https://sts.test/{tenantid}/';
    const { oidc } = clientOf(op, { settings: { server: { access_token_issuer }, tenants: [TENANT] } });
    const claims = { tid: TENANT, iss: `https://sts.test/${TENANT}/` };
    expect((await oidc.verifyAccessToken(jwtAccessToken(op, { claims }))).claims).toMatchObject(claims);
    expect((await loginWith(oidc, op)).idToken.sub).toBe('alice');
    expect(await rejection(oidc.verifyAccessToken(jwtAccessToken(op)))).toMatchObject({
      code: 'TOKEN_INVALID',
      cause: { code: 'CLAIM_INVALID' },
    });
  });
});

describe('the option', () => {
  const minimal = { issuer: 'https://op.test/common/v2.0', client: { client_id: 'rp1' } };
  const listed = (tenants: unknown) => ({
    resourceServer: { audience: 'x', issuers: [{ issuer: 'https://op.test/common/v2.0', tenants }] },
  });

  it.each<[string, unknown, string]>([
    ['tenants', [], 'must name a tenant'],
    ['tenants', ['contoso.onmicrosoft.com'], "must be a tenant's id, a GUID"],
    ['tenants', [TENANT, '*'], "must be a tenant's id, a GUID"],
    ['tenants', TENANT, 'must be a list or a function'],
    ['tenants', true, 'must be a list or a function'],
    ['tenants', null, 'must be a list or a function'],
  ])('%s %p is refused, there and among the issuers', async (member, tenants, problem) => {
    const { OidcModule } = await import('../../lib/index.js');
    const { Test } = await import('@nestjs/testing');
    const bootWith = (options: object) =>
      Test.createTestingModule({ imports: [OidcModule.forRoot({ ...minimal, ...options } as never)] }).compile();
    await expect(bootWith({ tenants })).rejects.toThrow(problem);
    await expect(bootWith({ tenants })).rejects.toMatchObject({ member: expect.stringContaining(member) });
    const among = await rejection(bootWith(listed(tenants)));
    expect(among).toMatchObject({ member: expect.stringMatching(/^resourceServer\.issuers\.0\.tenants/) });
  });
});

function login(oidc: OidcClient, { op }: Entra, { iss, scope = 'openid' }: { iss?: string; scope?: string } = {}) {
  return oidc.authorizationUrl({ scope }).then(({ url, transaction }) => {
    const code = op.issueCode('rp1', Object.fromEntries(new URL(url).searchParams));
    const parameters = new Map([
      ['code', code],
      ['state', transaction.state],
    ]);
    return oidc.callback(iss === undefined ? parameters : parameters.set('iss', iss), transaction);
  });
}
