import { describe, expect, it } from '@jest/globals';
import { Controller, Get, UseGuards } from '@nestjs/common';
import { Test } from '@nestjs/testing';

import { AccessToken, OidcClient, OidcGuard, OidcModule, type VerifiedAccessToken } from '../../lib/index.js';
import { decodeJwt } from '../../lib/testing/provider/keys.js';
import { CONTROLLERS } from '../support/app/app-controllers.js';
import { createApp, onBothAdapters } from '../support/app/apps.js';
import { Browser } from '../support/browser/browser.js';
import { rejection } from '../support/client/client.js';
import { authenticationOf } from '../support/provider/hostile-provider.js';
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

const controllers = [...CONTROLLERS, WhoController];
const AUDIENCE = 'https://api.test';
const PUBLIC = { publicOrigin: 'https://op.test', path: '/realms/a' };

onBothAdapters((adapter) => {
  it('a provider behind another address is called there, and browsers are sent to the public one', async () => {
    const op = await startProvider(PUBLIC);
    const backchannelUrl = `${op.origin}/realms/a`;
    const options = { backchannelUrl, login: { userinfo: true }, resourceServer: { audience: AUDIENCE } };
    const app = await createApp({ adapter, op, controllers, options });
    const browser = new Browser(app);
    browser.knows('https://op.test', op.origin);
    const login = await browser.get('/auth/login?returnTo=/me');
    expect(login.location).toMatch(/^https:\/\/op\.test\/realms\/a\/authorize\?/);
    const back = await browser.get(login.location);
    expect((await browser.get(back.location)).target).toBe(`${app.url}/me`);
    expect((await app.call('/who', op.issue())).json()).toEqual(['https://op.test/realms/a', 'alice']);
    const oidc = app.nest.get(OidcClient);
    await oidc.revoke(op.issue());
    expect(await oidc.endSessionUrl()).toMatch(/^https:\/\/op\.test\/realms\/a\/end-session\?/);
    const called = ['discovery', 'token', 'jwks', 'userinfo', 'introspect', 'revoke'];
    expect(called.map((endpoint) => op.count(endpoint))).toEqual([1, 1, 1, 1, 1, 1]);
  });

  it('a document elsewhere than at the issuer is asked for there, and must be of the issuer', async () => {
    const op = await startProvider();
    const documents = await startProvider();
    documents.discovery(() => ({ issuer: op.issuer, jwks_uri: op.url('jwks') }));
    const url = `${documents.issuer}/.well-known/openid-configuration?p=signin`;
    const options = { discovery: { url }, resourceServer: { audience: AUDIENCE, validation: 'jwt' as const } };
    const app = await createApp({ adapter, op, controllers, options });
    expect((await app.call('/who', jwtAccessToken(op))).json()).toEqual([op.issuer, 'alice']);
    expect([op.count('discovery'), documents.last('discovery').query.get('p')]).toEqual([0, 'signin']);
    documents.discovery((document) => document);
    const other = await createApp({ adapter, op, controllers, options });
    expect((await other.call('/who', jwtAccessToken(op))).status).toBe(503);
    expect(other.lastCode).toBe('ISSUER_MISMATCH');
  });

  it('each trusted issuer has an address and a document of its own', async () => {
    const op = await startProvider();
    const one = await startProvider({ ...PUBLIC, clock: op.clock });
    const two = await startProvider({ publicOrigin: 'https://two.test', clock: op.clock });
    two.discovery((document) => ({ ...document, jwks_uri: `${two.origin}/jwks` }));
    [one, two].forEach((provider) => provider.rotate());
    const issuers = [
      { issuer: one.issuer, backchannelUrl: `${one.origin}/realms/a` },
      { issuer: two.issuer, discovery: { url: `${two.origin}/.well-known/openid-configuration` } },
    ];
    const resourceServer = { audience: AUDIENCE, validation: 'jwt' as const, issuers };
    const app = await createApp({ adapter, op, controllers, options: { insecureHttp: true, resourceServer } });
    for (const provider of [op, one, two]) {
      expect((await app.call('/who', jwtAccessToken(provider))).json()).toEqual([provider.issuer, 'alice']);
    }
  });
});

