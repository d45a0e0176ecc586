import { inspect } from 'node:util';

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import {
  ClientRegistration,
  registerClient,
  type RegistrationResult,
} from '../../lib/authorization-server/client-registration.js';
import { clockTolerance, customFetch, type ClientMetadata } from '../../lib/metadata/client-metadata.js';
import { processRegistration } from '../../lib/metadata/registration-response.js';
import { parseClientMetadata } from '../../lib/metadata/registered-client.js';
import { keyOf, privateJwk, type Jwk } from '../../lib/testing/provider/keys.js';
import { clientOf, loginWith, rejection } from '../support/client/client.js';
import { closeLater } from '../support/closing.js';
import type { HostileProvider } from '../support/provider/hostile-provider.js';
import { startProvider } from '../support/provider/provider.js';
import { RealProvider } from '../support/provider/real-provider.js';

const REDIRECT = { redirect_uris: ['https://app.test/auth/callback'] };
const KEY = keyOf('P-256', 'client');
const KEYS = {
  token_endpoint_auth_method: 'private_key_jwt',
  jwks: { keys: [privateJwk(KEY)] },
} as Partial<ClientMetadata>;

/** Answers a registration with these members beside the usual ones; those that are undefined are left out. */
function answerWith(op: HostileProvider, change: (members: Jwk) => Jwk, status?: number): void {
  op.answer('register', async (_request, next) => {
    const answer = await next();
    return { ...answer, status: status ?? answer.status ?? 200, body: change(Object(answer.body)) };
  });
}

const sentTo = (op: HostileProvider): Jwk => JSON.parse(op.last('register').body);

function registrationOf({ registration }: RegistrationResult): ClientRegistration {
  if (registration === undefined) {
    throw new Error('The server gave no management');
  }
  return registration;
}

