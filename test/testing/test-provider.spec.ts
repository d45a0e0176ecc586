import { Controller, Get, Module, UseGuards, type ExecutionContext } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { describe, expect, it } from '@jest/globals';

import {
  ACCESS_TOKEN_PROFILES,
  AccessToken,
  CurrentUser,
  getOidcOptionsToken,
  OIDC_CLOCK,
  OIDC_OPTIONS,
  OidcClient,
  OidcGuard,
  OidcModule,
  OidcSessionGuard,
  OidcUser,
  VerifiedAccessToken,
  type AccessTokenProfileName,
} from '../../lib/index.js';
import { verifiedAccessToken, type TestAccessToken, type TestProvider } from '../../lib/testing.js';
import { CapturedLogger } from '../support/app/captured-logger.js';
import { closeLater } from '../support/closing.js';
import {
  AccountController,
  ADAPTERS,
  AppModule,
  bearer,
  boot,
  get,
  OrdersController,
  OWN,
  start,
  statusOf,
} from './application.js';

const PROFILES = Object.keys(ACCESS_TOKEN_PROFILES).filter(isProfile);

function isProfile(name: string): name is AccessTokenProfileName {
  return name in ACCESS_TOKEN_PROFILES;
}

describe.each(ADAPTERS)('the provider of the test kit, on %s', (adapter) => {
  it('issues tokens that the guard takes', async () => {
    const provider = await start();
    const app = await boot(provider, {}, adapter);
    const asked: TestAccessToken = { sub: 'alice', scope: 'orders:read orders:write', roles: ['admin'] };
    const token = await provider.accessToken(asked);
    expect(await get(app, '/orders', bearer(token))).toEqual({
      status: 200,
      body: { sub: 'alice', client_id: 'orders', scopes: ['orders:read', 'orders:write'], roles: ['admin'] },
    });
    expect(await statusOf(app, '/orders/admin', bearer(token))).toBe(200);
    expect(token.split('.')).toHaveLength(1);
  });

  it('issues tokens that the guard refuses', async () => {
    const provider = await start();
    const app = await boot(provider, {}, adapter);
    expect(await statusOf(app, '/orders')).toBe(401);
    expect(await statusOf(app, '/orders', bearer(await provider.accessToken({ expiresIn: -60 })))).toBe(401);
    expect(
      await statusOf(app, '/orders', bearer(await provider.accessToken({ audience: 'https://other.example' }))),
    ).toBe(401);
    const plain = await provider.accessToken();
    expect(await statusOf(app, '/orders', bearer(plain))).toBe(200);
    expect(await statusOf(app, '/orders/scoped', bearer(plain))).toBe(403);
    expect(await statusOf(app, '/orders/admin', bearer(plain))).toBe(403);
  });
});

describe('the access tokens of the test kit', () => {
  const cases = PROFILES.flatMap((profile) =>
    (['jwt', 'auto', 'introspection'] as const).map((validation) => [profile, validation] as const),
  );

  it.each(cases)('have the shape of %s, where validation is %s', async (accessTokens, validation) => {
    const provider = await start();
    const app = await boot(provider, {
      resourceServer: { audience: 'https://orders.example.com', accessTokens, validation },
    });
    const { scopes, roles } = { scopes: undefined, roles: undefined, ...ACCESS_TOKEN_PROFILES[accessTokens] };
    const token = await provider.accessToken({
      roles: ['admin'],
      ...(scopes !== undefined && { scope: 'orders:read' }),
    });
    expect(token.split('.')).toHaveLength(validation === 'introspection' ? 1 : 3);
    expect(await get(app, '/orders', bearer(token))).toMatchObject({
      status: 200,
      body: {
        sub: 'alice',
        scopes: scopes === undefined ? [] : ['orders:read'],
        roles: roles === undefined ? [] : ['admin'],
      },
    });
  });
});

