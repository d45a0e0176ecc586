import { createHash } from 'node:crypto';
import { inspect } from 'node:util';

import { ConsoleLogger, Injectable, Module, type LoggerService } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { describe, expect, it } from '@jest/globals';
import { exportJWK, generateKeyPair } from 'jose';

import {
  ConfigError,
  OIDC_OPTIONS,
  OidcClient,
  OidcModule,
  type ClientMetadata,
  type OidcModuleAsyncOptions,
  type OidcModuleOptions,
  type OidcOptionsFactory,
} from '../../lib/index.js';
import { parseClientMetadata } from '../../lib/metadata/registered-client.js';
import { CapturedLogger } from '../support/app/captured-logger.js';

const quiet = new ConsoleLogger({ logLevels: [] });

const SECRET = 'a-client-secret-that-must-not-be-printed-anywhere-0123456789-0123456789';

const minimal: OidcModuleOptions = { issuer: 'https://op.test', client: { client_id: 'rp1' } };

async function boot(
  options: OidcModuleOptions | OidcModuleAsyncOptions,
  logger: LoggerService = quiet,
): Promise<OidcClient> {
  const module = 'client' in options ? OidcModule.forRoot(options) : OidcModule.forRootAsync(options);
  const app = await Test.createTestingModule({ imports: [module] })
    .setLogger(logger)
    .compile();
  await app.init();
  const client = app.get(OidcClient);
  await app.close();
  return client;
}

async function refusal(options: unknown): Promise<ConfigError> {
  const error: unknown = await boot(options as OidcModuleOptions).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ConfigError);
  return error as ConfigError;
}

const AUDIENCE = 'https://api.test';

const api = (options: object): unknown => ({ ...minimal, resourceServer: { audience: AUDIENCE, ...options } });

@Injectable()
class Nothing {
  createOidcOptions() {}
}

@Injectable()
class Extras {
  createOidcOptions() {
    return { ...minimal, providers: [] };
  }
}

const client = (metadata: object): unknown => ({ ...minimal, client: { client_id: 'rp1', ...metadata } });

describe('OidcModule registers', () => {
  it('with useFactory and what it injects', async () => {
    @Module({ providers: [{ provide: 'ISSUER', useValue: 'https://op.test' }], exports: ['ISSUER'] })
    class Config {}
    const oidc = await boot({
      imports: [Config],
      inject: ['ISSUER'],
      useFactory: async (issuer: string) => ({ issuer, client: { client_id: 'rp1' } }),
    });
    expect(oidc.issuer).toBe('https://op.test');
  });

  @Injectable()
  class Options implements OidcOptionsFactory {
    createOidcOptions(): OidcModuleOptions {
      return minimal;
    }
  }

  it('with useClass', async () => {
    expect((await boot({ useClass: Options })).metadata.client_id).toBe('rp1');
  });

  it('with useExisting', async () => {
    @Module({ providers: [Options], exports: [Options] })
    class Config {}
    expect((await boot({ imports: [Config], useExisting: Options })).metadata.client_id).toBe('rp1');
  });

  it('NEST-14 not at all when the factory rejects', async () => {
    await expect(boot({ useFactory: () => Promise.reject(new Error('no such secret')) })).rejects.toThrow(
      'no such secret',
    );
  });

  it('nothing when there is neither a factory nor a class', () => {
    expect(() => OidcModule.forRootAsync({})).toThrow(ConfigError);
  });
});

