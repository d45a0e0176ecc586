import { expect, it } from '@jest/globals';

import { clientOf, loginWith, rejection } from '../support/client/client.js';
import type { JwtFault, Members } from '../support/provider/hostile-provider.js';
import { startProvider } from '../support/provider/provider.js';

/** A login, and what is needed to refresh it. */
async function loggedIn() {
  const op = await startProvider();
  const { oidc } = clientOf(op);
  const { tokens, idToken } = await loginWith(oidc, op, { request: { scope: 'openid offline_access', max_age: 600 } });
  op.clock.advance(60);
  return { op, refresh: () => oidc.refresh(tokens.refresh_token!, { claims: idToken.claims }), claims: idToken.claims };
}

const withMembers = (members: Members) => (claims: Members) => ({ ...claims, ...members });

it('E13 a refreshed ID token that continues the login is accepted, without a nonce', async () => {
  const { op, refresh } = await loggedIn();
  const tokens = await refresh();
  expect(tokens.id_token).toEqual(expect.any(String));
  expect([op.count('token'), op.count('jwks')]).toEqual([2, 1]);
});

it('REFR-03 the nonce of the login may come again', async () => {
  const { op, refresh, claims } = await loggedIn();
  op.idToken({ claims: withMembers({ nonce: claims['nonce'] }) });
  await expect(refresh()).resolves.toMatchObject({ token_type: 'Bearer' });
});

it('REFR-03 a nonce is taken where nobody kept the login’s claims', async () => {
  const op = await startProvider();
  const { oidc } = clientOf(op);
  const { tokens } = await loginWith(oidc, op, { request: { scope: 'openid offline_access' } });
  op.idToken({ claims: withMembers({ nonce: 'x' }) });
  await expect(oidc.refresh(tokens.refresh_token!)).resolves.toMatchObject({ token_type: 'Bearer' });
});

it('REFR-02 nothing else is taken without the login’s claims', async () => {
  const op = await startProvider();
  const { oidc } = clientOf(op);
  const { tokens } = await loginWith(oidc, op, { request: { scope: 'openid offline_access' } });
  op.idToken({ claims: withMembers({ aud: 'rp2', nonce: 'x' }) });
  expect(await rejection(oidc.refresh(tokens.refresh_token!))).toMatchObject({ code: 'AUD_MISMATCH' });
});

it('names what is missing where there is no refresh token', async () => {
  const op = await startProvider();
  const { oidc } = clientOf(op);
  const tokens = await oidc.clientCredentials();
  const missing =
    'refreshToken: is missing: the token response has no refresh_token (ask for the scope offline_access)';
  for (const given of [tokens.refresh_token, tokens, null]) {
    const error = await rejection(Reflect.apply(oidc.refresh, oidc, [given]));
    expect(error).toMatchObject({ name: 'ConfigError', member: 'refreshToken', message: missing });
  }
  expect(op.count('token')).toBe(1);
});

it('E12 is sent with the tokens that it came with, whose ID token a new one continues', async () => {
  const op = await startProvider();
  const { oidc } = clientOf(op);
  const { tokens } = await loginWith(oidc, op, { request: { scope: 'openid offline_access' } });
  const renewed = await oidc.refresh(tokens);
  expect(op.last('token').form).toMatchObject({ grant_type: 'refresh_token', refresh_token: tokens.refresh_token });
  expect(renewed.access_token).not.toBe(tokens.access_token);
  op.idToken({ claims: withMembers({ sub: 'mallory' }) });
  expect(await rejection(oidc.refresh(renewed))).toMatchObject({ code: 'SUB_MISMATCH' });
});

it('keeps the ID token and the scope where the answer has neither', async () => {
  const op = await startProvider();
  const { oidc } = clientOf(op);
  const { tokens } = await loginWith(oidc, op, { request: { scope: 'openid offline_access' } });
  op.tokenResponse(({ id_token, scope, ...members }) => members);
  const renewed = await oidc.refresh(tokens);
  expect([renewed.id_token, renewed.scope]).toEqual([tokens.id_token, 'openid offline_access']);
});

it('REFR-02 auth_time may be left out', async () => {
  const { op, refresh } = await loggedIn();
  op.idToken({ claims: withMembers({ auth_time: undefined }) });
  await expect(refresh()).resolves.toMatchObject({ token_type: 'Bearer' });
});

it.each<[string, JwtFault, string]>([
  ['E13 REFR-02 another issuer', { claims: (c) => ({ ...c, iss: `${String(c['iss'])}1` }) }, 'ISS_MISMATCH'],
  ['E13 REFR-01 another subject', { claims: withMembers({ sub: 'alice1' }) }, 'SUB_MISMATCH'],
  ['REFR-01 no subject', { claims: withMembers({ sub: undefined }) }, 'CLAIM_MISSING'],
  ['REFR-02 another audience', { claims: withMembers({ aud: 'rp2' }) }, 'AUD_MISMATCH'],
  ['REFR-02 another authentication', { claims: withMembers({ auth_time: 1_800_000_001 }) }, 'AUTH_TIME_MISMATCH'],
  ['REFR-03 another nonce', { claims: withMembers({ nonce: 'x' }) }, 'NONCE_MISMATCH'],
  ['another access token', { claims: withMembers({ at_hash: 'AAAAAAAAAAAAAAAAAAAAAA' }) }, 'AT_HASH_MISMATCH'],
  ['nobody’s signature', { sign: 'none' }, 'SIGNATURE_INVALID'],
  ['iat of the login, eleven minutes old', { claims: withMembers({ iat: 1_799_999_400 }) }, 'TOO_OLD'],
])('%s in a refreshed ID token is refused, and userinfo is not asked', async (_what, fault, code) => {
  const { op, refresh } = await loggedIn();
  op.idToken(fault);
  expect(await rejection(refresh())).toMatchObject({ name: 'VerificationError', code });
  expect([op.count('token'), op.count('userinfo')]).toEqual([2, 0]);
});

it('REFR-02 an audience that the login had and the refresh lacks is refused', async () => {
  const op = await startProvider();
  const { oidc } = clientOf(op);
  const trustedAudiences = ['https://api.test'];
  op.idToken({ claims: withMembers({ aud: ['rp1', 'https://api.test'], azp: 'rp1' }) });
  const { tokens, idToken } = await loginWith(oidc, op, {
    request: { scope: 'openid offline_access' },
    callback: { trustedAudiences },
  });
  op.reset();
  const options = { claims: idToken.claims, trustedAudiences };
  expect(await rejection(oidc.refresh(tokens.refresh_token!, options))).toMatchObject({ code: 'AUD_MISMATCH' });
});
