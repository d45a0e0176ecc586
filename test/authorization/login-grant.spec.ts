import { describe, expect, it } from '@jest/globals';

import type { ClientMetadata } from '../../lib/metadata/client-metadata.js';
import { VerifiedIdToken } from '../../lib/tokens/id-token.js';
import { answerTo, clientOf, rejection } from '../support/client/client.js';
import type { JwtFault, Members } from '../support/provider/hostile-provider.js';
import { startProvider } from '../support/provider/provider.js';

/** A login of a response type whose ID tokens are made wrong, and what became of it. */
async function loginAt(type: string, fault: JwtFault, metadata: Partial<ClientMetadata> = {}) {
  const op = await startProvider();
  op.idToken(fault);
  const { oidc, server } = clientOf(op, { metadata: { response_types: [type], ...metadata } });
  const { url, transaction } = await oidc.authorizationUrl();
  const answer = await answerTo(url);
  const end = () => oidc.callback(answer, transaction, { userinfo: type !== 'id_token' });
  return { op, server, transaction, answer, end };
}

const withClaims = (change: Members): JwtFault => ({ claims: (claims) => ({ ...claims, ...change }) });

/** Changes the ID token of one endpoint only. */
const at = (where: 'authorize' | 'token', change: Members): JwtFault => ({
  claims: (claims, { endpoint }) => (endpoint === where ? { ...claims, ...change } : claims),
});

const WITH_ID_TOKEN = ['id_token', 'id_token token', 'code id_token', 'code id_token token'];
const WITH_CODE = ['code id_token', 'code id_token token'];
const WITH_TOKEN = ['id_token token', 'code id_token token'];

describe('an ID token that came by the browser', () => {
  const everywhere = (types: readonly string[], what: string, fault: JwtFault, code: string) =>
    types.map((type): [string, string, JwtFault, string] => [what, type, fault, code]);

  it.each([
    ...everywhere(WITH_CODE, 'D11 another c_hash', withClaims({ c_hash: 'AAAA' }), 'C_HASH_MISMATCH'),
    ...everywhere(WITH_CODE, 'D11 a c_hash that is no text', withClaims({ c_hash: 1 }), 'C_HASH_MISMATCH'),
    ...everywhere(WITH_CODE, 'D11 no c_hash', withClaims({ c_hash: undefined }), 'CLAIM_MISSING'),
    ...everywhere(WITH_TOKEN, 'D12 another at_hash', withClaims({ at_hash: 'AAAA' }), 'AT_HASH_MISMATCH'),
    ...everywhere(WITH_TOKEN, 'D12 no at_hash', withClaims({ at_hash: undefined }), 'CLAIM_MISSING'),
    ...everywhere(WITH_ID_TOKEN, 'D14 another s_hash', withClaims({ s_hash: 'AAAA' }), 'S_HASH_MISMATCH'),
    ...everywhere(WITH_ID_TOKEN, 'D9 another nonce', withClaims({ nonce: 'other' }), 'NONCE_MISMATCH'),
    ...everywhere(WITH_ID_TOKEN, 'B2 D10 no nonce', withClaims({ nonce: undefined }), 'NONCE_MISSING'),
    ...everywhere(WITH_ID_TOKEN, 'D1 IDT-16 another iss', withClaims({ iss: 'https://evil.test' }), 'ISS_MISMATCH'),
    ...everywhere(WITH_ID_TOKEN, 'D1 IDT-16 no iss', withClaims({ iss: undefined }), 'ISS_MISMATCH'),
    ...everywhere(WITH_ID_TOKEN, 'D2 IDT-25 no sub', withClaims({ sub: undefined }), 'CLAIM_MISSING'),
    ...everywhere(WITH_ID_TOKEN, 'D3 IDT-18 another aud', withClaims({ aud: 'rp11' }), 'AUD_MISMATCH'),
    ...everywhere(WITH_ID_TOKEN, 'D6 IDT-28 an exp that is over', withClaims({ exp: 1 }), 'EXPIRED'),
    ...everywhere(WITH_ID_TOKEN, 'D7 IDT-32 no iat', withClaims({ iat: undefined }), 'CLAIM_MISSING'),
    ...everywhere(WITH_ID_TOKEN, 'D15 IDT-03 a stranger’s signature', { sign: 'stranger' }, 'SIGNATURE_INVALID'),
    ...everywhere(
      WITH_ID_TOKEN,
      'D18 no signature',
      { header: () => ({ alg: 'none' }), sign: 'none' },
      'ALG_NOT_ALLOWED',
    ),
    ...everywhere(
      WITH_ID_TOKEN,
      'IDT-39 no sub and no nonce',
      withClaims({ sub: undefined, nonce: undefined }),
      'CLAIM_MISSING',
    ),
  ])('with %s is refused in %s, and nothing more is sent', async (_what, type, fault, code) => {
    const { op, end } = await loginAt(type, fault);
    expect(await rejection(end())).toMatchObject({ name: 'VerificationError', code });
    expect([op.count('token'), op.count('userinfo')]).toEqual([0, 0]);
  });

  it.each(WITH_ID_TOKEN)('is checked against max_age in %s', async (type) => {
    const { end } = await loginAt(type, withClaims({ auth_time: undefined }), { default_max_age: 60 });
    expect(await rejection(end())).toMatchObject({ code: 'AUTH_TIME_MISSING' });
  });

  it.each(['RS256', 'RS384', 'PS512', 'ES384', 'ES512', 'EdDSA', 'HS256'])(
    'IDT-14 has its hashes by the algorithm %s',
    async (alg) => {
      const metadata = { id_token_signed_response_alg: alg };
      const { end } = await loginAt('code id_token token', {}, metadata);
      expect((await end()).idToken.sub).toBe('alice');
    },
  );

  it('D14 must have s_hash where that is demanded', async () => {
    const { op, server, transaction, answer } = await loginAt('code id_token', withClaims({ s_hash: undefined }));
    const { nonce, state } = transaction;
    const expected = { nonce, issuedWith: { code: answer.get('code'), state }, origin: 'stranger' } as const;
    const verify = (hashes: readonly ('c_hash' | 's_hash')[]) =>
      VerifiedIdToken.verify(server, answer.get('id_token') ?? '', { ...expected, hashes });
    expect((await verify(['c_hash'])).sub).toBe('alice');
    expect(await rejection(verify(['c_hash', 's_hash']))).toMatchObject({ code: 'CLAIM_MISSING' });
    expect(op.count('token')).toBe(0);
  });

  it('is signed with keys that a stranger may have fetched once in half a minute', async () => {
    const { op, end } = await loginAt('id_token', { header: (header) => ({ ...header, kid: 'unknown' }) });
    expect(await rejection(end())).toMatchObject({ code: 'KEY_NOT_FOUND' });
    const fetched = op.count('jwks');
    expect(await rejection(end())).toMatchObject({ code: 'KEY_NOT_FOUND' });
    expect(op.count('jwks')).toBe(fetched);
  });
});

