import { createHash } from 'node:crypto';

import { expect, it } from '@jest/globals';
import { compactDecrypt } from 'jose';

import { withoutSecrets } from '../../lib/authorization-server/sent-secrets.js';
import type { OidcClient } from '../../lib/client/oidc-client.js';
import type { ClientMetadata } from '../../lib/metadata/client-metadata.js';
import { decodeJwt, keyOf, privateJwk } from '../../lib/testing/provider/keys.js';
import { clientOf, rejection } from '../support/client/client.js';
import { CLIENT_SECRET, startProvider } from '../support/provider/provider.js';

it.each<[string, string, readonly string[], string]>([
  ['a secret', 'no code abc here', ['abc'], 'no code [secret] here'],
  ['a secret that is a part of another', 'abcdef abc', ['abc', 'abcdef'], '[secret] [secret]'],
  ['a secret that stands in the mask', 'the secret e', ['secret', 'e'], 'th[secret] [secret] [secret]'],
  ['a secret as it is in a form', 'a+b%2F', ['a b/'], '[secret]'],
  ['nothing', 'text', ['', 'other'], 'text'],
])('masks %s', (_what, text, secrets, masked) => expect(withoutSecrets(text, secrets)).toBe(masked));

const CIBA: Partial<ClientMetadata> = {
  backchannel_token_delivery_mode: 'ping',
  backchannel_client_notification_endpoint: 'https://app.test/auth/backchannel-notification',
  backchannel_user_code_parameter: true,
};

it.each<[string, string, readonly string[], (oidc: OidcClient) => Promise<unknown>]>([
  [
    'token exchange',
    'token',
    ['subject_token', 'actor_token'],
    (oidc) => oidc.exchangeToken({ subject_token: 'a-subject', actor_token: 'an-actor' }),
  ],
  ['JWT bearer grant', 'token', ['assertion'], (oidc) => oidc.jwtBearer({ assertion: 'a.b.c' })],
  [
    'password grant',
    'token',
    ['username', 'password'],
    (oidc) => oidc.grant('password', { username: 'alice@app.test', password: 'opensesame' }),
  ],
  [
    'device grant',
    'token',
    ['device_code'],
    async (oidc) => (await oidc.deviceAuthorization({ scope: 'openid' })).tokens(),
  ],
  [
    'backchannel authentication',
    'backchannel-authentication',
    ['login_hint_token', 'user_code', 'client_notification_token'],
    (oidc) => oidc.backchannelAuthentication({ login_hint_token: 'a-hint', user_code: '4711' }),
  ],
  [
    'CIBA grant',
    'token',
    ['auth_req_id'],
    async (oidc) => (await oidc.backchannelAuthentication({ login_hint: 'alice@app.test' })).tokens(),
  ],
])('masks what a %s sent', async (_what, endpoint, members, call) => {
  const op = await startProvider();
  const { oidc } = clientOf(op, { metadata: CIBA, wait: async () => undefined });
  const repeated: string[] = [];
  op.answer(endpoint, ({ form }) => {
    repeated.push(...members.map((member) => String(form[member])));
    return { status: 400, body: { error: 'invalid_grant', error_description: repeated.join(' ') } };
  });
  const error = await rejection(call(oidc));
  expect(repeated).not.toContain('undefined');
  expect(error).toMatchObject({ error_description: members.map(() => '[secret]').join(' ') });
});

const KEY = keyOf('P-256', 'rp1');
const SIGNED: Partial<ClientMetadata> = {
  jwks: { keys: [JSON.parse(JSON.stringify(privateJwk(KEY, { alg: 'ES256' })))] },
  require_pushed_authorization_requests: true,
  request_object_signing_alg: 'ES256',
};

it.each<[string, Partial<ClientMetadata>, string, readonly string[], (oidc: OidcClient) => Promise<unknown>]>([
  [
    'signed authorization request',
    SIGNED,
    'par',
    ['state', 'nonce', 'login_hint'],
    (oidc) => oidc.authorizationUrl({ parameters: { login_hint: 'alice@app.test' } }),
  ],
  [
    'encrypted authorization request',
    { ...SIGNED, request_object_encryption_alg: 'dir', request_object_encryption_enc: 'A128CBC-HS256' },
    'par',
    ['state', 'nonce', 'login_hint'],
    (oidc) => oidc.authorizationUrl({ parameters: { login_hint: 'alice@app.test' } }),
  ],
  [
    'signed backchannel authentication',
    { ...CIBA, jwks: SIGNED.jwks, backchannel_authentication_request_signing_alg: 'ES256' },
    'backchannel-authentication',
    ['login_hint', 'user_code', 'client_notification_token'],
    (oidc) => oidc.backchannelAuthentication({ login_hint: 'alice@app.test', user_code: '4711' }),
  ],
])('INJ-13 masks what stood in the JWT of a %s', async (_what, metadata, endpoint, members, call) => {
  const op = await startProvider();
  const { oidc } = clientOf(op, { metadata });
  const repeated: string[] = [];
  op.answer(endpoint, async ({ form }) => {
    const claims = await claimsIn(String(form['request']));
    repeated.push(...members.map((member) => String(claims[member])));
    return { status: 400, body: { error: 'invalid_request', error_description: repeated.join(' ') } };
  });
  const error = await rejection(call(oidc));
  expect(repeated).not.toContain('undefined');
  expect(error).toMatchObject({ error_description: members.map(() => '[secret]').join(' ') });
});

/** The claims of a JWT, which may be encrypted by the client's secret. */
async function claimsIn(jwt: string): Promise<Readonly<Record<string, unknown>>> {
  const jws =
    jwt.split('.').length === 3
      ? jwt
      : (await compactDecrypt(jwt, createHash('sha256').update(CLIENT_SECRET).digest())).plaintext;
  return decodeJwt(Buffer.from(jws).toString()).claims;
}