describe('a wrong option stops the boot', () => {
  it.each<[string, unknown, string]>([
    ['no issuer', { client: { client_id: 'rp1' } }, 'issuer'],
    ['an issuer that is no URL', { ...minimal, issuer: 'op.test' }, 'issuer'],
    ['DISC-06 an issuer with a query', { ...minimal, issuer: 'https://op.test?x=1' }, 'issuer'],
    ['DISC-06 an issuer with a fragment', { ...minimal, issuer: 'https://op.test#a' }, 'issuer'],
    ['an issuer with user information', { ...minimal, issuer: 'https://a:b@op.test' }, 'issuer'],
    ['an issuer over http elsewhere', { ...minimal, issuer: 'http://op.test' }, 'issuer'],
    ['no client', { issuer: 'https://op.test', client: undefined }, 'client'],
    ['no client_id', { ...minimal, client: {} }, 'client.client_id'],
    ['an option that does not exist', { ...minimal, introspect: true }, 'introspect'],
    ['an option of a room that does not exist', { ...minimal, http: { timeoout: 5 } }, 'http.timeoout'],
    ['a timeout of no time', { ...minimal, http: { timeout: 0 } }, 'http.timeout'],
    ['a timeout that is text', { ...minimal, http: { timeout: '5s' } }, 'http.timeout'],
    ['discovery at another time', { ...minimal, discovery: { when: 'later' } }, 'discovery.when'],
    ['a short session secret', { ...minimal, session: { secret: 'short' } }, 'session.secret'],
    ['an empty audience', { ...minimal, resourceServer: { audience: '' } }, 'resourceServer.audience'],
    ['no audience at all', { ...minimal, resourceServer: { audience: [] } }, 'resourceServer.audience'],
    ['an audience of true', { ...minimal, resourceServer: { audience: true } }, 'resourceServer.audience'],
    ['a scope without openid', { ...minimal, login: { scope: 'profile' } }, 'login.scope'],
    ['a protocol parameter', { ...minimal, login: { parameters: { state: 'x' } } }, 'login.parameters'],
    ['redirect_uris that are text', client({ redirect_uris: 'https://app.test/cb' }), 'client.redirect_uris'],
    ['no redirect URI', client({ redirect_uris: [] }), 'client.redirect_uris'],
    ['a redirect URI with a fragment', client({ redirect_uris: ['https://app.test/cb#x'] }), 'client.redirect_uris.0'],
    ['an unknown method', client({ token_endpoint_auth_method: 'magic' }), 'client.token_endpoint_auth_method'],
    [
      'a method without its secret',
      client({ token_endpoint_auth_method: 'client_secret_post' }),
      'client.client_secret',
    ],
    ['a method without its key', client({ token_endpoint_auth_method: 'private_key_jwt' }), 'client.jwks'],
    ['half a private key', client({ jwks: { keys: [{ kty: 'EC', crv: 'P-256', d: 'AA' }] } }), 'client.jwks'],
    ['an unknown algorithm', client({ id_token_signed_response_alg: 'RS1' }), 'client.id_token_signed_response_alg'],
    [
      'an algorithm of the prototype',
      client({ id_token_signed_response_alg: 'constructor' }),
      'client.id_token_signed_response_alg',
    ],
    [
      'unsigned introspection',
      client({ introspection_signed_response_alg: 'none' }),
      'client.introspection_signed_response_alg',
    ],
    ['unsigned userinfo', client({ userinfo_signed_response_alg: 'none' }), 'client.userinfo_signed_response_alg'],
    ['a negative max_age', client({ default_max_age: -1 }), 'client.default_max_age'],
    ['a max_age that is text', client({ default_max_age: '60' }), 'client.default_max_age'],
    ['require_auth_time that is text', client({ require_auth_time: 'true' }), 'client.require_auth_time'],
    ['a scope with a quote', client({ scope: 'open"id' }), 'client.scope'],
    [
      'the address of the metadata',
      { ...minimal, issuer: `${minimal.issuer}/.well-known/openid-configuration` },
      'issuer',
    ],
    ['a resource over http elsewhere', api({ resource: 'http://api.test' }), 'resourceServer.resource'],
    ['another issuer over http', api({ issuers: [{ issuer: 'http://x.test' }] }), 'resourceServer.issuers.0.issuer'],
    [
      'a wrong registration at another issuer',
      api({ issuers: [{ issuer: 'https://x.test' }, { issuer: 'https://y.test', client: { client_id: '' } }] }),
      'resourceServer.issuers.1.client.client_id',
    ],
  ])('%s', async (_what, options, member) => {
    expect(await refusal(options)).toMatchObject({ code: 'INVALID_CONFIG', member });
  });

  it('accepts http to another machine when that is written out', async () => {
    const resourceServer = { audience: AUDIENCE, resource: 'http://api.test', issuers: [{ issuer: 'http://x.test' }] };
    const oidc = await boot({ ...minimal, issuer: 'http://op.test', insecureHttp: true, resourceServer });
    expect(oidc.issuer).toBe('http://op.test');
  });

  it.each<[string, unknown, string]>([
    [
      'a client of Redis for a store',
      { ...minimal, store: { get: () => undefined } },
      'store: must be an OidcStore, such as new RedisStore(client)',
    ],
    [
      'a redirect URI that is no list',
      client({ redirect_uris: 'https://app.test/cb' }),
      'client.redirect_uris: must be a list of texts',
    ],
    [
      'a misspelled option',
      { ...minimal, sesion: { secret: SECRET } },
      'sesion: there is no such option, did you mean session?',
    ],
    [
      'a misspelled route',
      { ...minimal, routes: { calback: '/back' } },
      'routes.calback: there is no such option, did you mean callback?',
    ],
    ['text for a client', { ...minimal, client: 'rp1' }, 'client: must be the client metadata'],
    [
      'text for an issuer with its client',
      api({ issuers: ['https://x.test'] }),
      'resourceServer.issuers.0: must be an object with an issuer',
    ],
    [
      'text for a list of issuers',
      api({ issuers: 'https://x.test' }),
      'resourceServer.issuers: must be a list or a function',
    ],
    [
      'an audience that is a number',
      { ...minimal, resourceServer: { audience: 1 } },
      'resourceServer.audience: must be a text, a list of texts, or false',
    ],
    ['no audience', { ...minimal, resourceServer: {} }, 'resourceServer.audience: is required'],
    ['nothing from useFactory', { useFactory: () => undefined }, 'useFactory: returned nothing'],
    ['text from useFactory', { useFactory: () => 'https://op.test' }, 'useFactory: must return an object of options'],
    ['nothing from a class', { useClass: Nothing }, 'createOidcOptions: returned nothing'],
    ...['name', 'isGlobal', 'imports', 'providers'].map((member): [string, unknown, string] => [
      `${member} from useFactory`,
      { useFactory: () => ({ ...minimal, [member]: undefined }) },
      `${member}: belongs beside useFactory, not into what it returns`,
    ]),
    [
      'the options among the providers',
      { ...minimal, providers: [{ provide: OIDC_OPTIONS, useValue: minimal }] },
      'providers: must not provide OIDC_OPTIONS, which is for overrideProvider in tests',
    ],
    ['providers from a class', { useClass: Extras }, 'providers: belongs beside useClass, not into what it returns'],
    [
      'a secret that is not set',
      client({ client_secret: undefined, token_endpoint_auth_method: 'client_secret_post' }),
      'client.client_secret: is undefined, like an environment variable that is not set, and required by token_endpoint_auth_method client_secret_post',
    ],
    [
      'metadata of another issuer',
      { ...minimal, server: { issuer: 'https://op.test/' } },
      'server.issuer: must be the issuer, letter by letter',
    ],
    [
      'metadata of another issuer in the list',
      api({ issuers: [{ issuer: 'https://x.test', server: { issuer: 'https://y.test' } }] }),
      'resourceServer.issuers.0.server.issuer: must be the issuer, letter by letter',
    ],
    [
      'a client_id of another spelling',
      { ...minimal, client: { clientId: 'rp1', clientSecret: SECRET } },
      'client.client_id: is required: write client_id, not clientId',
    ],
    [
      'a client_secret of another spelling',
      {
        ...minimal,
        client: { client_id: 'rp1', clientSecret: SECRET, token_endpoint_auth_method: 'client_secret_post' },
      },
      'client.client_secret: is required by token_endpoint_auth_method client_secret_post: write client_secret, not clientSecret',
    ],
    [
      'the address of the metadata',
      { ...minimal, issuer: 'https://op.test/.well-known/openid-configuration' },
      'issuer: must be the issuer, not the address of its metadata',
    ],
  ])('in words that help: %s', async (_what, options, message) => {
    expect((await refusal(options)).message).toBe(message);
  });

  it('with the name of the client that has one', async () => {
    const error = await refusal({ ...minimal, name: 'partners', issuer: 'nowhere' });
    expect([error.member, error.message]).toEqual(['issuer', 'issuer: must be a URL (client "partners")']);
  });

  it.each(['http://127.0.0.1:4000', 'http://localhost:4000', 'http://[::1]:4000', 'http://op.localhost'])(
    'accepts http to this machine: %s',
    async (issuer) => {
      expect((await boot({ ...minimal, issuer })).issuer).toBe(issuer);
    },
  );

  it.each([
    ['HS256', 31],
    ['HS384', 47],
    ['HS512', 63],
  ])('IDT-09 refuses %s with a secret of %i bytes', async (alg, bytes) => {
    const metadata = { client_secret: 's'.repeat(bytes), id_token_signed_response_alg: alg };
    expect(await refusal(client(metadata))).toMatchObject({ member: 'client.id_token_signed_response_alg' });
    const oidc = await boot(client({ ...metadata, client_secret: 's'.repeat(bytes + 1) }) as OidcModuleOptions);
    expect(oidc.metadata.id_token_signed_response_alg).toBe(alg);
  });
});