describe('the ID token of the token endpoint', () => {
  it.each(WITH_CODE)('names the end-user of the response: %s', async (type) => {
    for (const where of ['token', 'authorize'] as const) {
      const { op, end } = await loginAt(type, at(where, { sub: 'mallory' }));
      expect(await rejection(end())).toMatchObject({ code: 'SUB_MISMATCH' });
      expect([op.count('token'), op.count('userinfo')]).toEqual([1, 0]);
    }
  });

  it.each(WITH_CODE)('is missed where it does not come: %s', async (type) => {
    const { op, end } = await loginAt(type, {});
    op.tokenResponse(({ id_token: _, ...members }) => members);
    expect(await rejection(end())).toMatchObject({ code: 'ID_TOKEN_MISSING' });
    expect(op.count('userinfo')).toBe(0);
  });

  it.each([...WITH_CODE, 'code token'])('may lack its hashes: %s', async (type) => {
    const { end } = await loginAt(type, at('token', { at_hash: undefined }));
    expect((await end()).idToken.claims).not.toHaveProperty('at_hash');
  });

  it.each([
    ['c_hash', 'C_HASH_MISMATCH'],
    ['s_hash', 'S_HASH_MISMATCH'],
    ['at_hash', 'AT_HASH_MISMATCH'],
  ])('D14 has none of another login: %s', async (hash, code) => {
    const { op, end } = await loginAt('code', withClaims({ [hash]: 'AAAA' }));
    expect(await rejection(end())).toMatchObject({ code });
    expect([op.count('token'), op.count('userinfo')]).toEqual([1, 0]);
  });
});

it('an ID token alone brings nothing to call with', async () => {
  const op = await startProvider();
  const { oidc } = clientOf(op, { metadata: { response_types: ['id_token'] } });
  const { url, transaction } = await oidc.authorizationUrl();
  const { tokens } = await oidc.callback(await answerTo(url), transaction);
  expect([tokens.access_token, tokens.refresh_token, tokens.scope]).toEqual([undefined, undefined, 'openid']);
  const request = { method: 'GET', url: 'https://api.test' };
  for (const call of [oidc.userinfo(tokens, 'alice'), oidc.authorizationHeaders(tokens, request)]) {
    expect(await rejection(call)).toMatchObject({ name: 'SessionError', code: 'ACCESS_TOKEN_MISSING' });
  }
  expect(JSON.stringify(tokens)).not.toContain(String(tokens.id_token));
});

it('asks for another registered response type, where the caller says so', async () => {
  const op = await startProvider();
  const { oidc } = clientOf(op, { metadata: { response_types: ['code', 'id_token code'] } });
  const asked = async (response_type?: string) => {
    const { url, transaction } = await oidc.authorizationUrl({ response_type });
    return [new URL(url).searchParams.get('response_type'), transaction.response_mode];
  };
  expect(await asked()).toEqual(['code', 'query']);
  expect(await asked('code id_token')).toEqual(['code id_token', 'fragment']);
  for (const wrong of ['id_token', 'token', 'none', '']) {
    expect(await rejection(asked(wrong))).toMatchObject({ name: 'ConfigError', member: 'client.response_types' });
  }
});