describe('an access token of the test kit', () => {
  it('is a JWT without scopes where the profile has none, as in production', async () => {
    const provider = await start();
    const resourceServer = { audience: 'web-1', accessTokens: 'google', validation: 'jwt' } as const;
    const app = await boot(provider, { resourceServer });
    const token = await provider.accessToken({ scope: 'orders:read' });
    expect(await statusOf(app, '/orders', bearer(token))).toBe(200);
    expect(await statusOf(app, '/orders/scoped', bearer(token))).toBe(403);
  });

  it.each(['introspection', 'jwt'] as const)('is the client’s own, where validation is %s', async (validation) => {
    const provider = await start();
    const app = await boot(provider, { resourceServer: { audience: 'a', validation } });
    const token = await provider.accessToken({ sub: null, scope: 'orders:read' });
    expect(await get(app, '/orders', bearer(token))).toEqual({
      status: 200,
      body: { client_id: 'orders', scopes: ['orders:read'], roles: [] },
    });
  });

  it('is signed as the API asks', async () => {
    const provider = await start();
    const app = await boot(provider, { resourceServer: { audience: 'a', validation: 'jwt', algorithms: ['PS384'] } });
    expect(await statusOf(app, '/orders', bearer(await provider.accessToken()))).toBe(200);
  });

  it('has other claims', async () => {
    const provider = await start();
    const app = await boot(provider, { resourceServer: { audience: 'a', validation: 'jwt' } });
    const token = await provider.accessToken({ claims: { iss: 'https://other.example', tenant: 't-1' } });
    expect(await statusOf(app, '/orders', bearer(token))).toBe(401);
  });
});

describe('the faults of the test kit', () => {
  it('come and go', async () => {
    const provider = await start();
    const app = await boot(provider);
    const token = await provider.accessToken();
    provider.fails('introspection', 503);
    expect(await statusOf(app, '/orders', bearer(token))).toBe(503);
    provider.recovers('introspection');
    expect(await statusOf(app, '/orders', bearer(token))).toBe(200);
    provider.fails('introspection', 'reset', { times: 3 });
    expect(await statusOf(app, '/orders', bearer(token))).toBe(503);
  });

  it('revoke a token', async () => {
    const provider = await start();
    const app = await boot(provider);
    const token = await provider.accessToken();
    expect(await statusOf(app, '/orders', bearer(token))).toBe(200);
    provider.revoke(token);
    expect(await statusOf(app, '/orders', bearer(token))).toBe(401);
    expect(provider.calls('introspection')).toBe(2);
  });

  it('are of one time with the application', async () => {
    const provider = await start();
    const app = await boot(provider, { resourceServer: { audience: 'a', cache: { ttl: 60 } } });
    const token = await provider.accessToken({ expiresIn: 3600 });
    expect(await statusOf(app, '/orders', bearer(token))).toBe(200);
    provider.clock.advance({ seconds: 59 });
    expect(await statusOf(app, '/orders', bearer(token))).toBe(200);
    expect(provider.calls('introspection')).toBe(1);
    provider.clock.advance({ minutes: 5 });
    expect(await statusOf(app, '/orders', bearer(token))).toBe(200);
    expect(provider.calls('introspection')).toBe(2);
    provider.clock.advance({ days: 1, hours: 1 });
    expect(await statusOf(app, '/orders', bearer(token))).toBe(401);
  });

  it('rotate the keys', async () => {
    const provider = await start();
    const app = await boot(provider, { resourceServer: { audience: 'a', validation: 'jwt' } });
    const old = await provider.accessToken();
    expect(await statusOf(app, '/orders', bearer(old))).toBe(200);
    provider.rotateKeys();
    expect(await statusOf(app, '/orders', bearer(await provider.accessToken()))).toBe(200);
    expect(await statusOf(app, '/orders', bearer(old))).toBe(401);
  });
});

