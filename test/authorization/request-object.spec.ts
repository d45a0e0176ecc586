import { once } from 'node:events';
import { createServer } from 'node:http';

import { describe, expect, it } from '@jest/globals';
import { UnsecuredJWT } from 'jose';

import type { ClientMetadata } from '../../lib/metadata/client-metadata.js';
import { decodeJwt, keyOf, kindOf, privateJwk } from '../../lib/testing/provider/keys.js';
import { clientOf, loginWith, REDIRECT_URI, rejection } from '../support/client/client.js';
import { closeLater } from '../support/closing.js';
import { startProvider } from '../support/provider/provider.js';

const jwksFor = (alg: string) => ({
  keys: [JSON.parse(JSON.stringify(privateJwk(keyOf(kindOf(alg) ?? 'RSA', 'rp1'), { alg })))],
});

const setUp = async (metadata: Partial<ClientMetadata>, registered: Record<string, unknown> = {}) => {
  const op = await startProvider();
  return { op, ...clientOf(op, { metadata, registered }) };
};

const queryOf = (url: string) => Object.fromEntries(new URL(url).searchParams);

const SIGNED = { request_object_signing_alg: 'ES256', jwks: jwksFor('ES256') };

describe('RFC 9101 a request object', () => {
  it('B1 B9 B11 has the whole request as values, for this server and this moment', async () => {
    const { op, oidc } = await setUp({ ...SIGNED, default_max_age: 600 });
    const parameters = {
      claims: { id_token: { acr: { values: ['gold'] } } },
      authorization_details: [{ type: 'account_information' }],
      resource: ['https://a.test', 'https://b.test'],
      ui_locales: 'de en',
    };
    const { url, transaction } = await oidc.authorizationUrl({ parameters });
    const { request = '', ...beside } = queryOf(url);
    expect(beside).toEqual({ client_id: 'rp1', response_type: 'code', redirect_uri: REDIRECT_URI, scope: 'openid' });
    const { header, claims } = decodeJwt(request);
    expect(header).toEqual({ alg: 'ES256', kid: 'p-256-1', typ: 'oauth-authz-req+jwt' });
    expect(claims).toEqual({
      ...parameters,
      client_id: 'rp1',
      response_type: 'code',
      redirect_uri: REDIRECT_URI,
      scope: 'openid',
      state: transaction.state,
      nonce: transaction.nonce,
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
      max_age: 600,
      iss: 'rp1',
      aud: op.issuer,
      iat: 1_800_000_000,
      nbf: 1_800_000_000,
      exp: 1_800_000_300,
      jti: expect.stringMatching(/^[\da-f-]{36}$/),
    });
  });

  it('has a new jti each time, and the skew of our clock', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op, { metadata: SIGNED, settings: { skew: -10 } });
    const [first, second] = [await oidc.authorizationUrl(), await oidc.authorizationUrl()].map(
      ({ url }) => decodeJwt(queryOf(url)['request'] ?? '').claims,
    );
    expect(first?.['jti']).not.toBe(second?.['jti']);
    expect(first?.['iat']).toBe(1_799_999_990);
  });

  it.each(['RS256', 'RS512', 'PS256', 'PS384', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519', 'HS256', 'HS512'])(
    'B10 is signed with the registered algorithm %s',
    async (alg) => {
      const jwks = alg.startsWith('HS') ? {} : { jwks: jwksFor(alg) };
      const { op, oidc } = await setUp({ request_object_signing_alg: alg, ...jwks });
      const login = await loginWith(oidc, op);
      expect(login.idToken.sub).toBe('alice');
      const { url } = await oidc.authorizationUrl();
      expect(decodeJwt(queryOf(url)['request'] ?? '').header).toMatchObject({ alg, typ: 'oauth-authz-req+jwt' });
    },
  );

  it('B10 is unsigned where that is registered, and only there', async () => {
    const { op, oidc } = await setUp({ request_object_signing_alg: 'none' });
    expect((await loginWith(oidc, op)).idToken.sub).toBe('alice');
    const { url } = await oidc.authorizationUrl();
    expect(UnsecuredJWT.decode(queryOf(url)['request'] ?? '', { currentDate: new Date(op.clock.now()) })).toMatchObject(
      {
        header: { alg: 'none' },
        payload: { iss: 'rp1', aud: op.issuer },
      },
    );
  });

  it('B8 is not made where none is registered or demanded', async () => {
    const { oidc } = await setUp({ jwks: jwksFor('ES256') });
    const { url } = await oidc.authorizationUrl();
    expect(queryOf(url)).not.toHaveProperty('request');
    expect(queryOf(url)).not.toHaveProperty('request_uri');
  });

  it.each<[string, Partial<ClientMetadata>, object, string]>([
    ['the registration demands it', { require_signed_request_object: true }, {}, 'ES256'],
    ['the server demands it', {}, { require_signed_request_object: true }, 'ES256'],
    [
      'the server demands it with other algorithms than the first of ours',
      { jwks: { keys: [...jwksFor('RS256').keys, ...jwksFor('ES256').keys] } },
      { require_signed_request_object: true, request_object_signing_alg_values_supported: ['none', 'HS256', 'ES256'] },
      'ES256',
    ],
    [
      'the server takes another algorithm of our key than the first',
      { jwks: { keys: jwksFor('RS256').keys.map(({ alg: _, ...key }) => key) } },
      { require_signed_request_object: true, request_object_signing_alg_values_supported: ['PS256'] },
      'PS256',
    ],
  ])('is signed with what the key is made for where %s', async (_when, metadata, published, alg) => {
    const { op, oidc } = await setUp(
      { jwks: jwksFor('ES256'), client_secret: undefined, ...metadata },
      { request_object_signing_alg: alg },
    );
    op.discovery((document) => ({ ...document, ...published }));
    expect((await loginWith(oidc, op)).idToken.sub).toBe('alice');
    const { url } = await oidc.authorizationUrl();
    expect(decodeJwt(queryOf(url)['request'] ?? '').header['alg']).toBe(alg);
  });

  it('B12 B13 goes with the client’s name alone where it is pushed', async () => {
    const { op, oidc } = await setUp({ ...SIGNED, require_pushed_authorization_requests: true });
    expect((await loginWith(oidc, op)).idToken.sub).toBe('alice');
    const { form } = op.last('par');
    expect(Object.keys(form)).toEqual(['client_id', 'request']);
    expect(decodeJwt(form['request'] ?? '').claims).toMatchObject({ code_challenge_method: 'S256', client_id: 'rp1' });
    const { url } = await oidc.authorizationUrl();
    expect(Object.keys(queryOf(url))).toEqual(['client_id', 'request_uri']);
  });

  it('F18 binds the code to the key of the tokens', async () => {
    const { op, oidc } = await setUp({
      ...SIGNED,
      dpop_bound_access_tokens: true,
      require_pushed_authorization_requests: true,
    });
    const { tokens } = await loginWith(oidc, op);
    expect(decodeJwt(op.last('par').form['request'] ?? '').claims['dpop_jkt']).toBe(tokens.dpop_key?.jkt);
  });

  it.each(['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti'])(
    'has no parameter that would be its claim %s',
    async (name) => {
      const { oidc } = await setUp(SIGNED);
      expect(await rejection(oidc.authorizationUrl({ parameters: { [name]: 'x' } }))).toMatchObject({
        message: `parameters.${name}: is a claim of the signed request itself`,
      });
    },
  );
});

