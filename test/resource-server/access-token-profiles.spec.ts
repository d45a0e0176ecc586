import { describe, expect, it } from '@jest/globals';
import { Controller, Get, UseGuards } from '@nestjs/common';

import {
  AccessToken,
  InjectOidcClient,
  OidcClient,
  OidcGuard,
  type AccessTokenProfileName,
  type OidcModuleOptions,
  type PresentedToken,
  type VerifiedAccessToken,
} from '../../lib/index.js';
import { createApp, onBothAdapters, type TestApp } from '../support/app/apps.js';
import { expectBadToken, expectDependency, expectNoSecrets } from '../support/app/outcomes.js';
import { startProvider } from '../support/provider/provider.js';
import { jwtAccessToken } from '../support/tokens/access-token.js';
import { PROVIDER_TOKENS, signedToken, type TokenShape } from '../support/tokens/provider-tokens.js';

interface Caller {
  readonly sub?: string;
  readonly client_id?: string;
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
}

@Controller()
@UseGuards(OidcGuard)
class CallerController {
  @Get('caller')
  caller(@AccessToken() { sub, client_id, scopes, roles }: VerifiedAccessToken): Caller {
    return { ...(sub && { sub }), ...(client_id && { client_id }), scopes, roles };
  }
}

const ADFS_NAME = 'http://fs.example.com/adfs/services/trust';