describe('the protections of the test kit', () => {
  it('are signed introspection responses', async () => {
    const provider = await start();
    const app = await boot(provider, { client: { ...OWN.client, introspection_signed_response_alg: 'ES256' } });
    expect(await statusOf(app, '/orders', bearer(await provider.accessToken()))).toBe(200);
  });

  it.each(['introspection', 'jwt'] as const)('are DPoP proofs, where validation is %s', async (validation) => {
    const provider = await start();
    const resource = 'https://orders.example.com';
    const app = await boot(provider, {
      resourceServer: { audience: resource, resource, validation, dpop: { required: true } },
    });
    const key = await provider.dpopKey();
    const token = await provider.accessToken({ dpop: key });
    const headers = await key.headers({ token, url: `${resource}/orders` });
    expect(await statusOf(app, '/orders', { host: 'orders.example.com', ...headers })).toBe(200);
    expect(await statusOf(app, '/orders', { host: 'orders.example.com', ...headers })).toBe(401);
    expect(await statusOf(app, '/orders', bearer(token))).toBe(401);
    const other = await provider.dpopKey('EdDSA');
    expect(await statusOf(app, '/orders', await other.headers({ token, url: `${resource}/orders` }))).toBe(401);
  });

  it('are client certificates', async () => {
    const provider = await start();
    const proxy = { header: 'client-cert', trusted: ['127.0.0.1'] };
    const app = await boot(provider, { resourceServer: { audience: 'a', mtls: { required: true, proxy } } });
    const certificate = await provider.certificate();
    const token = await provider.accessToken({ certificate });
    expect(await statusOf(app, '/orders', { ...bearer(token), 'client-cert': certificate.header })).toBe(200);
    expect(await statusOf(app, '/orders', bearer(token))).toBe(401);
    const other = await provider.certificate('somebody else');
    expect(await statusOf(app, '/orders', { ...bearer(token), 'client-cert': other.header })).toBe(401);
  });
});

describe('what a test writes by mistake', () => {
  it.each<[what: string, call: (provider: TestProvider) => unknown, problem: string]>([
    [
      'an endpoint',
      (provider) => provider.fails('introspect' as 'introspection', 503),
      'introspect: is no endpoint of the provider',
    ],
    [
      'a fault',
      (provider) => provider.fails('introspection', 'down' as 'hang'),
      "fault: must be an HTTP status, 'hang' or 'reset'",
    ],
    ['a count', (provider) => provider.calls('tokens' as 'token'), 'tokens: is no endpoint of the provider'],
    ['a token', (provider) => provider.revoke('nonsense'), 'The provider has not issued this token.'],
  ])('is refused: %s', async (_, call, problem) => {
    const provider = await start();
    expect(() => call(provider)).toThrow(problem);
  });

  it.each<[what: string, asked: object, problem: string]>([
    ['another member', { scopes: 'orders:read' }, 'accessToken.scopes: there is no such option'],
    ['a list of scopes', { scope: ['orders:read'] }, 'accessToken.scope: must be a text'],
    ['a key of its own', { dpop: {} }, 'accessToken.dpop: must be a key of provider.dpopKey()'],
    ['a format', { format: 'JWT' }, "accessToken.format: must be 'opaque' or 'jwt'"],
  ])('is refused of a token: %s', async (_, asked, problem) => {
    const provider = await start();
    await expect(provider.accessToken(asked)).rejects.toThrow(problem);
  });

  it('is a clock that is no function', async () => {
    const provider = await start();
    const module = Test.createTestingModule({ imports: [AppModule] })
      .overrideProvider(OIDC_CLOCK)
      .useValue(provider.clock)
      .setLogger(new CapturedLogger());
    await expect(module.compile()).rejects.toThrow(
      'OIDC_CLOCK: must be a function that returns milliseconds, such as Date.now',
    );
  });
});

