import { expect, it } from '@jest/globals';
import { Controller, Get, UseGuards } from '@nestjs/common';
import fc from 'fast-check';

import {
  ACCESS_TOKEN_PROFILES,
  AccessToken,
  OidcGuard,
  VerifiedAccessToken,
  type OidcModuleOptions,
} from '../../lib/index.js';
import { AccessTokenReader } from '../../lib/tokens/access-token-profile.js';
import type { JsonObject } from '../../lib/values/json.js';
import { AUDIENCE, createApp, onBothAdapters, type Adapter } from '../support/app/apps.js';
import { expectBadToken } from '../support/app/outcomes.js';
import type { HostileProvider } from '../support/provider/hostile-provider.js';
import { jwtAccessToken } from '../support/tokens/access-token.js';

@Controller('who')
@UseGuards(OidcGuard)
class WhoController {
  @Get()
  show(@AccessToken() { sub, client_id, scopes, roles }: VerifiedAccessToken) {
    return { sub, client_id, scopes, roles };
  }
}

type Api = NonNullable<OidcModuleOptions['resourceServer']>;

const boot = (adapter: Adapter, resourceServer: Partial<Api>, server: OidcModuleOptions['server'] = {}) =>
  createApp({
    adapter,
    controllers: [WhoController],
    options: { server, resourceServer: { audience: AUDIENCE, ...resourceServer } },
  });

const KEYCLOAK = {
  typ: 'Bearer',
  azp: 'web',
  client_id: undefined,
  realm_access: { roles: ['auditor'] },
  resource_access: { [AUDIENCE]: { roles: ['clerk'] }, account: { roles: ['admin'] } },
};

/** A JWT with another header than RFC 9068's. */
const other = (op: HostileProvider, claims: object, header: object = { typ: 'JWT' }) =>
  jwtAccessToken(op, { header: { ...header }, claims: { ...claims } });

const WHO = { sub: 'alice', client_id: 'web', scopes: ['orders:read'], roles: ['auditor', 'clerk'] };

onBothAdapters((adapter) => {
  it('take the JWTs of the profile that is named, and say of others who would take them', async () => {
    const app = await boot(adapter, { accessTokens: 'keycloak', validation: 'jwt' });
    const good = await app.call('/who', other(app.op, KEYCLOAK));
    expect([good.status, good.json()]).toEqual([200, WHO]);
    expectBadToken(app, await app.call('/who', other(app.op, { ...KEYCLOAK, typ: 'ID' })), 'TOKEN_TYPE');
    expectBadToken(
      app,
      await app.call('/who', other(app.op, { cid: 'web', ver: 1, client_id: undefined }, { typ: undefined })),
      'TOKEN_TYPE',
    );
    expect(app.logs.at(-1)?.message).toContain('profiles="okta generic"');
    expect(app.op.count('introspect')).toBe(0);
  });

  it('read introspected tokens by the profile too', async () => {
    const app = await boot(adapter, { accessTokens: 'keycloak' });
    const { typ, ...claims } = KEYCLOAK;
    const token = app.op.issue({ scope: 'orders:read', ...claims, aud: AUDIENCE, client_id: 'rp1' });
    const answer = await app.call('/who', token);
    expect([answer.status, answer.json()]).toEqual([200, { ...WHO, sub: 'alice' }]);
  });

  it('send with `auto` what the profile takes to its signature, and all else to introspection', async () => {
    const app = await boot(adapter, { accessTokens: 'keycloak', validation: 'auto' });
    expect((await app.call('/who', other(app.op, KEYCLOAK))).status).toBe(200);
    expect(app.op.count('introspect')).toBe(0);
    expect((await app.call('/who', app.op.issue({ scope: 'orders:read' }))).status).toBe(200);
    expect(app.op.count('introspect')).toBe(1);
    // Without the mark it is none of the profile.
    expectBadToken(app, await app.call('/who', other(app.op, { ...KEYCLOAK, typ: undefined })), 'TOKEN_INACTIVE');
    expect(app.op.count('introspect')).toBe(2);
  });

  it('refuse with `auto` what nobody introspects, and say who would take it', async () => {
    const app = await boot(adapter, { accessTokens: 'okta', validation: 'auto' });
    app.op.discovery(({ introspection_endpoint, ...members }) => members);
    expectBadToken(app, await app.call('/who', other(app.op, KEYCLOAK)), 'TOKEN_TYPE');
    expect(app.logs.at(-1)?.message).toContain('profiles="auth0 keycloak generic"');
    expectBadToken(app, await app.call('/who', 'opaque'), 'TOKEN_TYPE');
  });

  it('say who would take a JWT where introspection is asked for and there is none', async () => {
    const app = await boot(adapter, {});
    app.op.discovery(({ introspection_endpoint, ...members }) => members);
    expect((await app.call('/who', other(app.op, KEYCLOAK))).status).toBe(503);
    expect(app.logs.at(-1)?.message).toBe(
      "ENDPOINT_MISSING: server.introspection_endpoint: is not published by the server. JWTs are verified with validation: 'jwt' " +
        'and accessTokens profiles="auth0 keycloak generic"',
    );
  });

  it('take each issuer’s tokens by its own profile', async () => {
    const second = await createApp({ adapter }).then(({ op }) => op);
    const app = await boot(adapter, {
      validation: 'jwt',
      issuers: [{ issuer: second.issuer, accessTokens: 'keycloak' }],
    });
    expect((await app.call('/who', other(second, KEYCLOAK))).json()).toEqual(WHO);
    expectBadToken(app, await app.call('/who', other(app.op, KEYCLOAK)), 'TOKEN_TYPE');
  });
});