/** What an application writes for a provider, beside its issuer, and who calls with a token of that provider. */
const RECIPES: readonly (readonly [
  string,
  Pick<OidcModuleOptions, 'resourceServer' | 'server'>,
  token: TokenShape,
  Caller,
])[] = [
  [
    'RFC 9068',
    { resourceServer: { audience: 'https://api.test', validation: 'jwt' } },
    PROVIDER_TOKENS.rfc9068.accessTokens.user,
    { sub: 'ada', client_id: 'client-1', scopes: ['openid', 'orders.read'], roles: ['auditors'] },
  ],
  [
    'Entra ID',
    {
      resourceServer: {
        audience: '11111111-aaaa-4bbb-8ccc-000000000001',
        validation: 'jwt',
        accessTokens: 'entra',
      },
    },
    PROVIDER_TOKENS.entra.accessTokens['user, version 2'],
    {
      sub: 'pairwise-subject-1',
      client_id: '22222222-aaaa-4bbb-8ccc-000000000002',
      scopes: ['orders.read', 'orders.write'],
      roles: ['auditor'],
    },
  ],
  [
    'Entra ID, version 1',
    { resourceServer: { audience: 'api://orders', validation: 'jwt', accessTokens: 'entra' } },
    PROVIDER_TOKENS.entra.accessTokens['user, version 1'],
    {
      sub: 'pairwise-subject-1',
      client_id: '22222222-aaaa-4bbb-8ccc-000000000002',
      scopes: ['orders.read'],
      roles: [],
    },
  ],
  [
    'Auth0',
    { resourceServer: { audience: 'https://api.example.com', validation: 'jwt', accessTokens: 'auth0' } },
    PROVIDER_TOKENS.auth0.accessTokens.user,
    { sub: 'auth0|ada', client_id: 'client-1', scopes: ['openid', 'orders:read'], roles: ['orders:read'] },
  ],
  [
    'Okta',
    { resourceServer: { audience: 'api://default', validation: 'jwt', accessTokens: 'okta' } },
    PROVIDER_TOKENS.okta.accessTokens.user,
    { sub: 'ada@example.com', client_id: 'client-1', scopes: ['openid', 'orders.read'], roles: ['auditors'] },
  ],
  [
    'Okta, a machine',
    { resourceServer: { audience: 'api://default', validation: 'jwt', accessTokens: 'okta' } },
    PROVIDER_TOKENS.okta.accessTokens.machine,
    { client_id: 'client-2', scopes: ['orders.read'], roles: [] },
  ],
  [
    'Amazon Cognito',
    { resourceServer: { audience: 'client1', validation: 'jwt', accessTokens: 'cognito' } },
    PROVIDER_TOKENS.cognito.accessTokens.user,
    {
      sub: 'aaaaaaaa-0000-4000-8000-000000000001',
      client_id: 'client1',
      scopes: ['openid', 'https://api.example.com/orders.read'],
      roles: ['auditors'],
    },
  ],
  [
    'Amazon Cognito, with a resource binding',
    { resourceServer: { audience: 'https://api.example.com', validation: 'jwt', accessTokens: 'cognito' } },
    PROVIDER_TOKENS.cognito.accessTokens['with a resource binding'],
    {
      sub: 'aaaaaaaa-0000-4000-8000-000000000001',
      client_id: 'client9',
      scopes: ['https://api.example.com/orders.read'],
      roles: [],
    },
  ],
  [
    // The roles of the client `account`, one of which is called "admin", are none of this API's.
    'Keycloak',
    { resourceServer: { audience: 'orders-api', validation: 'jwt', accessTokens: 'keycloak' } },
    PROVIDER_TOKENS.keycloak.accessTokens.user,
    {
      sub: 'aaaaaaaa-0000-4000-8000-000000000001',
      client_id: 'web',
      scopes: ['openid', 'orders.read'],
      roles: ['auditor', 'clerk'],
    },
  ],
  [
    'Zitadel',
    { resourceServer: { audience: '100000000000000010', validation: 'jwt', accessTokens: 'zitadel' } },
    PROVIDER_TOKENS.zitadel.accessTokens.user,
    { sub: '200000000000000001', client_id: '100000000000000011@shop', scopes: [], roles: ['auditor'] },
  ],
  [
    'authentik',
    { resourceServer: { audience: 'client-1', validation: 'jwt', accessTokens: 'authentik' } },
    PROVIDER_TOKENS.authentik.accessTokens.user,
    { sub: 'hashed-1', client_id: 'client-1', scopes: [], roles: ['auditors'] },
  ],
  [
    'AD FS',
    {
      server: { access_token_issuer: ADFS_NAME },
      resourceServer: {
        audience: 'microsoft:identityserver:https://api.example.com',
        validation: 'jwt',
        accessTokens: 'adfs',
      },
    },
    PROVIDER_TOKENS.adfs.accessTokens.user,
    {
      client_id: '44444444-aaaa-4bbb-8ccc-000000000004',
      scopes: ['openid', 'orders.read'],
      roles: ['auditor'],
    },
  ],
  [
    'FusionAuth',
    {
      resourceServer: {
        audience: '55555555-aaaa-4bbb-8ccc-000000000005',
        validation: 'jwt',
        accessTokens: 'fusionauth',
      },
    },
    PROVIDER_TOKENS.fusionauth.accessTokens.user,
    {
      sub: '66666666-aaaa-4bbb-8ccc-000000000006',
      client_id: '55555555-aaaa-4bbb-8ccc-000000000005',
      scopes: ['openid', 'offline_access'],
      roles: ['auditor'],
    },
  ],
  [
    'PingOne',
    { resourceServer: { audience: 'https://api.example.com', validation: 'jwt', accessTokens: 'pingone' } },
    PROVIDER_TOKENS.pingone.accessTokens['user, with typ at+jwt'],
    {
      sub: 'user-1',
      client_id: '77777777-aaaa-4bbb-8ccc-000000000007',
      scopes: ['orders.read'],
      roles: [],
    },
  ],
  [
    'Ory Hydra',
    { resourceServer: { audience: 'https://api.example.com', validation: 'jwt', accessTokens: 'hydra' } },
    PROVIDER_TOKENS.hydra.accessTokens.user,
    { sub: 'ada', client_id: 'client-1', scopes: ['openid', 'orders.read'], roles: ['auditor'] },
  ],
  [
    'Spring Authorization Server',
    { resourceServer: { audience: 'client-1', validation: 'jwt', accessTokens: 'spring' } },
    PROVIDER_TOKENS.spring.accessTokens.user,
    { sub: 'ada', client_id: 'client-1', scopes: ['openid', 'orders.read'], roles: [] },
  ],
  [
    'Google',
    {
      resourceServer: { audience: 'web-1.apps.googleusercontent.com', validation: 'jwt', accessTokens: 'google' },
    },
    PROVIDER_TOKENS.google.accessTokens['ID token of a user'],
    { sub: '10000000000000000001', client_id: 'web-1.apps.googleusercontent.com', scopes: [], roles: [] },
  ],
  [
    'Firebase',
    { resourceServer: { audience: 'shop-1', validation: 'jwt', accessTokens: 'firebase' } },
    PROVIDER_TOKENS.firebase.accessTokens['ID token of a user'],
    { sub: 'u1', scopes: [], roles: ['auditor'] },
  ],
  [
    // Whoever signs up writes `user_metadata`: its roles are nobody's.
    'Supabase',
    { resourceServer: { audience: 'authenticated', validation: 'jwt', accessTokens: 'supabase' } },
    PROVIDER_TOKENS.supabase.accessTokens.user,
    { sub: 'aaaaaaaa-0000-4000-8000-000000000001', scopes: [], roles: ['authenticated', 'auditor'] },
  ],
  [
    'Clerk',
    { resourceServer: { audience: 'https://app.example.com', validation: 'jwt', accessTokens: 'clerk' } },
    PROVIDER_TOKENS.clerk.accessTokens['session token'],
    { sub: 'user_1', scopes: [], roles: ['admin'] },
  ],
  [
    'WorkOS',
    { resourceServer: { audience: 'https://api.example.com', validation: 'jwt', accessTokens: 'workos' } },
    PROVIDER_TOKENS.workos.accessTokens['with the aud of a template'],
    { sub: 'user_1', scopes: [], roles: ['member', 'orders:read'] },
  ],
  [
    'a server without a profile',
    { resourceServer: { audience: 'https://api.example.com', validation: 'jwt', accessTokens: 'generic' } },
    {
      typ: 'JWT',
      claims: { aud: 'https://api.example.com', sub: 'ada', azp: 'client-1', scope: 'orders.read', groups: ['a', 'b'] },
    },
    { sub: 'ada', client_id: 'client-1', scopes: ['orders.read'], roles: ['a', 'b'] },
  ],
  [
    'a profile of one’s own',
    {
      resourceServer: {
        audience: 'https://api.example.com',
        validation: 'jwt',
        accessTokens: {
          typ: ['JWT'],
          clientId: 'client',
          scopes: 'permissions',
          roles: 'https://example.com/roles',
          require: { kind: 'access' },
        },
      },
    },
    {
      typ: 'JWT',
      claims: {
        aud: 'https://api.example.com',
        sub: 'ada',
        client: 'client-1',
        kind: 'access',
        permissions: ['orders.read'],
        'https://example.com/roles': ['auditor'],
      },
    },
    { sub: 'ada', client_id: 'client-1', scopes: ['orders.read'], roles: ['auditor'] },
  ],
];