describe('the options of the test kit', () => {
  it('add nothing to what the application says', async () => {
    const provider = await start();
    const { factory } = provider.optionsFactory();
    const own = { ...OWN, client: { client_id: 'orders', client_secret: async () => 'the-real-one' } };
    const { client, ...options } = await factory(async () => own);
    expect(client).toEqual({ client_id: 'orders', client_secret: expect.stringMatching(/^[\w-]{43}$/) });
    expect(options).toEqual({ ...OWN, client: undefined, issuer: provider.issuer });
  });

  it.each([
    ['is not set', undefined],
    ['is empty', ''],
  ])('make up a secret for a client whose own %s', async (_, client_secret) => {
    const provider = await start();
    const { factory } = provider.optionsFactory();
    const { client } = await factory(async () => ({ ...OWN, client: { client_id: 'orders', client_secret } }));
    expect(client).toEqual({ client_id: 'orders', client_secret: expect.stringMatching(/^[\w-]{43}$/) });
  });

  it('make up a secret for sessions whose own is empty', async () => {
    const provider = await start();
    const { factory } = provider.optionsFactory();
    const { session } = await factory(async () => ({ ...OWN, session: { secret: '', absoluteLifetime: 60 } }));
    expect(session).toEqual({ secret: expect.stringMatching(/^[\w-]{43}$/), absoluteLifetime: 60 });
  });

  it('make up no secret for a client that has none', async () => {
    const provider = await start();
    const { factory } = provider.optionsFactory();
    const own = { client_id: 'spa', token_endpoint_auth_method: 'none' as const };
    expect((await factory(async () => ({ ...OWN, client: own }))).client).toEqual(own);
  });

  it('come in place of a factory that can not run in a test', async () => {
    @Module({
      imports: [
        OidcModule.forRootAsync({
          useFactory: () => {
            throw new Error('There is no vault here');
          },
        }),
      ],
      controllers: [OrdersController],
    })
    class VaultModule {}
    const provider = await start();
    const module = await Test.createTestingModule({ imports: [VaultModule] })
      .overrideProvider(OIDC_OPTIONS)
      .useValue(provider.options())
      .setLogger(new CapturedLogger())
      .compile();
    const app = closeLater(module.createNestApplication());
    await app.listen(0, '127.0.0.1');
    expect(await statusOf(app, '/orders', bearer(await provider.accessToken()))).toBe(200);
  });

  it('keep what the application says otherwise', async () => {
    const provider = await start();
    const module = await Test.createTestingModule({ imports: [AppModule] })
      .overrideProvider(OIDC_OPTIONS)
      .useFactory(provider.optionsFactory())
      .setLogger(new CapturedLogger())
      .compile();
    const app = closeLater(module.createNestApplication());
    await app.listen(0, '127.0.0.1');
    expect(app.get(OidcClient).issuer).toBe(provider.issuer);
    expect(provider.client).toMatchObject(OWN.client);
    const token = await provider.accessToken();
    expect(await statusOf(app, '/orders', bearer(token))).toBe(200);
    expect(await statusOf(app, '/account', { cookie: await provider.signIn(app) })).toBe(200);
  });

  it('are those of a client with a name', async () => {
    const provider = await start();
    @Controller('partners')
    @UseGuards(OidcGuard.for('partners'))
    class PartnersController {
      @Get()
      list(@AccessToken() { client_id }: VerifiedAccessToken) {
        return { client_id };
      }
    }
    @Controller('partners/account')
    @UseGuards(OidcSessionGuard.for('partners'))
    class PartnerAccountController {
      @Get()
      show(@CurrentUser() { sub }: OidcUser) {
        return { sub };
      }
    }
    @Module({
      imports: [
        AppModule,
        OidcModule.forRoot({
          name: 'partners',
          ...OWN,
          routes: {
            login: '/partners/login',
            callback: '/partners/callback',
            logout: false,
            postLogout: false,
            me: false,
            checkSession: false,
          },
          client: {
            ...OWN.client,
            client_id: 'partners',
            redirect_uris: ['https://app.example.com/partners/callback'],
          },
        }),
      ],
      controllers: [PartnersController, PartnerAccountController],
    })
    class BothModule {}
    const module = await Test.createTestingModule({ imports: [BothModule] })
      .overrideProvider(getOidcOptionsToken('partners'))
      .useFactory(provider.optionsFactory('partners'))
      .setLogger(new CapturedLogger())
      .compile();
    const app = closeLater(module.createNestApplication());
    await app.listen(0, '127.0.0.1');
    expect(app.get(OidcClient).issuer).toBe('https://op.example.com');
    expect(await get(app, '/partners', bearer(await provider.accessToken()))).toEqual({
      status: 200,
      body: { client_id: 'partners' },
    });
    const cookie = await provider.signIn(app, { sub: 'bob' }, { client: 'partners' });
    expect(await get(app, '/partners/account', { cookie })).toEqual({ status: 200, body: { sub: 'bob' } });
  });

  it('replace what says where another provider is', async () => {
    const provider = await start();
    const options = provider.options({
      ...OWN,
      server: { issuer: 'https://op.example.com', token_endpoint: 'https://op.example.com/token' },
      backchannelUrl: 'https://op.internal',
      development: true,
      discovery: { url: 'https://op.internal/metadata', when: 'boot' },
    });
    expect(options).toEqual({
      ...OWN,
      issuer: provider.issuer,
      client: {
        ...OWN.client,
        post_logout_redirect_uris: ['http://127.0.0.1:3000/auth/logged-out'],
      },
      discovery: { when: 'boot' },
    });
  });

  it('make up what is left out', async () => {
    const provider = await start();
    const { client, session, resourceServer } = provider.options();
    expect(client).toEqual({
      client_id: 'test-client',
      client_secret: expect.stringMatching(/^[\w-]{43}$/),
      redirect_uris: ['http://127.0.0.1:3000/auth/callback'],
      post_logout_redirect_uris: ['http://127.0.0.1:3000/auth/logged-out'],
    });
    expect(session).toEqual({ secret: expect.stringMatching(/^[\w-]{43}$/) });
    expect(resourceServer).toEqual({ audience: 'https://api.example.com' });
  });

  it('are environment variables too', async () => {
    const provider = await start({
      client: { client_id: 'shop' },
      resourceServer: { audience: 'https://shop.example.com', validation: 'jwt', accessTokens: 'keycloak' },
    });
    const env = provider.env();
    expect(env).toEqual({
      OIDC_ISSUER: provider.issuer,
      OIDC_CLIENT_ID: 'shop',
      OIDC_CLIENT_SECRET: provider.client.client_secret,
      SESSION_SECRET: expect.stringMatching(/^[\w-]{43}$/),
    });
    @Module({
      imports: [
        OidcModule.forRootAsync({
          useFactory: () => ({
            issuer: env.OIDC_ISSUER,
            client: {
              client_id: env.OIDC_CLIENT_ID,
              client_secret: env.OIDC_CLIENT_SECRET,
              redirect_uris: ['http://127.0.0.1:3000/auth/callback'],
            },
            session: { secret: env.SESSION_SECRET },
            routes: true,
            resourceServer: { audience: 'https://shop.example.com', validation: 'jwt', accessTokens: 'keycloak' },
          }),
        }),
      ],
      controllers: [OrdersController, AccountController],
    })
    class ShopModule {}
    const module = await Test.createTestingModule({ imports: [ShopModule] })
      .setLogger(new CapturedLogger())
      .compile();
    const app = closeLater(module.createNestApplication());
    await app.listen(0, '127.0.0.1');
    const token = await provider.accessToken({ roles: ['admin'] });
    expect(await statusOf(app, '/orders/admin', bearer(token))).toBe(200);
    expect(await statusOf(app, '/account', { cookie: await provider.signIn(app) })).toBe(200);
  });
});

