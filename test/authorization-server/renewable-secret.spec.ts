import { afterEach, describe, expect, it, jest } from '@jest/globals';

import { parseClientMetadata } from '../../lib/metadata/registered-client.js';
import { RenewableSecret } from '../../lib/metadata/renewable-secret.js';
import { createApp, onBothAdapters } from '../support/app/apps.js';
import { expectCallbackRefused, expectDependency, expectNoSecrets } from '../support/app/outcomes.js';
import { Browser } from '../support/browser/browser.js';
import { clientOf, rejection, type ClientSetup } from '../support/client/client.js';
import { T } from '../support/clock.js';
import { startProvider } from '../support/provider/provider.js';

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A secret as Apple's: a JWT that ends so many seconds after T. */
const jwtFor = (seconds: number, more = {}) =>
  [encode({ alg: 'ES256', kid: 'K' }), encode({ iss: 'TEAM', exp: T + seconds, ...more }), 'c2ln'].join('.');

/** A client whose secrets come from a function, one after the other. The provider knows the one of `register`. */
async function clientWith(secrets: readonly string[], setup: ClientSetup = {}) {
  const op = await startProvider();
  let calls = 0;
  const client_secret = () => secrets[Math.min(calls++, secrets.length - 1)] ?? '';
  const metadata = { token_endpoint_auth_method: 'client_secret_post', ...setup.metadata, client_secret } as const;
  const registered = { client_secret: secrets[0], ...setup.registered };
  const { oidc } = clientOf(op, { ...setup, metadata, registered });
  const ask = () => oidc.clientCredentials({ scope: 'orders:read' });
  const sent = () => op.requests('token').map(({ form }) => form['client_secret']);
  return {
    op,
    oidc,
    ask,
    sent,
    calls: () => calls,
    register: (secret: string) => op.register({ ...metadata, client_id: 'rp1', client_secret: secret }),
  };
}

describe('a client secret that a function makes', () => {
  it('is made at the first request, once, and kept', async () => {
    const { ask, sent, calls, op } = await clientWith(['made-1', 'made-2']);
    expect(calls()).toBe(0);
    await Promise.all(Array.from({ length: 20 }, ask));
    op.clock.advance(1e8);
    await ask();
    expect([calls(), new Set(sent())]).toEqual([1, new Set(['made-1'])]);
  });

  it.each(['client_secret_basic', undefined] as const)('authenticates by %s too', async (method) => {
    const { ask, op } = await clientWith(['a:b %'], { metadata: { token_endpoint_auth_method: method } });
    await ask();
    const [, credentials = ''] = String(op.last('token').headers.authorization).split(' ');
    expect(Buffer.from(credentials, 'base64').toString()).toBe('rp1:a%3Ab%20%25');
  });

  it('is made anew a minute before its end, where it is a JWT', async () => {
    const secrets = [jwtFor(3600), jwtFor(7200)] as const;
    const { ask, op, calls, register, sent } = await clientWith(secrets);
    await ask();
    op.clock.advance(3539);
    await ask();
    expect(calls()).toBe(1);
    register(secrets[1]);
    op.clock.advance(1);
    await Promise.all([ask(), ask(), ask()]);
    expect([calls(), sent()]).toEqual([2, [secrets[0], secrets[0], secrets[1], secrets[1], secrets[1]]]);
  });

  it.each([jwtFor(0, { exp: '9' }), 'a.b.c', `${encode({})}.${encode([])}.x`, '..', 'x'.repeat(20_000)])(
    'is kept where nothing tells its end: %#',
    async (secret) => {
      const { ask, op, calls } = await clientWith([secret]);
      await ask();
      op.clock.advance(1e9);
      await ask();
      expect(calls()).toBe(1);
    },
  );

  it('is made anew after a refusal, and the request is sent once more', async () => {
    const { ask, sent, calls } = await clientWith(['old', 'new'], { registered: { client_secret: 'new' } });
    await expect(ask()).resolves.toMatchObject({ scope: 'orders:read' });
    expect([calls(), sent()]).toEqual([2, ['old', 'new']]);
    await ask();
    expect([calls(), sent()]).toEqual([2, ['old', 'new', 'new']]);
  });

  it('is made anew once for many refusals at the same time', async () => {
    const { ask, calls } = await clientWith(['old', 'new', 'newer'], { registered: { client_secret: 'new' } });
    await Promise.all(Array.from({ length: 20 }, ask));
    expect(calls()).toBe(2);
  });

  it('is not sent again where it is the same, and not asked for at each refusal', async () => {
    const { ask, sent, calls, op } = await clientWith(['same'], { registered: { client_secret: 'other' } });
    const refused = { code: 'CLIENT_MISCONFIGURED', error: 'invalid_client' };
    expect(await rejection(ask())).toMatchObject(refused);
    expect([calls(), sent()]).toEqual([2, ['same']]);
    expect(await rejection(ask())).toMatchObject(refused);
    expect(calls()).toBe(2);
    op.clock.advance(5);
    expect(await rejection(ask())).toMatchObject(refused);
    expect([calls(), sent()]).toEqual([3, ['same', 'same', 'same']]);
  });

  it('is tried twice and not three times', async () => {
    const { ask, sent } = await clientWith(['a', 'b', 'c'], { registered: { client_secret: 'c' } });
    expect(await rejection(ask())).toMatchObject({ code: 'CLIENT_MISCONFIGURED' });
    expect(sent()).toEqual(['a', 'b']);
  });

  it('is made anew for invalid_client only', async () => {
    const { ask, op, calls } = await clientWith(['a', 'b']);
    for (const error of ['invalid_grant', 'unauthorized_client', 'invalid_request']) {
      op.answer('token', { status: 400, body: { error } }, { times: 1 });
      expect(await rejection(ask())).toMatchObject({ error });
    }
    op.answer('token', { status: 503 }, { times: 2 });
    await rejection(ask());
    expect(calls()).toBe(1);
  });

  it('is masked where the server repeats it', async () => {
    const { ask, op } = await clientWith(['made-by-function']);
    op.answer('token', {
      status: 401,
      body: { error: 'invalid_client', error_description: 'made-by-function is bad' },
    });
    expect(await rejection(ask())).toMatchObject({ facts: { error_description: '[secret] is bad' } });
  });
});