/** The providers of which no introspection endpoint is known. */
const withoutIntrospection = async () => {
  const op = await startProvider();
  op.discovery(({ introspection_endpoint: _, ...document }) => document);
  return op;
};

/** The last line of the log that speaks of the token, with the provider's issuer as OP. */
const lineOf = (app: TestApp) =>
  app.logs.findLast(({ text }) => /TOKEN_|ENDPOINT_/.test(text))?.text.replaceAll(app.op.issuer, 'OP');

onBothAdapters((adapter) => {
  const boot = async (options: Partial<OidcModuleOptions>, op?: Awaited<ReturnType<typeof startProvider>>) =>
    createApp({ adapter, controllers: [CallerController], options, ...(op && { op }) });

  describe('behind a provider', () => {
    it.each(RECIPES)('%s', async (_provider, options, token, caller) => {
      const app = await boot(options, await withoutIntrospection());
      expect((await app.call('/caller', signedToken(app.op, token))).json()).toEqual(caller);
      expect(app.op.count('introspect')).toBe(0);
    });
  });

  describe('with auto', () => {
    const { user } = PROVIDER_TOKENS.keycloak.accessTokens;
    const options = {
      resourceServer: { audience: 'orders-api', validation: 'auto', accessTokens: 'keycloak' },
    } as const;

    it('a JWT that the profile takes goes to its signature', async () => {
      const app = await boot(options);
      expect((await app.call('/caller', signedToken(app.op, user))).status).toBe(200);
      expect(app.op.count('introspect')).toBe(0);
    });

    it('everything else is introspected, and read by the same profile', async () => {
      const app = await boot(options);
      const members = { ...user.claims, scope: 'openid orders.read', token_type: 'Bearer' };
      const reference = app.op.issue(members);
      expect((await app.call('/caller', reference)).json()).toEqual({
        sub: 'aaaaaaaa-0000-4000-8000-000000000001',
        client_id: 'web',
        scopes: ['openid', 'orders.read'],
        roles: ['auditor', 'clerk'],
      });
      expectBadToken(app, await app.call('/caller', signedToken(app.op, PROVIDER_TOKENS.auth0.accessTokens.user)));
      expect(app.op.count('introspect')).toBe(2);
    });

    it('what fails its signature is not asked about', async () => {
      const app = await boot(options);
      const stranger = await startProvider();
      stranger.rotate();
      expectBadToken(app, await app.call('/caller', signedToken(stranger, { ...user, claims: { ...user.claims } })));
      expect(app.op.count('introspect')).toBe(0);
    });

    it('a server without introspection is no fault of the configuration: a token of another shape is refused', async () => {
      const app = await boot(
        { resourceServer: { audience: 'https://api.example.com', validation: 'auto', accessTokens: 'okta' } },
        await withoutIntrospection(),
      );
      await app.nest.get(OidcClient).ready();
      const token = signedToken(app.op, PROVIDER_TOKENS.auth0.accessTokens.user);
      const response = await app.call('/caller', token);
      expectBadToken(app, response, 'TOKEN_TYPE');
      expect(lineOf(app)).toContain('profiles="auth0 generic"');
      expectNoSecrets(app, response, [token, 'auth0|ada']);
      expectBadToken(app, await app.call('/caller', 'opaque'), 'TOKEN_TYPE');
      expect(lineOf(app)).not.toContain('profiles=');
    });
  });

  it('a server that needs to be asked and has no introspection: 503, and the log says what would take the token', async () => {
    const app = await boot(
      { resourceServer: { audience: '11111111-aaaa-4bbb-8ccc-000000000001' } },
      await withoutIntrospection(),
    );
    const token = signedToken(app.op, PROVIDER_TOKENS.entra.accessTokens['user, version 2']);
    const response = await app.call('/caller', token);
    expectDependency(app, response, 'ENDPOINT_MISSING');
    expect(app.logs.at(-1)?.message).toBe(
      'ENDPOINT_MISSING: server.introspection_endpoint: is not published by the server. To verify JWTs without it, set validation: ' +
        `'jwt' and accessTokens profiles="entra auth0 generic"`,
    );
    expectNoSecrets(app, response, [token, 'pairwise-subject-1']);
  });

  it.each<readonly [AccessTokenProfileName, TokenShape, code: string, profiles: string]>([
    ['rfc9068', PROVIDER_TOKENS.cognito.accessTokens.user, 'TOKEN_TYPE', 'profiles="cognito pingone generic"'],
    ['auth0', PROVIDER_TOKENS.spring.accessTokens.user, 'TOKEN_TYPE', 'profiles="spring"'],
    ['authentik', PROVIDER_TOKENS.auth0.accessTokens.machine, 'TOKEN_INVALID', 'profiles="auth0 generic"'],
    ['auth0', PROVIDER_TOKENS.authentik.accessTokens.user, 'TOKEN_INVALID', 'profiles="authentik"'],
  ])(
    'the profile %s refuses a JWT of another shape, and the log names the profiles for it',
    async (name, shape, code, profiles) => {
      const app = await boot({
        resourceServer: { audience: 'https://api.example.com', validation: 'jwt', accessTokens: name },
      });
      const shaped = { ...shape, claims: { aud: 'https://api.example.com', ...shape.claims } };
      expectBadToken(app, await app.call('/caller', signedToken(app.op, shaped)), code);
      expect(lineOf(app)).toContain(profiles);
    },
  );

  it.each(Object.entries({ Keycloak: PROVIDER_TOKENS.keycloak, Cognito: PROVIDER_TOKENS.cognito }))(
    'no profile is named for an ID token: %s',
    async (_provider, { others }) => {
      const app = await boot({ resourceServer: { audience: ['client1', 'web'], validation: 'jwt' } });
      expectBadToken(app, await app.call('/caller', signedToken(app.op, others['ID token'])), 'TOKEN_TYPE');
      expect(lineOf(app)).not.toContain('profiles=');
    },
  );

  it('each trusted issuer has a profile of its own', async () => {
    const okta = await startProvider();
    okta.rotate();
    const app = await boot({
      resourceServer: {
        audience: ['https://api.test', 'api://default'],
        validation: 'jwt',
        issuers: [{ issuer: okta.issuer, accessTokens: 'okta' }],
      },
    });
    const { user } = PROVIDER_TOKENS.okta.accessTokens;
    expect((await app.call('/caller', signedToken(okta, user))).json()).toMatchObject({ client_id: 'client-1' });
    expect((await app.call('/caller', jwtAccessToken(app.op))).json()).toMatchObject({ client_id: 'rp1' });
    expectBadToken(app, await app.call('/caller', signedToken(app.op, user)), 'TOKEN_TYPE');
    expectBadToken(app, await app.call('/caller', jwtAccessToken(okta)), 'TOKEN_TYPE');
  });

  it('a guard of one’s own returns what verifyAccessToken gives', async () => {
    class Auth0Guard extends OidcGuard {
      @InjectOidcClient() private readonly oidc!: OidcClient;

      protected override verify({ value }: PresentedToken) {
        return this.oidc.verifyAccessToken(value, { audience: ['https://api.example.com'], accessTokens: 'auth0' });
      }
    }

    @Controller()
    @UseGuards(Auth0Guard)
    class OwnController {
      @Get('own')
      own(@AccessToken() { scopes, roles }: VerifiedAccessToken) {
        return { scopes, roles };
      }
    }

    const app = await createApp({ adapter, controllers: [OwnController] });
    const { user, machine } = PROVIDER_TOKENS.auth0.accessTokens;
    expect((await app.call('/own', signedToken(app.op, user))).json()).toEqual({
      scopes: ['openid', 'orders:read'],
      roles: ['orders:read'],
    });
    expect((await app.call('/own', signedToken(app.op, machine))).json()).toEqual({ scopes: [], roles: [] });
    expectBadToken(app, await app.call('/own', jwtAccessToken(app.op)), 'TOKEN_TYPE');
    const bound = { ...user, claims: { ...user.claims, cnf: { jkt: 'x'.repeat(43) } } };
    expectBadToken(app, await app.call('/own', signedToken(app.op, bound)), 'TOKEN_BINDING');
    expectBadToken(app, await app.call('/own', 'opaque'), 'TOKEN_TYPE');
    expect(lineOf(app)).toContain('TOKEN_TYPE: The token is opaque: only an introspection can check it.');
    app.op.answer('jwks', { status: 503 });
    app.nest.get(OidcClient).forgetKeys();
    expectDependency(app, await app.call('/own', signedToken(app.op, user)));
  });
});