describe('a guard that a test replaces', () => {
  it('leaves a verified access token', async () => {
    const token = verifiedAccessToken({ sub: 'bob', scope: 'orders:read', roles: ['admin'], client_id: 'app' });
    const module = await Test.createTestingModule({ imports: [AppModule] })
      .overrideGuard(OidcGuard)
      .useValue({
        canActivate(context: ExecutionContext) {
          context.switchToHttp().getRequest().user = token;
          return true;
        },
      })
      .setLogger(new CapturedLogger())
      .compile();
    const app = closeLater(module.createNestApplication());
    await app.listen(0, '127.0.0.1');
    expect(await get(app, '/orders')).toEqual({
      status: 200,
      body: { sub: 'bob', client_id: 'app', scopes: ['orders:read'], roles: ['admin'] },
    });
    expect(verifiedAccessToken({ sub: null })).toMatchObject({ sub: undefined, client_id: 'test-client', scopes: [] });
  });

  it('works as well', async () => {
    const user = { sub: 'alice' };
    const module = await Test.createTestingModule({ imports: [AppModule] })
      .overrideGuard(OidcSessionGuard)
      .useValue({
        canActivate(context: ExecutionContext) {
          context.switchToHttp().getRequest().user = { ...user, claims: { email: 'a@example.com' } };
          return true;
        },
      })
      .setLogger(new CapturedLogger())
      .compile();
    const app = closeLater(module.createNestApplication());
    await app.listen(0, '127.0.0.1');
    expect(await get(app, '/account')).toEqual({ status: 200, body: { sub: 'alice', email: 'a@example.com' } });
  });
});
