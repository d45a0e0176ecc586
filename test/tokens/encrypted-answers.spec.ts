import { describe, expect, it } from '@jest/globals';

import { keyOf, privateJwk } from '../../lib/testing/provider/keys.js';
import { clientOf, loginWith, rejection } from '../support/client/client.js';
import type { HostileProvider, ResponseFault } from '../support/provider/hostile-provider.js';
import { startProvider } from '../support/provider/provider.js';
import { jwe } from '../support/tokens/jwe.js';

const key = keyOf('RSA', 'client');
const header = { alg: 'RSA-OAEP-256', enc: 'A256GCM' };
const KEYS = {
  jwks: { keys: [JSON.parse(JSON.stringify(privateJwk(key, { use: 'enc' })))] },
  token_endpoint_auth_method: 'client_secret_basic',
} as const;

const unsigned = (type: 'json' | 'jwt'): ResponseFault => ({ as: type, encrypt: 'none' });

const REFUSED: readonly (readonly [string, ResponseFault, string])[] = [
  ['that is JSON', unsigned('json'), 'ENCRYPTION_REQUIRED'],
  ['that is only signed', unsigned('jwt'), 'ENCRYPTION_REQUIRED'],
  ['by another algorithm', { encrypt: { alg: 'RSA-OAEP' } }, 'ALG_NOT_ALLOWED'],
  ['by another content encryption', { encrypt: { enc: 'A128GCM' } }, 'ALG_NOT_ALLOWED'],
  ['that a stranger signed', { sign: 'stranger' }, 'SIGNATURE_INVALID'],
  ['that is unsigned', { header: (h) => ({ ...h, alg: 'none' }), sign: 'none' }, 'ALG_NOT_ALLOWED'],
  ['for another client', { claims: (c) => ({ ...c, aud: 'rp2' }) }, 'AUD_MISMATCH'],
  ['to another client', { encrypt: (jws) => jwe(header, jws, keyOf('RSA', 'other').publicKey) }, 'DECRYPTION_FAILED'],
];

describe('encrypted userinfo', () => {
  const REGISTERED = {
    ...KEYS,
    userinfo_signed_response_alg: 'ES256',
    userinfo_encrypted_response_alg: 'RSA-OAEP-256',
    userinfo_encrypted_response_enc: 'A256GCM',
  };
  const ask = async (metadata: object, prepare: (op: HostileProvider) => void = () => undefined) => {
    const op = await startProvider();
    const { oidc } = clientOf(op, { metadata });
    const { tokens } = await loginWith(oidc, op);
    prepare(op);
    const answer = oidc.userinfo(tokens, 'alice');
    return { op, answer };
  };

  it('is asked for as a JWT, decrypted and verified', async () => {
    const { op, answer } = await ask(REGISTERED);
    expect(await answer).toMatchObject({ sub: 'alice', name: 'Alice' });
    expect(op.requests('userinfo').map(({ headers }) => headers.accept)).toEqual(['application/jwt']);
  });

  it.each(REFUSED)('%s is refused', async (_what, fault, code) => {
    const { answer } = await ask(REGISTERED, (op) => op.userinfo(fault));
    expect(await rejection(answer)).toMatchObject({ code });
  });

  it('is refused where none is registered', async () => {
    const fault: ResponseFault = { as: 'jwt', encrypt: (jws) => jwe(header, jws, key.publicKey) };
    const { answer } = await ask({ ...KEYS, userinfo_signed_response_alg: 'ES256' }, (op) => op.userinfo(fault));
    expect(await rejection(answer)).toMatchObject({ code: 'UNEXPECTED_JWE' });
  });
});

describe('an encrypted introspection', () => {
  const REGISTERED = {
    ...KEYS,
    introspection_encrypted_response_alg: 'RSA-OAEP-256',
    introspection_encrypted_response_enc: 'A256GCM',
  };
  const ask = async (metadata: object, fault: ResponseFault = {}) => {
    const op = await startProvider();
    const { oidc } = clientOf(op, { metadata });
    op.introspectionResponse(fault);
    return { op, answer: oidc.introspect(op.issue()) };
  };

  it.each<[string, object]>([
    ['RS256, the default', {}],
    ['ES256', { introspection_signed_response_alg: 'ES256' }],
  ])('is asked for as a JWT, decrypted, and verified by %s', async (_what, metadata) => {
    const { op, answer } = await ask({ ...REGISTERED, ...metadata });
    expect(await answer).toMatchObject({ active: true, sub: 'alice' });
    expect(op.requests('introspect').map(({ headers }) => headers.accept)).toEqual([
      'application/token-introspection+jwt',
    ]);
  });

  it.each(REFUSED)('SINTRO-28 %s is refused', async (_what, fault, code) => {
    const { answer } = await ask({ ...REGISTERED, introspection_signed_response_alg: 'RS256' }, fault);
    expect(await rejection(answer)).toMatchObject({ code });
  });

  it('is refused where none is registered', async () => {
    const { answer } = await ask(
      { ...KEYS, introspection_signed_response_alg: 'ES256' },
      { encrypt: (jws) => jwe(header, jws, key.publicKey) },
    );
    expect(await rejection(answer)).toMatchObject({ code: 'UNEXPECTED_JWE' });
  });
});