it.each<[string, Partial<Api>, string]>([
  [
    'a profile without an audience',
    { audience: false, accessTokens: 'entra' },
    "resourceServer.audience: must be named where accessTokens is not 'rfc9068'",
  ],
  ['an unknown name', { accessTokens: 'azure' as never }, 'must be a profile, or one of rfc9068, entra, auth0, okta,'],
  ['no typ', { accessTokens: { typ: [] } }, "resourceServer.accessTokens.typ: must name a typ; '' is for none"],
  [
    'an unknown member',
    { accessTokens: { typ: ['JWT'], client: 'azp' } as never },
    'resourceServer.accessTokens.client',
  ],
  [
    'an unknown name of another issuer',
    { issuers: [{ issuer: 'https://op.test', accessTokens: 'azure' as never }] },
    'must be a profile, or one of rfc9068',
  ],
])('%s stops the boot', async (_what, resourceServer, message) => {
  await expect(boot('express', resourceServer)).rejects.toThrow(message);
});

it('a profile may be a row with another member', async () => {
  const accessTokens = { ...ACCESS_TOKEN_PROFILES.keycloak, roles: 'resource_access.account.roles' };
  const app = await boot('express', { accessTokens, validation: 'jwt' });
  expect((await app.call('/who', other(app.op, KEYCLOAK))).json()).toMatchObject({ roles: ['admin'] });
});

it.each<[string, string, JsonObject, readonly string[]]>([
  ['a claim whose name has dots', 'https://a.b/roles', { 'https://a.b/roles': ['x'] }, ['x']],
  [
    'a member whose name has dots',
    'resource_access.my.app.roles',
    { resource_access: { 'my.app': { roles: ['x'] } } },
    ['x'],
  ],
  ['an audience whose name has dots', 'r.*.roles', { r: { 'a.b': { roles: ['x'] }, other: { roles: ['y'] } } }, ['x']],
  ['a text, which is one role', 'role', { role: 'Domain Users' }, ['Domain Users']],
  ['the names of an object', 'roles', { roles: { a: { o: 'd' }, b: {} } }, ['a', 'b']],
  ['objects in a list', 'roles', { roles: [{ a: {} }, { b: {} }] }, ['a', 'b']],
  ['objects of SCIM', 'roles', { roles: [{ value: 'a', display: 'A' }] }, ['a']],
  ['the same role twice', 'roles', { roles: ['a', 'a'] }, ['a']],
  ['what is inherited by every object', 'constructor.name', {}, []],
  ['a number', 'roles', { roles: 7 }, []],
  ['nothing', 'roles', {}, []],
])('roles are read from %s', (_what, roles, claims, expected) => {
  expect(new AccessTokenReader({ typ: ['JWT'], roles }, ['a.b']).rolesOf(claims)).toEqual(expected);
});

it('any claims are read as lists of texts', () => {
  const profiles = Object.values(ACCESS_TOKEN_PROFILES);
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.constantFrom(...profiles), (claims, profile) => {
      const reader = new AccessTokenReader(profile, ['a']);
      const members = { ...claims, [profile.typ[0] ?? '']: 'x' } as JsonObject;
      const texts = [...reader.rolesOf(members), ...reader.scopesOf(members), reader.clientOf(members) ?? ''];
      expect(texts.every((text) => typeof text === 'string')).toBe(true);
      expect(typeof reader.isForUs(members)).toBe('boolean');
      expect(typeof reader.takes({ typ: undefined, iss: undefined, claims: members })).toBe('boolean');
    }),
  );
});

it('the claims that a profile names are read whatever is in them', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (one, another) => {
      const profile = { typ: ['JWT'], clientId: ['azp'], scopes: 'scp', roles: ['a.b', 'a.*.c', 'd'], audience: 'azp' };
      const reader = new AccessTokenReader(profile, ['x']);
      const claims = { azp: one, scp: another, a: { b: one, x: { c: another } }, d: another, aud: one } as JsonObject;
      expect([...reader.rolesOf(claims), ...reader.scopesOf(claims)].every((text) => typeof text === 'string')).toBe(
        true,
      );
      expect(['string', 'undefined']).toContain(typeof reader.clientOf(claims));
      expect(typeof reader.isForUs(claims)).toBe('boolean');
    }),
  );
});