describe('RFC 9101, section 6.1: an encrypted request object', () => {
  const SECRET = 'a-secret-of-both-sides-that-is-long-enough-for-every-algorithm-of-this';

  it.each<[string, string]>([
    ...['RSA-OAEP', 'RSA-OAEP-256', 'RSA-OAEP-512', 'ECDH-ES', 'ECDH-ES+A128KW', 'ECDH-ES+A256KW'].map(
      (alg) => [alg, 'A256GCM'] as [string, string],
    ),
    ['A128KW', 'A128CBC-HS256'],
    ['A256GCMKW', 'A256GCM'],
    ['dir', 'A128GCM'],
    ['dir', 'A256CBC-HS512'],
  ])('is a signed one that only the server can read, by %s and %s', async (alg, enc) => {
    const { op, oidc } = await setUp({
      ...SIGNED,
      client_secret: SECRET,
      request_object_encryption_alg: alg,
      request_object_encryption_enc: enc,
    });
    expect((await loginWith(oidc, op)).idToken.sub).toBe('alice');
    const { url, transaction } = await oidc.authorizationUrl();
    const [header = '', ...parts] = (queryOf(url)['request'] ?? '').split('.');
    expect(parts).toHaveLength(4);
    const kid = { R: { kid: 'enc-RSA' }, E: { kid: 'enc-P-256' } }[alg.charAt(0)] ?? {};
    expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toMatchObject({ alg, enc, cty: 'JWT', ...kid });
    expect(url).not.toContain(transaction.state);
  });

  it('has A128CBC-HS256 where only the key management is registered, and the key’s own signature', async () => {
    const { op, oidc } = await setUp(
      { jwks: jwksFor('ES256'), client_secret: undefined, request_object_encryption_alg: 'ECDH-ES' },
      { request_object_signing_alg: 'ES256' },
    );
    expect((await loginWith(oidc, op)).idToken.sub).toBe('alice');
  });

  it('goes into a pushed request', async () => {
    const { op, oidc } = await setUp({
      ...SIGNED,
      request_object_encryption_alg: 'RSA-OAEP-256',
      require_pushed_authorization_requests: true,
    });
    expect((await loginWith(oidc, op)).idToken.sub).toBe('alice');
    expect(op.last('par').form['request']?.split('.')).toHaveLength(5);
  });

  it.each<[string, (jwks: readonly Record<string, unknown>[]) => readonly Record<string, unknown>[]]>([
    ['for signatures alone', (keys) => keys.filter(({ use }) => use === 'sig')],
    ['of another kind', (keys) => keys.filter(({ kid }) => kid !== 'enc-RSA')],
    ['for another algorithm', (keys) => keys.map((key) => (key['use'] === 'enc' ? { ...key, alg: 'RSA-OAEP' } : key))],
    ['for other operations', (keys) => keys.map((key) => ({ ...key, key_ops: ['verify'] }))],
    ['that is private', (keys) => keys.map((key) => (key['use'] === 'enc' ? { ...key, d: 'AA' } : key))],
  ])('is not made for a server that only has a key %s', async (_what, change) => {
    const { op, oidc } = await setUp({ ...SIGNED, request_object_encryption_alg: 'RSA-OAEP-256' });
    op.jwks(({ keys }) => ({ keys: change(keys) }));
    expect(await rejection(oidc.authorizationUrl())).toMatchObject({
      name: 'ConfigError',
      message: 'server.jwks_uri: has no key to encrypt to',
    });
    // It was asked for once more: the server may have a new one.
    expect(op.count('jwks')).toBe(2);
  });

  it('takes a key that is there for anything, and one for encryption before it', async () => {
    const { op, oidc } = await setUp({ ...SIGNED, request_object_encryption_alg: 'RSA-OAEP-256' });
    const named = async () => {
      const { url } = await oidc.authorizationUrl();
      const [header = ''] = (queryOf(url)['request'] ?? '').split('.');
      return JSON.parse(Buffer.from(header, 'base64url').toString()).kid;
    };
    const anything = ({ use: _, ...key }: Record<string, unknown>) => ({ ...key, kid: 'anything' });
    op.jwks(({ keys }) => ({ keys: keys.filter(({ kty }) => kty === 'RSA').map(anything) }));
    expect(await named()).toBe('anything');
    oidc.forgetKeys();
    op.jwks(({ keys }) => ({ keys: [...keys.filter(({ kty }) => kty === 'RSA').map(anything), ...keys] }));
    expect(await named()).toBe('enc-RSA');
  });
});

