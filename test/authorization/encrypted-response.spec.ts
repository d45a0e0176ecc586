import { describe, expect, it } from '@jest/globals';

import { decodeJwt, keyOf, privateJwk } from '../../lib/testing/provider/keys.js';
import { answerTo, clientOf, rejection } from '../support/client/client.js';
import type { JwtFault } from '../support/provider/hostile-provider.js';
import { startProvider } from '../support/provider/provider.js';
import { jwe } from '../support/tokens/jwe.js';

const key = keyOf('RSA', 'client');
const KEYS = {
  jwks: { keys: [JSON.parse(JSON.stringify(privateJwk(key, { use: 'enc' })))] },
  token_endpoint_auth_method: 'client_secret_basic',
} as const;
const header = { alg: 'RSA-OAEP-256', enc: 'A256GCM' };

/** A login up to the provider's answer. */
async function answered(metadata: object, prepare: { jarm?: JwtFault; idToken?: JwtFault } = {}) {
  const op = await startProvider();
  op.authorizationJwt(prepare.jarm ?? {});
  op.idToken(prepare.idToken ?? {});
  const { oidc } = clientOf(op, { metadata: { ...KEYS, ...metadata } });
  const { url, transaction } = await oidc.authorizationUrl();
  const answer = await answerTo(url);
  return { op, answer, transaction, end: () => oidc.callback(answer, transaction) };
}

describe('an encrypted authorization response', () => {
  const REGISTERED = {
    authorization_signed_response_alg: 'ES256',
    authorization_encrypted_response_alg: 'RSA-OAEP-256',
    authorization_encrypted_response_enc: 'A256GCM',
  };

  it.each<[string, object]>([
    ['signed by ES256', REGISTERED],
    ['signed by RS256, the default', { ...REGISTERED, authorization_signed_response_alg: undefined }],
    [
      'to the secret',
      { ...REGISTERED, authorization_encrypted_response_alg: 'dir', authorization_encrypted_response_enc: undefined },
    ],
    ['with tokens in it', { ...REGISTERED, response_types: ['code id_token token'] }],
  ])('JARM-12 %s is decrypted and verified', async (_what, metadata) => {
    const { answer, transaction, end } = await answered(metadata);
    expect(transaction.response_mode).toBe('jwt');
    expect(answer.get('response')?.split('.')).toHaveLength(5);
    expect((await end()).idToken.sub).toBe('alice');
  });

  it.each<[string, JwtFault, string]>([
    ['that is only signed', { encrypt: 'none' }, 'ENCRYPTION_REQUIRED'],
    ['that is unsigned within', { header: (h) => ({ ...h, alg: 'none' }), sign: 'none' }, 'ALG_NOT_ALLOWED'],
    ['that a stranger signed', { sign: 'stranger' }, 'SIGNATURE_INVALID'],
    ['by another algorithm', { encrypt: { alg: 'RSA-OAEP' } }, 'ALG_NOT_ALLOWED'],
    ['by another content encryption', { encrypt: { enc: 'A128GCM' } }, 'ALG_NOT_ALLOWED'],
    ['to another client', { encrypt: (jws) => jwe(header, jws, keyOf('RSA', 'other').publicKey) }, 'DECRYPTION_FAILED'],
    ['of no JWT', { encrypt: () => jwe(header, '{"code":"x"}', key.publicKey) }, 'JWT_MALFORMED'],
  ])('JARM-12 %s is refused, and nothing is sent', async (_what, jarm, code) => {
    const { op, end } = await answered(REGISTERED, { jarm });
    expect(await rejection(end())).toMatchObject({
      name: 'AuthorizationResponseError',
      code: 'JARM_INVALID',
      cause: { code },
    });
    expect(op.count('token')).toBe(0);
  });

  it('JARM-12 is refused where no encryption is registered', async () => {
    const jarm: JwtFault = { encrypt: (jws) => jwe(header, jws, key.publicKey) };
    const { op, end } = await answered({ authorization_signed_response_alg: 'ES256' }, { jarm });
    expect(await rejection(end())).toMatchObject({ code: 'JARM_INVALID', cause: { code: 'UNEXPECTED_JWE' } });
    expect(op.count('token')).toBe(0);
  });

  it('JARM-09 is of this login by the state within', async () => {
    const { op, end } = await answered(REGISTERED, { jarm: { claims: (claims) => ({ ...claims, state: 'other' }) } });
    expect(await rejection(end())).toMatchObject({ code: 'STATE_MISMATCH' });
    expect(op.count('token')).toBe(0);
  });
});

describe('an encrypted ID token in the response', () => {
  const REGISTERED = { id_token_encrypted_response_alg: 'RSA-OAEP-256', id_token_encrypted_response_enc: 'A256GCM' };

  it.each(['id_token', 'id_token token'])(
    'D22 is decrypted, and kept as it was signed, for id_token_hint: %s',
    async (type) => {
      const { answer, end } = await answered({ ...REGISTERED, response_types: [type] });
      expect(answer.get('id_token')?.split('.')).toHaveLength(5);
      const { tokens } = await end();
      expect(decodeJwt(String(tokens.id_token)).claims['sub']).toBe('alice');
    },
  );

  it.each<[string, JwtFault, string]>([
    ['IDT-46 that is only signed', { encrypt: 'none' }, 'ENCRYPTION_REQUIRED'],
    ['D23 by RSA-OAEP where another one is registered', { encrypt: { alg: 'RSA-OAEP' } }, 'ALG_NOT_ALLOWED'],
    ['IDT-47 that is unsigned within', { header: (h) => ({ ...h, alg: 'none' }), sign: 'none' }, 'ALG_NOT_ALLOWED'],
  ])('%s is refused, and nothing is sent', async (_what, idToken, code) => {
    const { op, end } = await answered({ ...REGISTERED, response_types: ['code id_token'] }, { idToken });
    expect(await rejection(end())).toMatchObject({ code });
    expect(op.count('token')).toBe(0);
  });
});