describe('RFC 7591 a registration', () => {
  it('A14 posts JSON with grant types that fit the response types, and public keys', async () => {
    const op = await startProvider();
    const { client, differences } = await registerClient(op.issuer, {
      ...REDIRECT,
      ...KEYS,
      response_types: ['code', 'code id_token'],
      client_name: 'Orders',
      logo_uri: 'https://app.test/logo.png',
      id_token_signed_response_alg: 'ES256',
      [clockTolerance]: 7,
    });
    const { method, headers } = op.last('register');
    expect([method, headers['content-type'], headers.authorization]).toEqual(['POST', 'application/json', undefined]);
    expect(sentTo(op)).toEqual({
      ...REDIRECT,
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [KEY.jwk] },
      response_types: ['code', 'code id_token'],
      grant_types: ['authorization_code', 'implicit'],
      client_name: 'Orders',
      logo_uri: 'https://app.test/logo.png',
      id_token_signed_response_alg: 'ES256',
    });
    expect(differences).toEqual([]);
    expect(client).toMatchObject({ ...REDIRECT, ...KEYS, client_name: 'Orders', [clockTolerance]: 7 });
    expect(parseClientMetadata(client).keys).toHaveLength(1);
    const { oidc } = clientOf(op, { metadata: { client_secret: undefined, ...client } });
    expect((await loginWith(oidc, op)).idToken.sub).toBe('alice');
  });

  it('sends the initial access token and a software statement', async () => {
    const op = await startProvider();
    const software_statement = 'eyJhbGciOiJFUzI1NiJ9.e30.c2ln';
    const { differences } = await registerClient(
      op.issuer,
      { ...REDIRECT, software_statement },
      { initialAccessToken: 'initial' },
    );
    expect(op.last('register').headers.authorization).toBe('Bearer initial');
    expect(sentTo(op)).toEqual({ ...REDIRECT, software_statement });
    expect(differences).toEqual([]);
  });

  it('A14 sends jwks_uri or jwks, and keeps the private keys either way', async () => {
    const op = await startProvider();
    const secret = { kty: 'oct', k: 'c2VjcmV0' };
    const jwks = { keys: [secret, ...(KEYS.jwks?.keys ?? [])] };
    await registerClient(op.issuer, { ...REDIRECT, ...KEYS, jwks });
    expect(sentTo(op)['jwks']).toEqual({ keys: [KEY.jwk] });
    const { client } = await registerClient(op.issuer, { ...REDIRECT, ...KEYS, jwks_uri: 'https://app.test/jwks' });
    expect(sentTo(op)).toEqual({
      ...REDIRECT,
      token_endpoint_auth_method: 'private_key_jwt',
      jwks_uri: 'https://app.test/jwks',
    });
    expect(client.jwks).toEqual(KEYS.jwks);
  });

  it.each<[string, Partial<ClientMetadata>, string]>([
    ['a redirect URI with a fragment', { redirect_uris: ['https://app.test/#a'] }, 'client.redirect_uris.0'],
    ['no redirect URI in the list', { redirect_uris: [] }, 'client.redirect_uris'],
    [
      'a method that is none',
      { ...REDIRECT, token_endpoint_auth_method: 'x' as never },
      'client.token_endpoint_auth_method',
    ],
    [
      'grant types without those of the response types',
      { ...REDIRECT, response_types: ['code id_token'], grant_types: ['authorization_code'] },
      'client.grant_types',
    ],
    [
      'a web client with tokens from the front channel on this machine',
      { redirect_uris: ['https://localhost/cb'], response_types: ['id_token'] },
      'client.redirect_uris',
    ],
    [
      'a web client with tokens from the front channel at plain http',
      { redirect_uris: ['http://app.test/cb'], grant_types: ['implicit'], response_types: ['id_token'] },
      'client.redirect_uris',
    ],
    ['private_key_jwt without keys', { ...REDIRECT, token_endpoint_auth_method: 'private_key_jwt' }, 'client.jwks'],
    ['keys at plain http', { ...REDIRECT, jwks_uri: 'http://app.test/jwks' }, 'client.jwks_uri'],
    [
      'a sector at plain http',
      { ...REDIRECT, sector_identifier_uri: 'http://app.test/' },
      'client.sector_identifier_uri',
    ],
    ['a login at plain http', { ...REDIRECT, initiate_login_uri: 'http://app.test/' }, 'client.initiate_login_uri'],
    ['a logo that is no page', { ...REDIRECT, logo_uri: 'javascript:alert(1)' }, 'client.logo_uri'],
    ['the name of another client', { ...REDIRECT, client_id: 'rp1' }, 'client.client_id'],
    ['a secret', { ...REDIRECT, client_secret: 's3cret' }, 'client.client_secret'],
    ['a function', { ...REDIRECT, client_name: (() => 'x') as never }, 'client.client_name'],
  ])('A14 is not asked for with %s', async (_what, metadata, member) => {
    const op = await startProvider();
    expect(await rejection(registerClient(op.issuer, metadata))).toMatchObject({ name: 'ConfigError', member });
    expect(op.count()).toBe(0);
  });

  it('A15 takes a secret that does not say when it ends, and no management', async () => {
    const op = await startProvider();
    answerWith(op, ({ client_id, client_secret }) => ({ client_id, client_secret, ...REDIRECT }));
    const { client, client_secret_expires_at, registration, differences } = await registerClient(op.issuer, REDIRECT);
    expect([client_secret_expires_at, registration, differences]).toEqual([undefined, undefined, []]);
    expect(client).toEqual({ client_id: expect.any(String), client_secret: expect.any(String), ...REDIRECT });
  });

  it.each<[unknown, number | undefined]>([
    [0, undefined],
    [null, undefined],
    ['0', undefined],
    [1_900_000_000, 1_900_000_000],
    ['1900000000', 1_900_000_000],
  ])('whose secret ends at %j ends at %j', async (client_secret_expires_at, seconds) => {
    const op = await startProvider();
    answerWith(op, (members) => ({ ...members, client_secret_expires_at }), 200);
    expect((await registerClient(op.issuer, REDIRECT)).client_secret_expires_at).toBe(seconds);
  });

  it.each<[string, Jwk, readonly string[]]>([
    ['redirect URIs', { redirect_uris: ['https://evil.test/'] }, ['redirect_uris']],
    ['one more redirect URI', { redirect_uris: [...REDIRECT.redirect_uris, 'https://evil.test/'] }, ['redirect_uris']],
    ['an algorithm', { id_token_signed_response_alg: 'RS256' }, ['id_token_signed_response_alg']],
    ['no algorithm', { userinfo_signed_response_alg: undefined }, ['userinfo_signed_response_alg']],
    ['null for an algorithm', { userinfo_signed_response_alg: null }, ['userinfo_signed_response_alg']],
    ['no bound tokens', { dpop_bound_access_tokens: undefined }, ['dpop_bound_access_tokens']],
    ['another method', { token_endpoint_auth_method: 'client_secret_post' }, ['token_endpoint_auth_method']],
    ['another key', { jwks: { keys: [keyOf('P-256', 'stranger').jwk] } }, ['jwks']],
    ['another order', { response_types: ['id_token code', 'code'], scope: 'profile openid' }, []],
    ['more members', { client_uri: 'https://app.test' }, []],
    ['a default that is left out', { require_auth_time: undefined, application_type: undefined }, []],
  ])('reports %s that it did not ask for', async (_what, changed, differences) => {
    const op = await startProvider();
    answerWith(op, (members) => ({ ...members, ...changed }));
    const asked = {
      ...REDIRECT,
      ...KEYS,
      application_type: 'web',
      dpop_bound_access_tokens: true,
      id_token_signed_response_alg: 'ES256',
      require_auth_time: false,
      response_types: ['code', 'code id_token'],
      scope: 'openid profile',
      userinfo_signed_response_alg: 'ES256',
    };
    const result = await registerClient(op.issuer, asked);
    expect(result.differences).toEqual(differences);
    // A protection that the server dropped is still demanded.
    expect(result.client.userinfo_signed_response_alg).toBe('ES256');
    expect(result.client.dpop_bound_access_tokens).toBe(true);
    expect(result.client.jwks).toEqual(KEYS.jwks);
  });

  it.each<[string, Jwk, string]>([
    ['no client_id', { client_id: undefined }, 'client_id'],
    ['a number as client_id', { client_id: 7 }, 'client_id'],
    ['a secret that is none', { client_secret: ['x'] }, 'client_secret'],
    ['a time that is none', { client_secret_expires_at: 'soon' }, 'client_secret_expires_at'],
    ['a method that nobody knows', { token_endpoint_auth_method: 'smile' }, 'token_endpoint_auth_method'],
    ['unsigned ID tokens', { id_token_signed_response_alg: 'none' }, 'id_token_signed_response_alg'],
    ['an address at plain http', { registration_client_uri: 'http://evil.test/' }, 'registration_client_uri'],
    ['an address that is none', { registration_client_uri: 'file:///etc' }, 'registration_client_uri'],
  ])('is refused with %s', async (_what, changed, member) => {
    const op = await startProvider();
    answerWith(op, (members) => ({ ...members, ...changed }));
    expect(await rejection(registerClient(op.issuer, REDIRECT))).toMatchObject({
      name: 'ResponseError',
      code: 'REGISTRATION_RESPONSE_INVALID',
      message: `The answer to the registration has a wrong or missing member: ${member}.`,
    });
  });

  it.each<[string, Parameters<HostileProvider['answer']>[1], object]>([
    [
      'an error of the specification',
      { status: 400, body: { error: 'invalid_redirect_uri', error_description: 'not initial' } },
      { name: 'OAuthError', code: 'OP_ERROR', error: 'invalid_redirect_uri', error_description: 'not [secret]' },
    ],
    [
      'a challenge',
      { status: 401, headers: { 'www-authenticate': 'Bearer error="invalid_token"' } },
      { name: 'OAuthError', code: 'OP_ERROR', error: 'invalid_token' },
    ],
    ['401 alone', { status: 401 }, { name: 'OAuthError', code: 'CLIENT_MISCONFIGURED', error: 'invalid_client' }],
    [
      'a page',
      { status: 201, headers: { 'content-type': 'text/html' }, body: '<p>' },
      { code: 'UNEXPECTED_CONTENT_TYPE' },
    ],
    ['another status', { status: 404, body: {} }, { name: 'ResponseError', code: 'UNEXPECTED_STATUS' }],
    ['a redirect', { status: 307, headers: { location: 'https://evil.test/' } }, { code: 'UNEXPECTED_REDIRECT' }],
    ['a failure', { status: 500 }, { name: 'TransportError', code: 'UPSTREAM_ERROR' }],
  ])('that is answered with %s is an error', async (_what, answer, error) => {
    const op = await startProvider();
    op.answer('register', answer);
    const registration = registerClient(op.issuer, REDIRECT, { initialAccessToken: 'initial' });
    expect(await rejection(registration)).toMatchObject(error);
    expect(op.count('register')).toBe(1);
  });

  it('needs a server that has it', async () => {
    const op = await startProvider();
    op.discovery(({ registration_endpoint: _, ...document }) => document);
    expect(await rejection(registerClient(op.issuer, REDIRECT))).toMatchObject({
      code: 'ENDPOINT_MISSING',
      member: 'server.registration_endpoint',
    });
    op.discovery((document) => ({ ...document, registration_endpoint: 'http://evil.test/register' }));
    expect(await rejection(registerClient(op.issuer, REDIRECT))).toMatchObject({ code: 'INVALID_SERVER_METADATA' });
    const server = { issuer: op.issuer, registration_endpoint: op.url('register') };
    expect((await registerClient(op.issuer, REDIRECT, { server })).differences).toEqual([]);
  });

  it.each([
    ['an issuer at plain http', 'http://op.test', {}, 'issuer'],
    ['an issuer that is none', 'op.test', {}, 'issuer'],
    ['a token that is none', 'https://op.test', { initialAccessToken: 'a\nb' }, 'initialAccessToken'],
    ['an empty token', 'https://op.test', { initialAccessToken: '' }, 'initialAccessToken'],
  ])('is not asked for with %s', async (_what, issuer, options, member) => {
    expect(await rejection(registerClient(issuer, REDIRECT, options))).toMatchObject({ name: 'ConfigError', member });
  });

  it('goes through the client’s own fetch', async () => {
    const op = await startProvider();
    const seen: string[] = [];
    const own: ClientMetadata[typeof customFetch] = (url, { body, ...init }) => {
      seen.push(`${init.method} ${url}`);
      return fetch(url, { ...init, ...(body !== undefined && { body }) });
    };
    const { client } = await registerClient(op.issuer, { ...REDIRECT, [customFetch]: own });
    expect(seen).toEqual([`GET ${op.issuer}/.well-known/openid-configuration`, `POST ${op.url('register')}`]);
    expect(client[customFetch]).toBe(own);
  });
});