describe('RFC 9101, section 5.2: a request object by reference', () => {
  /** Where an application serves its request objects. */
  const serving = async () => {
    const served = new Map<string, string>();
    const server = createServer((request, response) => {
      response.setHeader('content-type', 'application/oauth-authz-req+jwt').end(served.get(request.url ?? ''));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    closeLater({ close: async () => [server.close(), server.closeAllConnections()] });
    const uri = `http://127.0.0.1:${Object(server.address()).port}/request`;
    return { uri, publish: (object: string) => void served.set('/request', object) };
  };

  it.each(['RS256', 'none'])('B9 B10 signed with %s is fetched where the application serves it', async (alg) => {
    const { uri, publish } = await serving();
    const jwks = alg === 'none' ? {} : { jwks: jwksFor(alg) };
    const { op, oidc } = await setUp({ request_object_signing_alg: alg, ...jwks, request_uris: [uri] });
    const request_uri = async (object: string) => {
      publish(object);
      return uri;
    };
    const { url } = await oidc.authorizationUrl({ request_uri });
    expect(queryOf(url)).toEqual({
      client_id: 'rp1',
      response_type: 'code',
      redirect_uri: REDIRECT_URI,
      scope: 'openid',
      request_uri: uri,
    });
    expect((await loginWith(oidc, op, { request: { request_uri } })).idToken.sub).toBe('alice');
  });

  it('is none where requests are plain, or pushed', async () => {
    const request_uri = () => {
      throw new Error('nothing to serve');
    };
    const plain = await setUp({});
    expect(queryOf((await plain.oidc.authorizationUrl({ request_uri })).url)).not.toHaveProperty('request_uri');
    const pushed = await setUp({ ...SIGNED, require_pushed_authorization_requests: true });
    expect(queryOf((await pushed.oidc.authorizationUrl({ request_uri })).url)['request_uri']).toMatch(/^urn:/);
  });

  it.each([
    '',
    '/request',
    'urn:request',
    'https://app.test/a b',
    'http://app.test/request',
    `https://app.test/${'a'.repeat(500)}`,
  ])('is not at %p', async (uri) => {
    const { oidc } = await setUp(SIGNED);
    expect(await rejection(oidc.authorizationUrl({ request_uri: () => uri }))).toMatchObject({
      message: 'request_uri: must return an https URL of at most 512 characters',
    });
  });
});

describe('request objects that can not be', () => {
  it.each<[string, Partial<ClientMetadata>, string]>([
    [
      'without a key',
      { request_object_signing_alg: 'ES256' },
      'client.jwks: holds no private key for request_object_signing_alg ES256',
    ],
    [
      'with a key of another kind',
      { request_object_signing_alg: 'ES256', jwks: jwksFor('RS256') },
      'client.jwks: holds no private key for request_object_signing_alg ES256',
    ],
    [
      'demanded, without a key',
      { require_signed_request_object: true },
      'client.jwks: holds no private key for require_signed_request_object',
    ],
    [
      'demanded and unsigned',
      { require_signed_request_object: true, request_object_signing_alg: 'none' },
      'client.request_object_signing_alg: must not be none where require_signed_request_object is registered',
    ],
    [
      'with a short secret',
      { request_object_signing_alg: 'HS256', client_secret: 'short' },
      'client.request_object_signing_alg: needs a client_secret of 32 bytes or more',
    ],
    [
      'encrypted by an algorithm of old',
      { ...SIGNED, request_object_encryption_alg: 'RSA1_5' },
      'client.request_object_encryption_alg: must be a key management algorithm that is supported; RSA1_5 and PBES2 never are',
    ],
    [
      'with only one half of an encryption',
      { ...SIGNED, request_object_encryption_enc: 'A256GCM' },
      'client.request_object_encryption_enc: needs request_object_encryption_alg',
    ],
    [
      'encrypted and not signed',
      { request_object_encryption_alg: 'RSA-OAEP' },
      'client.jwks: holds no private key for the signature that is encrypted',
    ],
    [
      'encrypted with a short secret',
      { ...SIGNED, client_secret: 'short', request_object_encryption_alg: 'A256KW' },
      'client.request_object_encryption_alg: needs a client_secret of 32 bytes or more',
    ],
    [
      'with an algorithm that there is not',
      { request_object_signing_alg: 'XS256' },
      'client.request_object_signing_alg: must be a signature algorithm that is supported',
    ],
  ])('stop the boot: %s', async (_what, metadata, message) => {
    const op = await startProvider();
    expect(() => clientOf(op, { metadata })).toThrow(message);
  });

  it.each<[string, Partial<ClientMetadata>, object, string]>([
    [
      'the server takes no such algorithm',
      SIGNED,
      { request_object_signing_alg_values_supported: ['PS256'] },
      'client.request_object_signing_alg: is not among the algorithms of the server',
    ],
    [
      'the server takes no such encryption',
      { ...SIGNED, request_object_encryption_alg: 'RSA-OAEP' },
      { request_object_encryption_alg_values_supported: ['RSA-OAEP-256'] },
      'client.request_object_encryption_alg: is not among the algorithms of the server',
    ],
    [
      'the server takes no such content encryption',
      { ...SIGNED, request_object_encryption_alg: 'RSA-OAEP' },
      { request_object_encryption_enc_values_supported: ['A256GCM'] },
      'client.request_object_encryption_enc: is not among the algorithms of the server',
    ],
    [
      'the server demands what the client can not sign',
      {},
      { require_signed_request_object: true },
      'client.jwks: holds no private key for the request objects that the server takes',
    ],
    [
      'the server demands signatures of another kind',
      { jwks: jwksFor('ES256') },
      { require_signed_request_object: true, request_object_signing_alg_values_supported: ['PS256'] },
      'client.jwks: holds no private key for the request objects that the server takes',
    ],
    [
      'the server demands signatures, and none is registered',
      { request_object_signing_alg: 'none' },
      { require_signed_request_object: true },
      'client.request_object_signing_alg: must not be none at a server that requires signed request objects',
    ],
    [
      'the server takes none in the URL',
      SIGNED,
      { request_parameter_supported: false },
      'client.request_object_signing_alg: needs a server that takes request objects in the URL, or require_pushed_authorization_requests',
    ],
  ])('are found when the server is asked: %s', async (_what, metadata, published, message) => {
    const { op, oidc, server } = await setUp(metadata);
    server.needs('authorization_endpoint');
    op.discovery((document) => ({ ...document, ...published }));
    expect(await rejection(oidc.ready())).toMatchObject({ name: 'ConfigError', message });
  });

  it('are none where they are pushed, whatever the server says of those in the URL', async () => {
    const { op, oidc, server } = await setUp({ ...SIGNED, require_pushed_authorization_requests: true });
    server.needs('authorization_endpoint');
    op.discovery((document) => ({ ...document, request_parameter_supported: false }));
    await expect(oidc.ready()).resolves.toBeUndefined();
  });
});
