import { createHash } from 'node:crypto';
import { inspect } from 'node:util';

import { describe, expect, it } from '@jest/globals';

import type { ClientCredentialsOptions } from '../../lib/grants/grants.js';
import { AUDIENCE } from '../support/app/apps.js';
import { clientOf, loginWith, REDIRECT_URI, rejection } from '../support/client/client.js';
import type { JwtFault } from '../support/provider/hostile-provider.js';
import { startProvider } from '../support/provider/provider.js';

const OFFLINE = { request: { scope: 'openid offline_access' } };

describe('the authorization request', () => {
  it('B1 B2 B3 B4 has what the code flow needs, and nothing else', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op);
    const { url, transaction } = await oidc.authorizationUrl();
    const parameters = Object.fromEntries(new URL(url).searchParams);
    expect(parameters).toEqual({
      client_id: 'rp1',
      response_type: 'code',
      redirect_uri: REDIRECT_URI,
      scope: 'openid',
      state: transaction.state,
      nonce: transaction.nonce,
      code_challenge: createHash('sha256').update(transaction.code_verifier).digest('base64url'),
      code_challenge_method: 'S256',
    });
    expect(transaction).toMatchObject({ issuer: op.issuer, redirect_uri: REDIRECT_URI, started_at: op.clock.now() });
  });

  it('TXN-13 TXN-14 never says the same twice', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op);
    const values = new Set<string>();
    const rounds = 34_000;
    for (let count = 0; count < rounds; count += 1) {
      const { transaction } = await oidc.authorizationUrl();
      [transaction.state, transaction.nonce, transaction.code_verifier].forEach((value) => values.add(value));
    }
    expect(values.size).toBe(3 * rounds);
    expect([...values].every((value) => /^[\w-]{43}$/.test(value))).toBe(true);
  });

  it('B5 has the scope, the age and the strength that are registered or asked for', async () => {
    const op = await startProvider();
    const metadata = { scope: 'openid email', default_max_age: 600, default_acr_values: ['gold', 'silver'] };
    const { oidc } = clientOf(op, { metadata });
    const parametersOf = async (options = {}) =>
      Object.fromEntries(new URL((await oidc.authorizationUrl(options)).url).searchParams);
    expect(await parametersOf()).toMatchObject({ scope: 'openid email', max_age: '600', acr_values: 'gold silver' });
    expect(await parametersOf({ scope: 'openid phone', max_age: 60 })).toMatchObject({
      scope: 'openid phone',
      max_age: '60',
    });
    expect(await parametersOf({ max_age: 6000 })).toMatchObject({ max_age: '600' });
    const parameters = { acr_values: 'bronze', prompt: 'login', audience: AUDIENCE };
    expect(await parametersOf({ parameters, response_mode: 'form_post' })).toMatchObject({
      ...parameters,
      response_mode: 'form_post',
    });
  });

  it.each([
    ['orders:read email', 'openid orders:read email'],
    ['orders:openid', 'openid orders:openid'],
    ['email openid', 'email openid'],
  ])('asks for openid beside the registered scope %s', async (registered, scope) => {
    const { oidc } = clientOf(await startProvider(), { metadata: { scope: registered } });
    const { url, transaction } = await oidc.authorizationUrl();
    expect([new URL(url).searchParams.get('scope'), transaction.scope]).toEqual([scope, scope]);
  });

  it.each<[string, object, string]>([
    ['B7 of age 0 with prompt=none', { max_age: 0, parameters: { prompt: 'none' } }, 'parameters.prompt'],
    ['that sets the state', { parameters: { state: 'x' } }, 'parameters.state'],
    ['B8 with a request object', { parameters: { request: 'x' } }, 'parameters.request'],
    ['to a URI that is not registered', { redirect_uri: 'https://evil.test' }, 'client.redirect_uris'],
    ['without openid', { scope: 'email' }, 'login.scope'],
  ])('is not made %s', async (_what, options, member) => {
    const { oidc } = clientOf(await startProvider());
    expect(await rejection(oidc.authorizationUrl(options))).toMatchObject({ name: 'ConfigError', member });
  });
});