it('RFC 7591 whatever a server answers is a registration or a refusal, and never makes ID tokens unsigned', () => {
  const mostly = <T>(good: fc.Arbitrary<T>) =>
    fc.oneof({ weight: 9, arbitrary: good }, { weight: 1, arbitrary: fc.jsonValue() });
  const word = fc.stringMatching(/^[a-z]{1,9}$/);
  const answers = fc.record(
    {
      client_id: mostly(word),
      client_secret: mostly(word),
      client_secret_expires_at: mostly(fc.nat()),
      id_token_signed_response_alg: fc.constantFrom('none', 'RS256', 'ES256', null),
      jwks: fc.jsonValue(),
      redirect_uris: mostly(fc.array(fc.webUrl(), { minLength: 1 })),
      registration_access_token: mostly(word),
      registration_client_uri: mostly(fc.webUrl()),
      scope: mostly(word),
      token_endpoint_auth_method: fc.constantFrom('none', 'private_key_jwt', 'client_secret_post', null, 'x'),
    },
    { requiredKeys: ['client_id'] },
  );
  let taken = 0;
  fc.assert(
    fc.property(answers, (answer) => {
      try {
        const { client, client_secret_expires_at = 1, differences } = processRegistration(answer as never, REDIRECT);
        taken += 1;
        expect(client.id_token_signed_response_alg).not.toBe('none');
        expect(client.client_id).toMatch(/^[\x20-\x7e]+$/);
        expect(client_secret_expires_at).toBeGreaterThan(0);
        expect(differences.filter((name) => name !== 'redirect_uris')).toEqual([]);
      } catch (error) {
        expect(error).toMatchObject({ code: 'REGISTRATION_RESPONSE_INVALID' });
      }
    }),
    { numRuns: 500 },
  );
  expect(taken).toBeGreaterThan(0);
});