describe('behind another address', () => {
  const METADATA = {
    token_endpoint_auth_method: 'client_secret_jwt' as const,
    dpop_bound_access_tokens: true,
  };

  it('assertions and proofs name the server as it knows itself', async () => {
    const op = await startProvider(PUBLIC);
    const options = { backchannelUrl: `${op.origin}/realms/a/` };
    const app = await createApp({ adapter: 'express', op, client: METADATA, options });
    await app.nest.get(OidcClient).clientCredentials();
    const request = op.last('token');
    expect(authenticationOf(request).claims).toMatchObject({ aud: 'https://op.test/realms/a' });
    expect(decodeJwt(String(request.headers['dpop'])).claims).toMatchObject({
      htu: 'https://op.test/realms/a/token',
    });
    expect(request.headers.host).toBe(new URL(op.origin).host);
  });

  it('overridden endpoints below the issuer are called there, others where they are', async () => {
    const op = await startProvider(PUBLIC);
    const elsewhere = await startProvider({ clock: op.clock });
    const server = {
      token_endpoint: 'https://op.test/realms/a/token',
      introspection_endpoint: elsewhere.url('introspect'),
    };
    const options = { backchannelUrl: `${op.origin}/realms/a`, server };
    const app = await createApp({ adapter: 'express', op, options });
    elsewhere.register({ ...app.client });
    const oidc = app.nest.get(OidcClient);
    expect(await oidc.introspect(elsewhere.issue())).toMatchObject({ active: true });
    expect((await oidc.clientCredentials()).token_type).toBe('Bearer');
    expect([op.count('token'), op.count('introspect'), elsewhere.count('introspect')]).toEqual([1, 0, 1]);
  });

  it('a document that names the other address too is good, and one of another issuer is not', async () => {
    const op = await startProvider(PUBLIC);
    op.discovery((document) => ({ ...document, token_endpoint: `${op.origin}/realms/a/token` }));
    const options = { backchannelUrl: `${op.origin}/realms/a` };
    const app = await createApp({ adapter: 'express', op, options });
    expect((await app.nest.get(OidcClient).clientCredentials()).token_type).toBe('Bearer');
    op.discovery((document) => ({ ...document, issuer: `${op.origin}/realms/a` }));
    const other = await createApp({ adapter: 'express', op, options });
    expect(await rejection(other.nest.get(OidcClient).clientCredentials())).toMatchObject({ code: 'ISSUER_MISMATCH' });
  });

  it('the OAuth document is asked for there as well', async () => {
    const op = await startProvider(PUBLIC);
    const discovery = { document: 'oauth-authorization-server' as const };
    const options = { backchannelUrl: `${op.origin}/realms/a`, discovery };
    const app = await createApp({ adapter: 'express', op, options });
    await app.nest.get(OidcClient).ready();
    expect(op.last('discovery').path).toBe('/.well-known/oauth-authorization-server/realms/a');
  });
});

describe('the options', () => {
  const minimal = { issuer: 'https://op.test', client: { client_id: 'rp1' } };
  const bootWith = (options: object) =>
    Test.createTestingModule({ imports: [OidcModule.forRoot({ ...minimal, ...options } as never)] }).compile();

  it.each<[string, string]>([
    ['op:8080', 'must be an https URL'],
    ['op', 'must be a URL'],
    ['ftp://op', 'must be an https URL'],
    ['http://op:8080', 'must be https: plain http to another machine needs insecureHttp: true'],
    ['https://a:b@op', 'must have no user information'],
    ['https://op#x', 'must have no fragment'],
  ])('%s is no address', async (address, problem) => {
    const places = [
      ['backchannelUrl', { backchannelUrl: address }],
      ['discovery.url', { discovery: { url: address } }],
    ] as const;
    for (const [member, place] of places) {
      expect(await rejection(bootWith(place))).toMatchObject({ member, message: `${member}: ${problem}` });
      const resourceServer = { audience: AUDIENCE, issuers: [{ issuer: 'https://two.test', ...place }] };
      const among = `resourceServer.issuers.0.${member}`;
      expect(await rejection(bootWith({ resourceServer }))).toMatchObject({ member: among });
    }
  });

  it('only the address of a document may have a query', async () => {
    const place = 'https://op.test/x?p=signin';
    await bootWith({ discovery: { url: place } });
    expect(await rejection(bootWith({ backchannelUrl: place }))).toMatchObject({ member: 'backchannelUrl' });
  });

  it('plain http is for this machine, or allowed', async () => {
    await bootWith({ backchannelUrl: 'http://localhost:8080', discovery: { url: 'http://127.0.0.1/x' } });
    await bootWith({ backchannelUrl: 'http://keycloak:8080', insecureHttp: true });
  });

  it('an issuer has no other option of discovery', async () => {
    const issuers = [{ issuer: 'https://two.test', discovery: { when: 'boot' } }];
    const error = await rejection(bootWith({ resourceServer: { audience: AUDIENCE, issuers } }));
    expect(error).toMatchObject({ member: 'resourceServer.issuers.0.discovery.when' });
  });
});