describe('a refresh', () => {
  const claims = (change: object): JwtFault => ({ claims: (all) => ({ ...all, ...change }) });

  it('E12 REFR-09 brings new tokens, or keeps the refresh token', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op);
    const { tokens, idToken } = await loginWith(oidc, op, OFFLINE);
    const renewed = await oidc.refresh(String(tokens.refresh_token), { claims: idToken.claims });
    expect(renewed.access_token).not.toBe(tokens.access_token);
    expect(renewed.refresh_token).not.toBe(tokens.refresh_token);
    op.tokenResponse(({ refresh_token: _, id_token: _idToken, ...body }) => body);
    const again = await oidc.refresh(String(renewed.refresh_token));
    expect([again.refresh_token, again.id_token]).toEqual([renewed.refresh_token, undefined]);
    expect(op.last('token').form).toEqual({ grant_type: 'refresh_token', refresh_token: renewed.refresh_token });
  });

  it.each<[string, object, string]>([
    ['E13 REFR-01 another end-user', { sub: 'mallory' }, 'SUB_MISMATCH'],
    ['E13 REFR-02 another issuer', { iss: 'https://evil.test' }, 'ISS_MISMATCH'],
    ['REFR-02 another audience', { aud: 'rp2' }, 'AUD_MISMATCH'],
    ['REFR-02 another authentication', { auth_time: 1_799_999_999 }, 'AUTH_TIME_MISMATCH'],
    ['REFR-03 another nonce', { nonce: 'other' }, 'NONCE_MISMATCH'],
    ['another access token', { at_hash: 'AAAAAAAAAAAAAAAAAAAAAA' }, 'AT_HASH_MISMATCH'],
  ])('tells of %s and is refused', async (_what, change, code) => {
    const op = await startProvider();
    const { oidc } = clientOf(op, { metadata: { require_auth_time: true } });
    const { tokens, idToken } = await loginWith(oidc, op, OFFLINE);
    op.idToken(claims(change));
    const refreshed = oidc.refresh(String(tokens.refresh_token), { claims: idToken.claims });
    expect(await rejection(refreshed)).toMatchObject({ name: 'VerificationError', code });
  });

  it('REFR-03 with the same nonce is good', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op);
    const { tokens, idToken } = await loginWith(oidc, op, OFFLINE);
    op.idToken(claims({ nonce: idToken.claims['nonce'] }));
    expect((await oidc.refresh(String(tokens.refresh_token), { claims: idToken.claims })).token_type).toBe('Bearer');
  });

  it('REFR-07 REFR-10 is refused in the server’s words, and may narrow the scope', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op);
    const { tokens } = await loginWith(oidc, op, OFFLINE);
    expect((await oidc.refresh(String(tokens.refresh_token), { scope: 'openid' })).scope).toBe('openid');
    expect(op.last('token').form['scope']).toBe('openid');
    const error = await rejection(oidc.refresh('spent'));
    expect(error).toMatchObject({ name: 'OAuthError', code: 'OP_ERROR', error: 'invalid_grant' });
    expect(op.count('token')).toBe(3);
  });
});

it.each<[string, ClientCredentialsOptions | undefined, string | undefined]>([
  ['the registered scope', undefined, 'orders:read orders:write'],
  ['another scope', { scope: 'orders:read' }, 'orders:read'],
  ['another scope among the parameters', { parameters: { scope: 'orders:write' } }, 'orders:write'],
  ['no scope', { scope: '' }, undefined],
])('the client’s own tokens are asked for with %s', async (_what, options, scope) => {
  const op = await startProvider();
  const { oidc } = clientOf(op, { metadata: { scope: 'orders:read orders:write' } });
  op.tokenResponse(({ scope: _, ...body }) => body);
  expect((await oidc.clientCredentials(options)).scope).toBe(scope ?? '');
  expect(op.last('token').form['scope']).toBe(scope);
});

it('a grant that is not registered is not used', async () => {
  const op = await startProvider();
  const { oidc } = clientOf(op, { metadata: { grant_types: ['authorization_code'] } });
  expect(await rejection(oidc.clientCredentials())).toMatchObject({
    code: 'INVALID_CONFIG',
    member: 'client.grant_types',
  });
  expect(op.count()).toBe(0);
});

it('tokens are read by name, and printed by nobody', async () => {
  const op = await startProvider();
  const { oidc } = clientOf(op);
  const { tokens } = await loginWith(oidc, op, OFFLINE);
  const printed = inspect(tokens, { depth: 9, showHidden: true }) + JSON.stringify(tokens) + String(tokens);
  for (const token of [tokens.access_token, tokens.id_token, tokens.refresh_token]) {
    expect(token).toMatch(/./);
    expect(printed).not.toContain(String(token));
  }
});