describe('RFC 7592 the management of a registration', () => {
  it('reads, replaces and ends it', async () => {
    const op = await startProvider();
    const { client, ...result } = await registerClient(op.issuer, { ...REDIRECT, ...KEYS });
    const registration = registrationOf(result as RegistrationResult);
    expect(client).not.toHaveProperty('registration_access_token');
    expect(client).not.toHaveProperty('registration_client_uri');
    const first = registration.registration_access_token.reveal();

    expect((await registration.read()).client).toEqual(client);
    const read = op.last('register');
    expect([read.method, read.headers.authorization, read.body]).toEqual(['GET', `Bearer ${first}`, '']);
    const second = registration.registration_access_token.reveal();
    expect(second).not.toBe(first);

    const updated = await registration.update({ ...client, client_name: 'Other' });
    expect([updated.client, updated.differences]).toEqual([{ ...client, client_name: 'Other' }, []]);
    expect([op.last('register').method, op.last('register').headers.authorization]).toEqual([
      'PUT',
      `Bearer ${second}`,
    ]);
    expect(sentTo(op)).toEqual({
      ...REDIRECT,
      client_id: client.client_id,
      client_name: 'Other',
      grant_types: ['authorization_code'],
      response_types: ['code'],
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [KEY.jwk] },
    });

    await registration.delete();
    expect([op.last('register').method, op.last('register').body]).toEqual(['DELETE', '']);
    expect(await rejection(registration.read())).toMatchObject({ name: 'OAuthError', error: 'invalid_token' });
  });

  it('goes on with what was kept of it', async () => {
    const op = await startProvider();
    const registration = registrationOf(await registerClient(op.issuer, REDIRECT));
    const { registration_client_uri, registration_access_token } = registration;
    const later = new ClientRegistration({
      registration_client_uri,
      registration_access_token: registration_access_token.reveal(),
      metadata: KEYS,
    });
    const { client } = await later.read();
    expect(client).toMatchObject({ ...REDIRECT, jwks: KEYS.jwks, client_secret: expect.any(String) });
  });

  it('never prints its token', async () => {
    const op = await startProvider();
    const result = await registerClient(op.issuer, REDIRECT);
    const token = registrationOf(result).registration_access_token.reveal();
    expect(inspect(result, { depth: 9, showHidden: true }) + JSON.stringify(result)).not.toContain(token);
    op.answer('register', { status: 400, body: { error: 'invalid_request', error_description: `bad ${token}` } });
    const error = await rejection(registrationOf(result).read());
    expect(error).toMatchObject({ error_description: 'bad [secret]' });
  });

  it('does not follow an answer that names another address', async () => {
    const op = await startProvider();
    const registration = registrationOf(await registerClient(op.issuer, REDIRECT));
    const before = registration.registration_access_token;
    answerWith(op, (members) => ({ ...members, registration_client_uri: 'https://evil.test/' }));
    expect(await rejection(registration.read())).toMatchObject({ code: 'REGISTRATION_RESPONSE_INVALID' });
    expect(registration.registration_access_token).toBe(before);
  });

  it.each([
    ['http://op.test/register/1', 'token', 'registration_client_uri'],
    ['register/1', 'token', 'registration_client_uri'],
    ['https://op.test/register/1', 'a\nb', 'registration_access_token'],
  ])('at %j with the token %j is none', (registration_client_uri, registration_access_token, member) => {
    expect(() => new ClientRegistration({ registration_client_uri, registration_access_token })).toThrow(
      expect.objectContaining({ name: 'ConfigError', member }),
    );
  });
});

