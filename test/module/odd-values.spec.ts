import { ConsoleLogger } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { describe, expect, it } from '@jest/globals';

import { customFetch, OidcClient, OidcModule, type OidcModuleOptions } from '../../lib/index.js';

const HIDDEN = 'not-to-be-printed';

/** What an application may come to put where JSON belongs. */
const ODD: readonly (readonly [what: string, value: unknown])[] = [
  ['a function', () => HIDDEN],
  ['a class', class Hidden {}],
  [
    'an instance of a class',
    new (class Config {
      readonly secret = HIDDEN;
    })(),
  ],
  ['a date', new Date(0)],
  ['a map', new Map([[HIDDEN, 1]])],
  ['bytes', Buffer.from(HIDDEN)],
  ['a promise', Promise.resolve(HIDDEN)],
  ['a symbol', Symbol(HIDDEN)],
  ['a bigint', 1n],
  ['NaN', Number.NaN],
  ['infinity', Number.POSITIVE_INFINITY],
];

const minimal: OidcModuleOptions = {
  issuer: 'https://op.test',
  client: { client_id: 'rp1' },
  resourceServer: { audience: 'https://api.test' },
};

async function boot(options: object): Promise<OidcClient> {
  const module = OidcModule.forRoot({ ...minimal, ...options });
  const app = await Test.createTestingModule({ imports: [module] })
    .setLogger(new ConsoleLogger({ logLevels: [] }))
    .compile();
  await app.init();
  const client = app.get(OidcClient);
  await app.close();
  return client;
}

async function expectRefused(options: object, member: string): Promise<void> {
  const error: unknown = await boot(options).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toMatchObject({ name: 'ConfigError', code: 'INVALID_CONFIG', member });
  expect(String(error)).not.toContain(HIDDEN);
  expect(Object(error).cause).toBeUndefined();
}

const within = (options: object): object => ({ resourceServer: { audience: 'https://api.test', ...options } });

describe.each(ODD)('%s', (_what, odd) => {
  it.each<[string, object, string]>([
    ['a member of the client', { client: { client_id: 'rp1', logo: odd } }, 'client.logo'],
    ['a known one', { client: { client_id: 'rp1', scope: odd } }, 'client.scope'],
    [
      'something in a member',
      { client: { client_id: 'rp1', jwks: { keys: [{ kty: 'EC' }, { kid: odd }] } } },
      'client.jwks.keys.1.kid',
    ],
    ['a member of a list', { client: { client_id: 'rp1', contacts: ['a', odd] } }, 'client.contacts.1'],
    ['metadata of the server', { server: { its_own: { deep: odd } } }, 'server.its_own.deep'],
    ['metadata of the API', within({ metadata: { resource_name: odd } }), 'resourceServer.metadata.resource_name'],
    [
      'the client at another issuer',
      within({ issuers: [{ issuer: 'https://b.test', client: { client_id: 'a', logo: odd } }] }),
      'resourceServer.issuers.0.client.logo',
    ],
    [
      'the metadata of another issuer',
      within({ issuers: [{ issuer: 'https://b.test', server: { logo: odd } }] }),
      'resourceServer.issuers.0.server.logo',
    ],
  ])('as %s stops the boot, by its path', (_where, options, member) => expectRefused(options, member));
});

it('a circle stops the boot, by its path', async () => {
  const circle: Record<string, unknown> = { client_id: 'rp1', a: {} };
  Object.assign(Object(circle['a']), { b: [circle] });
  await expectRefused({ client: circle }, 'client.a.b.0');
});

it('a thing that stands in two places is no circle, and a copy is kept of each', async () => {
  const shared = { a: [1, 'b', null, true, { c: undefined }] };
  const { metadata } = await boot({ client: { client_id: 'rp1', one: shared, two: [shared] } });
  shared.a.push('later');
  const copy = { a: [1, 'b', null, true, {}] };
  expect([metadata['one'], metadata['two']]).toEqual([copy, [copy]]);
});

it('an object of another realm, or without a prototype, is plain', async () => {
  const { runInNewContext } = await import('node:vm');
  const foreign: unknown = runInNewContext('({ a: [1], b: {} })');
  const bare = Object.assign(Object.create(null), { a: 1 });
  expect((await boot({ client: { client_id: 'rp1', foreign, bare } })).metadata).toMatchObject({
    foreign: { a: [1], b: {} },
    bare: { a: 1 },
  });
});

it.each<[string, object, string]>([
  ['null for the client', { client: null }, 'client'],
  [
    'text for the client at another issuer',
    within({ issuers: [{ issuer: 'https://b.test', client: 'x' }] }),
    'resourceServer.issuers.0.client',
  ],
  [
    'null for the client at another issuer',
    within({ issuers: [{ issuer: 'https://b.test', client: null }] }),
    'resourceServer.issuers.0.client',
  ],
  [
    'null for the metadata of another issuer',
    within({ issuers: [{ issuer: 'https://b.test', server: null }] }),
    'resourceServer.issuers.0.server',
  ],
  ['an undefined entry of a list', { client: { client_id: 'rp1', contacts: [undefined] } }, 'client.contacts.0'],
  ['text for a Fetch API', { client: { client_id: 'rp1', [customFetch]: HIDDEN } }, 'client[customFetch]'],
])('%s stops the boot', (_what, options, member) => expectRefused(options, member));
