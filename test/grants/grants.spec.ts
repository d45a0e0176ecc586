import { inspect } from 'node:util';

import { describe, expect, it } from '@jest/globals';

import type { ClientCredentialsOptions } from '../../lib/grants/client-credentials.js';
import { clientOf, loginWith, rejection } from '../support/client/client.js';
import type { JwtFault } from '../support/provider/hostile-provider.js';
import { startProvider } from '../support/provider/provider.js';

const OFFLINE = { request: { scope: 'openid offline_access' } };

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

it('TOK-09 a login whose tokens are bound to a key takes no bearer token', async () => {
  const op = await startProvider();
  const { oidc } = clientOf(op, { metadata: { dpop_bound_access_tokens: true } });
  op.tokenResponse((body) => ({ ...body, token_type: 'Bearer' }));
  expect(await rejection(loginWith(oidc, op))).toMatchObject({ code: 'TOKEN_RESPONSE_INVALID' });
  expect(op.count('userinfo')).toBe(0);
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