describe('at boot', () => {
  const boot = (resourceServer: object) =>
    createApp({ adapter: 'express', options: { resourceServer: resourceServer as never } });

  it.each<readonly [string, object, string]>([
    ['a name that no profile has', { audience: 'a', accessTokens: 'azure' }, 'resourceServer.accessTokens'],
    ['no name', { audience: 'a', accessTokens: 7 }, 'resourceServer.accessTokens'],
    ['a profile without typ', { audience: 'a', accessTokens: {} }, 'resourceServer.accessTokens.typ'],
    [
      'a member that it does not know',
      { audience: 'a', accessTokens: { typ: ['JWT'], role: 'roles' } },
      'resourceServer.accessTokens.role',
    ],
    ['no audience', { audience: false, accessTokens: 'entra' }, 'resourceServer.audience'],
    [
      'a profile of one’s own and no audience',
      { audience: false, accessTokens: { typ: ['JWT'] } },
      'resourceServer.audience',
    ],
    [
      'no audience for the profile of another issuer',
      { audience: false, issuers: [{ issuer: 'https://op2.test', accessTokens: 'okta' }] },
      'resourceServer.audience',
    ],
    [
      'a wrong name for another issuer',
      { audience: 'a', issuers: [{ issuer: 'https://op2.test', accessTokens: 'azure' }] },
      'resourceServer.issuers.accessTokens',
    ],
  ])('%s stops it', async (_what, resourceServer, member) => {
    await expect(boot(resourceServer)).rejects.toMatchObject({ code: 'INVALID_CONFIG', member });
  });

  it('the error lists the names', async () => {
    await expect(boot({ audience: 'a', accessTokens: 'azure' })).rejects.toThrow(
      'rfc9068, entra, auth0, okta, cognito, keycloak, zitadel, authentik, adfs, fusionauth, pingone, hydra, spring, google, firebase, supabase, clerk, workos, generic',
    );
  });

  it('RFC 9068 needs no audience where that is written out', async () => {
    const app = await boot({ audience: false, validation: 'jwt', accessTokens: 'rfc9068' });
    expect((await app.call('/any', jwtAccessToken(app.op, { claims: { aud: 'https://other.test' } }))).status).toBe(
      200,
    );
  });
});