const FAULTS: readonly (readonly [string, () => unknown])[] = [
  [
    'throws',
    () => {
      throw Object.assign(new Error('-----BEGIN PRIVATE KEY-----'), { code: 'ERR_OSSL' });
    },
  ],
  ['rejects', () => Promise.reject(new Error('-----BEGIN PRIVATE KEY-----'))],
  ['throws nothing', () => Promise.reject(undefined)],
  ['returns nothing', () => undefined],
  ['returns an empty text', async () => ''],
  ['returns an object', () => ({ secret: '-----BEGIN PRIVATE KEY-----' })],
];

onBothAdapters((adapter) => {
  it.each(FAULTS)('a function that %s is our own fault, and is not printed', async (_how, make) => {
    const op = await startProvider();
    const client = { client_secret: make as () => string };
    const app = await createApp({ adapter, op, client, registered: { client_secret: 'known' } });
    const page = await new Browser(app).login();
    expectCallbackRefused(page, 503, 'RESOLVER_FAILED', app);
    expectNoSecrets(app, page, ['PRIVATE KEY']);
    const response = await app.call('/orders', app.op.issue({ scope: 'orders:read' }));
    expectDependency(app, response, 'RESOLVER_FAILED', 5);
    expectNoSecrets(app, response, ['PRIVATE KEY']);
    expect([op.count('token'), op.count('introspect')]).toEqual([0, 0]);
    expect(app.logs.map(({ text }) => text).join()).toContain('client.client_secret: the function ');
  });

  it('a login and a call to the API go well with one', async () => {
    const client = { client_secret: async () => 'made' };
    const app = await createApp({ adapter, client, registered: { client_secret: 'made' } });
    expect((await new Browser(app).login()).status).toBe(303);
    expect((await app.call('/orders', app.op.issue({ scope: 'orders:read' }))).status).toBe(200);
  });
});

describe('a function that never ends', () => {
  afterEach(() => void jest.useRealTimers());

  it('is given up after five seconds', async () => {
    jest.useFakeTimers();
    const secret = new RenewableSecret(() => new Promise(() => {}));
    const failure = rejection(Promise.resolve(secret.current(0)));
    await jest.advanceTimersByTimeAsync(5000);
    expect(await failure).toMatchObject({ code: 'RESOLVER_FAILED', member: 'client.client_secret' });
  });
});

describe('the registration', () => {
  const parse = (members: object) => parseClientMetadata({ client_id: 'rp1', ...members });
  const client_secret = () => 'x'.repeat(64);

  it('takes a function for the secret, and calls it not at boot', () => {
    const make = jest.fn(client_secret);
    const { metadata, renewableSecret, sealingSecret } = parse({ client_secret: make });
    expect([metadata.token_endpoint_auth_method, metadata.client_secret, sealingSecret]).toEqual([
      'client_secret_basic',
      undefined,
      undefined,
    ]);
    expect(renewableSecret).toBeInstanceOf(RenewableSecret);
    expect(make).not.toHaveBeenCalled();
  });

  it.each([
    ['id_token_signed_response_alg', { id_token_signed_response_alg: 'HS256' }],
    ['userinfo_signed_response_alg', { userinfo_signed_response_alg: 'HS512' }],
    ['introspection_signed_response_alg', { introspection_signed_response_alg: 'HS256' }],
    ['token_endpoint_auth_signing_alg', { token_endpoint_auth_method: 'client_secret_jwt' }],
  ])('needs a text where it is a key: %s', (member, members) => {
    expect(() => parse({ client_secret, ...members })).toThrow(
      `client.${member}: needs a client_secret that is text: a function may make another one at any time`,
    );
  });

  it.each<[string, object]>([
    ['client.client_id', { client_id: () => 'rp1' }],
    ['client.scope', { scope: () => 'openid' }],
    ['client.policy', { policy: () => 'x' }],
    ['client.jwks.keys', { jwks: { keys: () => [] } }],
    ['client.redirect_uris.0', { redirect_uris: [() => 'https://app.test/cb'] }],
    ['client.client_secret', { client_secret: 12_345 }],
    ['client.client_secret', { client_secret: null }],
    ['client.client_secret', { client_secret: { value: 'x' } }],
    ['client.client_secret', { client_secret: Symbol('x') }],
    ['client.client_secret', { client_secret: 10n }],
    ['client.client_secret', { client_secret: Promise.resolve('x') }],
    ['client.client_secret', { client_secret: new Date(0) }],
    ['client.client_secret', { client_secret: '' }],
  ])('refuses another function or an odd value: %s', (member, members) => {
    expect(() => parse(members)).toThrow(expect.objectContaining({ name: 'ConfigError', member }));
  });
});
