import { inspect } from 'node:util';

import { describe, expect, it } from '@jest/globals';

import type { ClientMetadata } from '../../lib/metadata/client-metadata.js';
import { decodeJwt, generateKey, privateJwk } from '../../lib/testing/provider/keys.js';
import type { LoginTokens } from '../../lib/tokens/login-tokens.js';
import { clientOf, loginWith, rejection } from '../support/client/client.js';
import { startProvider } from '../support/provider/provider.js';

const BOUND = { dpop_bound_access_tokens: true };
const OFFLINE = { request: { scope: 'openid offline_access' } };
const NONCE = { status: 400, headers: { 'dpop-nonce': 'of-the-server' }, body: { error: 'use_dpop_nonce' } };

const setUp = async (metadata: Partial<ClientMetadata> = {}) => {
  const op = await startProvider();
  return { op, ...clientOf(op, { metadata: { ...BOUND, ...metadata } }) };
};

const proofOf = (request: { readonly headers: object } | undefined) =>
  decodeJwt(String(Object(request?.headers)['dpop']));

describe('RFC 9449 with dpop_bound_access_tokens registered', () => {
  it('a login binds code and tokens to one key', async () => {
    const { op, oidc } = await setUp();
    const { url } = await oidc.authorizationUrl();
    expect(new URL(url).searchParams.get('dpop_jkt')).toMatch(/^[\w-]{43}$/);
    const { tokens } = await loginWith(oidc, op, { callback: { userinfo: true } });
    expect(tokens.token_type).toBe('DPoP');
    const { header, claims } = proofOf(op.last('token'));
    expect(header).toEqual({ typ: 'dpop+jwt', alg: 'ES256', jwk: { kty: 'EC', crv: 'P-256', x: any43, y: any43 } });
    expect(claims).toEqual({ jti: anyUuid, htm: 'POST', htu: op.url('token'), iat: 1_800_000_000 });
    expect(op.last('userinfo').headers.authorization).toBe(`DPoP ${tokens.access_token}`);
    expect(op.last('userinfo').notes['proof']).toMatchObject({ jkt: tokens.dpop_key?.jkt });
  });

  it('DPOP-48 two logins have two keys, and nobody prints one', async () => {
    const { op, oidc } = await setUp();
    const [alice, bob] = [(await loginWith(oidc, op)).tokens, (await loginWith(oidc, op)).tokens];
    expect(alice.dpop_key?.jkt).not.toBe(bob.dpop_key?.jkt);
    const secret = String(alice.dpop_key?.toJwk()['d']);
    expect(secret).toMatch(/^[\w-]{43}$/);
    const options = { depth: 9, showHidden: true };
    expect(inspect(alice, options) + JSON.stringify(alice) + inspect(alice.dpop_key, options)).not.toContain(secret);
    expect(JSON.stringify(alice.dpop_key)).not.toContain(secret);
  });

  it('DPOP-49 each sending has a proof of its own, a second try too', async () => {
    const { op, oidc } = await setUp();
    const { tokens } = await loginWith(oidc, op);
    op.answer('userinfo', 'reset', { times: 1 });
    expect(await oidc.userinfo(tokens, 'alice')).toMatchObject({ sub: 'alice' });
    const sent = [...op.requests('token'), ...op.requests('userinfo')].map((request) => proofOf(request).claims['jti']);
    expect(sent).toHaveLength(3);
    expect(new Set(sent).size).toBe(3);
  });

  it('the server’s nonce is sent back at once, and from then on', async () => {
    const { op, oidc } = await setUp({ grant_types: ['client_credentials'] });
    op.answer('token', NONCE, { times: 1 });
    expect((await oidc.clientCredentials()).token_type).toBe('DPoP');
    expect(op.requests('token').map((request) => proofOf(request).claims['nonce'])).toEqual([
      undefined,
      'of-the-server',
    ]);
    op.answer('token', async (_request, next) => ({ ...(await next()), headers: { 'dpop-nonce': 'the-next' } }));
    await oidc.clientCredentials();
    await oidc.clientCredentials();
    const nonces = op.requests('token').map((request) => proofOf(request).claims['nonce']);
    expect(nonces.slice(2)).toEqual(['of-the-server', 'the-next']);
  });

  it('a server that asks for nonces without end is asked twice', async () => {
    const { op, oidc } = await setUp();
    op.answer('token', NONCE);
    expect(await rejection(oidc.clientCredentials())).toMatchObject({ name: 'OAuthError', error: 'use_dpop_nonce' });
    expect(op.count('token')).toBe(2);
  });

  it.each([
    ['none', {}],
    ['one with a quote', { 'dpop-nonce': 'a"b' }],
    ['one without end', { 'dpop-nonce': 'n'.repeat(600) }],
  ])('a nonce that is %s is not sent back', async (_what, headers) => {
    const { op, oidc } = await setUp();
    op.answer('token', { ...NONCE, headers });
    expect(await rejection(oidc.clientCredentials())).toMatchObject({ error: 'use_dpop_nonce' });
    const nonces = op.requests('token').map((request) => proofOf(request).claims['nonce']);
    expect(nonces.every((nonce) => nonce === undefined)).toBe(true);
  });

  it('F12 F18 a code is sent once more with the nonce, and with a new proof and a new assertion', async () => {
    const key = generateKey('P-256');
    const { op, oidc } = await setUp({
      client_secret: undefined as never,
      jwks: { keys: [privateJwk(key) as never] },
      token_endpoint_auth_method: 'private_key_jwt',
    });
    op.answer('token', NONCE, { times: 1 });
    const { url, transaction } = await oidc.authorizationUrl();
    const request = Object.fromEntries(new URL(url).searchParams);
    const code = op.issueCode('rp1', request);
    const parameters = new Map([
      ['code', code],
      ['state', transaction.state],
      ['iss', op.issuer],
    ]);
    const { tokens } = await oidc.callback(parameters, transaction);
    const [first, second] = op.requests('token');
    expect(op.count('token')).toBe(2);
    expect([first, second].map((sent) => [sent?.form['code'], proofOf(sent).claims['nonce']])).toEqual([
      [code, undefined],
      [code, 'of-the-server'],
    ]);
    expect(proofOf(first).claims['jti']).not.toBe(proofOf(second).claims['jti']);
    const [one, other] = [first, second].map((sent) => decodeJwt(String(sent?.form['client_assertion'])).claims['jti']);
    expect(one).toMatch(/^[\w-]{36}$/);
    expect(one).not.toBe(other);
    expect([tokens.dpop_key?.jkt, second?.notes['proof']]).toEqual([
      request['dpop_jkt'],
      expect.objectContaining({ jkt: request['dpop_jkt'] }),
    ]);
  });

  it('an assertion is made anew where the request is', async () => {
    const key = generateKey('P-256');
    const { op, oidc } = await setUp({
      client_secret: undefined as never,
      jwks: { keys: [privateJwk(key) as never] },
      token_endpoint_auth_method: 'private_key_jwt',
    });
    op.answer('token', NONCE, { times: 1 });
    await oidc.clientCredentials();
    const [first, second] = op.requests('token').map(({ form }) => form['client_assertion']);
    expect(first).toMatch(/^eyJ/);
    expect(second).toMatch(/^eyJ/);
    expect(second).not.toBe(first);
  });

  it('userinfo that wants a nonce gets one', async () => {
    const { op, oidc } = await setUp();
    const { tokens } = await loginWith(oidc, op);
    const headers = { 'dpop-nonce': 'of-userinfo', 'www-authenticate': 'DPoP error="use_dpop_nonce", algs="ES256"' };
    op.answer('userinfo', { status: 401, headers, body: {} }, { times: 1 });
    expect(await oidc.userinfo(tokens, 'alice')).toMatchObject({ sub: 'alice' });
    expect(proofOf(op.last('userinfo')).claims['nonce']).toBe('of-userinfo');
  });

  it('a refresh proves the key of the session, or has one of its own', async () => {
    const { op, oidc } = await setUp();
    const { tokens } = await loginWith(oidc, op, OFFLINE);
    const { dpop_key } = tokens;
    const renewed = await oidc.refresh(String(tokens.refresh_token), { dpop_key });
    expect(renewed.dpop_key?.jkt).toBe(dpop_key?.jkt);
    const other = await oidc.refresh(String(renewed.refresh_token));
    expect(other.dpop_key?.jkt).not.toBe(dpop_key?.jkt);
    expect(op.last('token').notes['proof']).toMatchObject({ jkt: other.dpop_key?.jkt });
  });

  it.each(['Bearer', 'bearer', 'N_A'])('a token of type %s is refused', async (token_type) => {
    const { op, oidc } = await setUp();
    op.tokenResponse((members) => ({ ...members, token_type }));
    expect(await rejection(loginWith(oidc, op))).toMatchObject({ code: 'TOKEN_RESPONSE_INVALID' });
  });

  it('the code of a login is good for its key only', async () => {
    const { op, oidc } = await setUp();
    const { url, transaction } = await oidc.authorizationUrl();
    const code = op.issueCode('rp1', Object.fromEntries(new URL(url).searchParams));
    const { dpop_jwk: _, ...stolen } = transaction;
    const parameters = new Map([
      ['code', code],
      ['state', transaction.state],
      ['iss', op.issuer],
    ]);
    expect(await rejection(oidc.callback(parameters, stolen))).toMatchObject({ error: 'invalid_grant' });
  });

  it.each([
    [['RS256', 'EdDSA'], 'EdDSA', { kty: 'OKP', crv: 'Ed25519', x: expect.stringMatching(/^[\w-]{43}$/) }],
    [['PS256'], 'PS256', { kty: 'RSA', e: 'AQAB', n: expect.stringMatching(/^[\w-]{342}$/) }],
  ])('the algorithm is one that the server takes: %j', async (supported, alg, jwk) => {
    const { op, oidc } = await setUp();
    op.discovery((document) => ({ ...document, dpop_signing_alg_values_supported: supported }));
    await oidc.clientCredentials();
    expect(proofOf(op.last('token')).header).toEqual({ typ: 'dpop+jwt', alg, jwk });
  });

  it('a server that takes no proof of ours is not asked', async () => {
    const { op, oidc } = await setUp();
    op.discovery((document) => ({ ...document, dpop_signing_alg_values_supported: ['ES256K'] }));
    const error = { code: 'INVALID_CONFIG', member: 'client.dpop_bound_access_tokens' };
    expect(await rejection(oidc.clientCredentials())).toMatchObject(error);
    expect(op.count('token')).toBe(0);
  });

  it('the clock that signs is the client’s, with its skew', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op, { metadata: BOUND, settings: { skew: -10.5 } });
    await oidc.clientCredentials();
    expect(proofOf(op.last('token')).claims['iat']).toBe(1_799_999_989);
  });

  it('an API is called with a proof for it, whose URL has no query', async () => {
    const { op, oidc } = await setUp();
    const { tokens } = await loginWith(oidc, op);
    const headers = await headersFor(oidc, tokens, 'https://api.test/orders?page=2#top');
    expect(headers['authorization']).toBe(`DPoP ${tokens.access_token}`);
    const { claims } = proofOf({ headers });
    expect(claims).toMatchObject({ htm: 'GET', htu: 'https://api.test/orders', nonce: 'n' });
    expect(claims['ath']).toMatch(/^[\w-]{43}$/);
    const again = await headersFor(oidc, tokens, 'https://api.test/orders');
    expect(proofOf({ headers: again }).claims['jti']).not.toBe(claims['jti']);
  });
});

it('without, tokens are bearer tokens', async () => {
  const op = await startProvider();
  const { oidc } = clientOf(op);
  const { tokens } = await loginWith(oidc, op);
  expect(tokens.dpop_key).toBeUndefined();
  expect(op.last('token').headers).not.toHaveProperty('dpop');
  expect(await headersFor(oidc, tokens, 'https://api.test/orders')).toEqual({
    authorization: `Bearer ${tokens.access_token}`,
  });
  op.tokenResponse((members) => ({ ...members, token_type: 'DPoP' }));
  expect(await rejection(loginWith(oidc, op))).toMatchObject({ code: 'TOKEN_RESPONSE_INVALID' });
});

const any43 = expect.stringMatching(/^[\w-]{43}$/);
const anyUuid = expect.stringMatching(/^[\da-f-]{36}$/);

function headersFor(oidc: Awaited<ReturnType<typeof setUp>>['oidc'], tokens: LoginTokens, url: string) {
  return oidc.authorizationHeaders(tokens, { method: 'GET', url, nonce: 'n' });
}
