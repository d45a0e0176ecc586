import { expect, it } from '@jest/globals';

import { createApp, type TestApp } from '../support/app/apps.js';
import { expectBadToken, expectNoSecrets } from '../support/app/outcomes.js';
import type { Members } from '../support/provider/hostile-provider.js';
import { jwtAccessToken, type JwtAccessTokenOptions } from '../support/tokens/access-token.js';

const boot = (resourceServer: object = {}) =>
  createApp({
    adapter: 'express',
    options: { resourceServer: { audience: ['https://api.test', 'https://api2.test'], ...resourceServer } },
  });

/** The line of the last refusal, with the provider's issuer as OP. */
const lineOf = (app: TestApp) =>
  app.logs
    .filter(({ level, text }) => level === 'debug' && text.includes('TOKEN_'))
    .at(-1)
    ?.text.replaceAll(app.op.issuer, 'OP');

it.each<[string, Members, string]>([
  ['aud', { aud: 'https://other.test' }, 'aud="https://other.test" wanted="https://api.test https://api2.test"'],
  ['no aud', { aud: undefined }, 'wanted="https://api.test https://api2.test"'],
  ['a list for aud', { aud: ['a', 'b'] }, 'aud="a b" wanted="https://api.test https://api2.test"'],
  ['an aud of another type', { aud: [7] }, 'aud="[7]" wanted='],
  ['iss', { iss: 'https://op2.test' }, 'iss="https://op2.test" wanted="OP"'],
  ['typ', { token_type: undefined, typ: 'Refresh' }, 'typ="Refresh"'],
  ['token_type', { token_type: 'refresh_token' }, 'token_type="refresh_token"'],
  ['token_use', { token_use: 'id' }, 'token_type="Bearer" token_use="id"'],
  ['what a stranger wrote', { iss: 'a\nb\u001b[31m' }, 'iss="a\\nb\\u001b[31m"'],
])('tells the %s of an introspected token that was refused, and no sub', async (_what, members, facts) => {
  const app = await boot();
  const token = app.op.issue({ sub: 'alice-and-nobody-else', ...members });
  const response = await app.call('/orders', token);
  expectBadToken(app, response);
  expect(lineOf(app)).toContain(facts);
  expectNoSecrets(app, response, [token, 'alice-and-nobody-else']);
});

it.each<[string, JwtAccessTokenOptions, string]>([
  [
    'aud',
    { claims: { aud: 'https://other.test' } },
    'AUD_MISMATCH: The access token is meant for another audience. aud="https://other.test" wanted="https://api.test https://api2.test"',
  ],
  [
    'iss',
    { claims: { iss: 'https://op2.test' } },
    'ISS_MISMATCH: The access token names another issuer. iss="https://op2.test" wanted="OP"',
  ],
  ['typ', { header: { typ: 'JWT' } }, 'TYP_MISMATCH: The access token has another typ. typ="JWT" wanted="at+jwt"'],
  ['no typ', { header: { typ: undefined } }, 'TYP_MISMATCH: The access token has another typ. wanted="at+jwt"'],
])('tells the %s of a JWT that was refused, and no sub', async (_what, { claims, ...options }, line) => {
  const app = await boot({ validation: 'jwt' });
  const token = jwtAccessToken(app.op, { ...options, claims: { sub: 'alice-and-nobody-else', ...claims } });
  const response = await app.call('/orders', token);
  expectBadToken(app, response);
  expect(lineOf(app)).toContain(line);
  expectNoSecrets(app, response, [token, 'alice-and-nobody-else']);
});

it('tells the issuer that nobody trusts, and those that are', async () => {
  const app = await boot({ issuers: [{ issuer: 'https://op2.test' }] });
  expectBadToken(app, await app.call('/orders', jwtAccessToken(app.op, { claims: { iss: 'https://op3.test' } })));
  expect(lineOf(app)).toContain('iss="https://op3.test" wanted="OP https://op2.test"');
});

it('tells the marks of an ID token', async () => {
  const app = await boot();
  expectBadToken(app, await app.call('/orders', app.op.issue({ nonce: 'n-0S6_WzA2Mj', token_type: undefined })));
  expect(lineOf(app)).toContain('claims="nonce"');
});