describe('a member that promises what can not be kept stops the boot', () => {
  it.each<[string, unknown, string]>([
    ['id_token_encrypted_response_alg', 'RSA-OAEP-256', 'client.jwks'],
    ['userinfo_encrypted_response_alg', 'dir', 'client.userinfo_encrypted_response_alg'],
    ['request_object_signing_alg', 'RS256', 'client.jwks'],
    ['request_object_encryption_alg', 'RSA1_5', 'client.request_object_encryption_alg'],
    ['require_signed_request_object', true, 'client.jwks'],
    ['require_pushed_authorization_requests', 'true', 'client.require_pushed_authorization_requests'],
  ])('%s: %p', async (registered, value, member) => {
    expect(await refusal(client({ [registered]: value }))).toMatchObject({ code: 'INVALID_CONFIG', member });
  });

  it('SINTRO-28 introspection_encrypted_response_alg: no plain JWT can stand for an encrypted one', async () => {
    const metadata = {
      introspection_signed_response_alg: 'ES256',
      introspection_encrypted_response_alg: 'RSA-OAEP-256',
    };
    expect(await refusal(client(metadata))).toMatchObject({ code: 'INVALID_CONFIG', member: 'client.jwks' });
  });

  it('but not where it promises nothing', async () => {
    const member = 'require_pushed_authorization_requests';
    expect((await boot(client({ [member]: false }) as OidcModuleOptions)).metadata[member]).toBe(false);
  });
});