describe('userinfo', () => {
  const SIGNED = { userinfo_signed_response_alg: 'ES256' };
  const ask = async (
    metadata: object,
    prepare: (op: Awaited<ReturnType<typeof startProvider>>) => void = () => undefined,
  ) => {
    const op = await startProvider();
    const { oidc } = clientOf(op, { metadata });
    const { tokens } = await loginWith(oidc, op);
    prepare(op);
    return oidc.userinfo(tokens.access_token, 'alice');
  };

  it('F4 signed, as registered, is verified', async () => {
    expect(await ask(SIGNED)).toMatchObject({ sub: 'alice', name: 'Alice' });
  });

  it.each<[string, object, Parameters<typeof ask>[1], string]>([
    ['UI-06 is JSON where it must be signed', SIGNED, (op) => op.userinfo({ as: 'json' }), 'SIGNED_USERINFO_REQUIRED'],
    ['UI-07 is signed by a stranger', SIGNED, (op) => op.userinfo({ sign: 'stranger' }), 'SIGNATURE_INVALID'],
    [
      'UI-07 is unsigned',
      SIGNED,
      (op) => op.userinfo({ header: (h) => ({ ...h, alg: 'none' }), sign: 'none' }),
      'ALG_NOT_ALLOWED',
    ],
    [
      'UI-08 is an ID token',
      SIGNED,
      (op) => op.userinfo({ claims: (c) => ({ ...c, nonce: 'n' }) }),
      'UNEXPECTED_CLAIM',
    ],
    [
      'UI-08 has an ID token’s hash',
      SIGNED,
      (op) => op.userinfo({ claims: (c) => ({ ...c, at_hash: 'h' }) }),
      'UNEXPECTED_CLAIM',
    ],
    ['is for another client', SIGNED, (op) => op.userinfo({ claims: (c) => ({ ...c, aud: 'rp2' }) }), 'AUD_MISMATCH'],
    ['is of no issuer', SIGNED, (op) => op.userinfo({ claims: ({ iss: _, ...c }) => c }), 'ISS_MISMATCH'],
    [
      'UI-01 is about somebody else',
      SIGNED,
      (op) => op.userinfo({ claims: (c) => ({ ...c, sub: 'victim' }) }),
      'SUB_MISMATCH',
    ],
  ])('that %s is refused', async (_what, metadata, prepare, code) => {
    expect(await rejection(ask(metadata, prepare))).toMatchObject({ code });
  });

  it('that comes signed unasked is verified by the server’s list, and refused without one', async () => {
    expect(await ask({}, (op) => op.userinfo({ as: 'jwt' }))).toMatchObject({ sub: 'alice' });
    const op = await startProvider();
    const { oidc } = clientOf(op);
    op.discovery(({ userinfo_signing_alg_values_supported: _, ...document }) => document);
    op.userinfo({ as: 'jwt' });
    const { tokens } = await loginWith(oidc, op);
    expect(await rejection(oidc.userinfo(tokens.access_token, 'alice'))).toMatchObject({ code: 'ALG_NOT_ALLOWED' });
  });
});

describe('the end of a session', () => {
  it('H1 is at the provider, with the ID token, and comes back where that is registered', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op, { metadata: { post_logout_redirect_uris: ['https://app.test/bye'] } });
    const url = new URL(String(await oidc.endSessionUrl({ id_token_hint: 'hint', state: 's' })));
    expect(url.origin + url.pathname).toBe(op.url('end-session'));
    expect(Object.fromEntries(url.searchParams)).toEqual({
      client_id: 'rp1',
      id_token_hint: 'hint',
      post_logout_redirect_uri: 'https://app.test/bye',
      state: 's',
    });
    const elsewhere = { post_logout_redirect_uri: 'https://evil.test' };
    expect(await rejection(oidc.endSessionUrl(elsewhere))).toMatchObject({ name: 'ConfigError' });
  });

  it('is nowhere, where the provider has no such endpoint', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op);
    op.discovery(({ end_session_endpoint: _, ...document }) => document);
    expect(await oidc.endSessionUrl()).toBeUndefined();
  });
});