describe('oidc-provider', () => {
  it('A14 registers a client that logs in, changes and ends it', async () => {
    const op = closeLater(await RealProvider.start());
    const options = { initialAccessToken: RealProvider.INITIAL_ACCESS_TOKEN };
    const asked = {
      ...REDIRECT,
      ...KEYS,
      grant_types: ['authorization_code', 'client_credentials'],
      id_token_signed_response_alg: 'ES256',
      userinfo_signed_response_alg: 'ES256',
      dpop_bound_access_tokens: true,
    };
    const result = await registerClient(op.issuer, asked, options);
    expect(result).toMatchObject({ differences: [], client_secret_expires_at: undefined, client: asked });
    const registration = registrationOf(result);
    const changed = await registration.update({ ...result.client, client_name: 'Orders' });
    expect([changed.client['client_name'], changed.differences]).toEqual(['Orders', []]);
    expect((await registration.read()).client).toEqual(changed.client);

    const { oidc } = clientOf({ issuer: op.issuer, clock: op.clock, register: () => undefined } as never, {
      metadata: { client_secret: undefined, ...changed.client },
    });
    expect((await oidc.clientCredentials({ scope: 'orders:read' })).token_type).toBe('DPoP');

    await registration.delete();
    expect(await rejection(registration.read())).toMatchObject({ name: 'OAuthError', error: 'invalid_token' });
    expect(await rejection(oidc.clientCredentials())).toMatchObject({ code: 'CLIENT_MISCONFIGURED' });
  });

  it('registers nobody without the initial access token', async () => {
    const op = closeLater(await RealProvider.start());
    expect(await rejection(registerClient(op.issuer, REDIRECT))).toMatchObject({ name: 'OAuthError' });
  });
});