describe('the client metadata', () => {
  it('keeps what describes the client and what nobody knows', async () => {
    const metadata = { client_name: 'Orders', contacts: ['ops@app.test'], x_vendor: { deep: [1, null] } };
    const oidc = await boot(client(metadata) as OidcModuleOptions);
    expect(oidc.metadata).toMatchObject(metadata);
  });

  it.each<[string, string]>([
    ['introspectionSignedResponseAlg', 'introspection_signed_response_alg'],
    ['introspection_signed_response_algs', 'introspection_signed_response_alg'],
    ['redirectUris', 'redirect_uris'],
    ['redirect_uri', 'redirect_uris'],
    ['scopes', 'scope'],
    ['Client_Secret', 'client_secret'],
    ['id_token_encrypted_response_algo', 'id_token_encrypted_response_alg'],
  ])('says once at boot that %s is kept and is not %s', async (member, known) => {
    const logger = new CapturedLogger();
    await boot(client({ [member]: SECRET }) as OidcModuleOptions, logger);
    const warnings = logger.lines.filter(({ level }) => level === 'warn');
    expect(warnings.map(({ text }) => text)).toEqual([
      `client.${member} is kept and does nothing: did you mean ${known}? OidcModule`,
    ]);
  });

  it('says nothing of other names, and of what is not registered', async () => {
    const logger = new CapturedLogger();
    const others = [
      'client_name',
      'client_uri',
      'logo_uri',
      'tos_uri',
      'policy_uri',
      'jwks_uri',
      'contacts',
      'request_uris',
    ];
    const metadata = Object.fromEntries(others.map((member) => [member, 'https://app.test']));
    await boot(client({ ...metadata, software_id: 'x', redirectUris: undefined }) as OidcModuleOptions, logger);
    expect(logger.lines.filter(({ level }) => level === 'warn')).toEqual([]);
  });

  it('is a frozen copy', async () => {
    const redirect_uris = ['https://app.test/cb'];
    const oidc = await boot({ ...minimal, client: { client_id: 'rp1', redirect_uris } });
    redirect_uris.push('https://evil.test/cb');
    expect(oidc.metadata.redirect_uris).toEqual(['https://app.test/cb']);
    expect(Object.isFrozen(oidc.metadata)).toBe(true);
    expect(Object.isFrozen(oidc.metadata.redirect_uris)).toBe(true);
  });

  it('takes members that are undefined as not registered', async () => {
    const metadata: ClientMetadata = { client_id: 'rp1', client_secret: undefined, scope: undefined };
    expect((await boot({ ...minimal, client: metadata })).metadata.token_endpoint_auth_method).toBe('none');
  });

  it('chooses the method of authentication by what there is to authenticate with', async () => {
    const { privateKey } = await generateKeyPair('ES256', { extractable: true });
    const jwks = { keys: [{ ...(await exportJWK(privateKey)), kid: 'own' }] };
    const methodOf = async (metadata: object) =>
      (await boot(client(metadata) as OidcModuleOptions)).metadata.token_endpoint_auth_method;
    expect(await methodOf({})).toBe('none');
    expect(await methodOf({ client_secret: SECRET })).toBe('client_secret_basic');
    expect(await methodOf({ jwks })).toBe('private_key_jwt');
    expect(await methodOf({ jwks, client_secret: SECRET })).toBe('client_secret_basic');
  });

  it('has the other endpoints authenticate as the token endpoint does, unless registered otherwise', async () => {
    const metadata = { client_secret: SECRET, token_endpoint_auth_method: 'client_secret_post' };
    const oidc = await boot(client({ ...metadata, revocation_endpoint_auth_method: 'none' }) as OidcModuleOptions);
    expect(oidc.metadata.introspection_endpoint_auth_method).toBe('client_secret_post');
    expect(oidc.metadata.revocation_endpoint_auth_method).toBe('none');
  });

  it('INJ-17 prints no secret, however it is printed', async () => {
    const { privateKey } = await generateKeyPair('RS256', { extractable: true });
    const jwk = await exportJWK(privateKey);
    const session = { secret: `${SECRET}-of-the-session` };
    const metadata = { client_id: 'rp1', client_secret: SECRET, jwks: { keys: [jwk] } } as unknown as ClientMetadata;
    const oidc = await boot({ ...minimal, client: metadata, session });
    const printed = [
      inspect(oidc, { depth: 9, showHidden: true }),
      JSON.stringify(oidc.metadata),
      `${oidc.metadata.client_secret}`,
    ].join();
    expect(printed).toContain('[secret]');
    expect(printed).not.toContain(SECRET);
    for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi'] as const) {
      expect(printed).not.toContain(String(jwk[member]));
    }
    expect(oidc.metadata.jwks).toEqual({ keys: [{ kty: 'RSA', n: jwk.n, e: jwk.e }] });
  });

  it('gives something to seal with that its replicas know too, where the client has a secret', async () => {
    const jwk = async () => exportJWK((await generateKeyPair('ES256', { extractable: true })).privateKey);
    const [first, second] = [await jwk(), await jwk()];
    const { d: _, ...shown } = await jwk();
    const jwks = { keys: [shown, first, second] };
    const sealingSecretOf = (metadata: object) =>
      parseClientMetadata({ client_id: 'rp1', ...metadata }).sealingSecret?.reveal();
    expect(sealingSecretOf({})).toBeUndefined();
    expect(sealingSecretOf({ jwks: { keys: [shown] } })).toBeUndefined();
    expect(sealingSecretOf({ client_secret: SECRET })).toBe(SECRET);
    expect(sealingSecretOf({ client_secret: SECRET, jwks })).toBe(SECRET);
    const hashed = createHash('sha256').update(String(first.d)).digest('base64url');
    expect(sealingSecretOf({ jwks })).toBe(hashed);
    expect(inspect(await boot(client({ jwks }) as OidcModuleOptions), { depth: 9 })).not.toContain(hashed);
  });

  it('INJ-17 prints no secret in the error of a wrong member', async () => {
    const wrong = { client_secret: SECRET, id_token_signed_response_alg: SECRET };
    const error = await refusal(client(wrong));
    expect(inspect(error, { depth: 9 })).not.toContain(SECRET);
    const session = await refusal({ ...minimal, session: { secret: [SECRET.slice(0, 31)] } });
    expect(inspect(session, { depth: 9 })).not.toContain(SECRET.slice(0, 31));
  });
});

describe('several clients', () => {
  it('NEST-15 stand side by side and share nothing', async () => {
    const app = await Test.createTestingModule({
      imports: [
        OidcModule.forRoot(minimal),
        OidcModule.forRoot({ name: 'a', issuer: 'https://a.test', client: { client_id: 'at-a' } }),
        OidcModule.forRootAsync({
          name: 'b',
          useFactory: () => ({ issuer: 'https://b.test', client: { client_id: 'at-b' } }),
        }),
      ],
    })
      .setLogger(quiet)
      .compile();
    await app.init();
    const named = (name: string) => app.get<OidcClient>(`nestjs-oidc/client/${name}`, { strict: false });
    expect(app.get(OidcClient).issuer).toBe('https://op.test');
    expect([named('a').issuer, named('a').metadata.client_id]).toEqual(['https://a.test', 'at-a']);
    expect([named('b').issuer, named('b').metadata.client_id]).toEqual(['https://b.test', 'at-b']);
    await app.close();
  });
});
