import { randomBytes } from 'node:crypto';

import { describe, expect, it } from '@jest/globals';

import type { ClientMetadata } from '../../lib/metadata/client-metadata.js';
import {
  decodeJwt,
  keyOf,
  privateJwk,
  type Jwk,
  type KeyKind,
  type SigningKey,
} from '../../lib/testing/provider/keys.js';
import { clientOf, loginWith, rejection } from '../support/client/client.js';
import type { JwtFault } from '../support/provider/hostile-provider.js';
import { CLIENT_SECRET, startProvider } from '../support/provider/provider.js';
import { jwe } from '../support/tokens/jwe.js';

const encryptionKey = (key: SigningKey, members: Jwk = {}) =>
  JSON.parse(JSON.stringify(privateJwk(key, { use: 'enc', ...members })));
const keys = (...kinds: readonly KeyKind[]) => kinds.map((kind) => encryptionKey(keyOf(kind, 'client')));

const registered = (alg: string, enc?: string): Partial<ClientMetadata> => ({
  jwks: { keys: keys('RSA', 'P-256') },
  token_endpoint_auth_method: 'client_secret_basic',
  id_token_encrypted_response_alg: alg,
  ...(enc !== undefined && { id_token_encrypted_response_enc: enc }),
});

const RSA = registered('RSA-OAEP-256', 'A256GCM');
const publicKey = keyOf('RSA', 'client').publicKey;
const header = { alg: 'RSA-OAEP-256', enc: 'A256GCM', cty: 'JWT' };

/** A login whose ID token is made wrong. */
async function loginAt(fault: JwtFault, metadata: Partial<ClientMetadata> = RSA) {
  const op = await startProvider();
  op.idToken(fault);
  const client = clientOf(op, { metadata });
  const result = await loginWith(client.oidc, op, { callback: { userinfo: true } }).catch((error: unknown) => error);
  return { op, ...client, result };
}

describe('an encrypted ID token', () => {
  it.each<[string, string | undefined]>([
    ['RSA-OAEP', 'A128GCM'],
    ['RSA-OAEP-256', 'A256GCM'],
    ['ECDH-ES', 'A128CBC-HS256'],
    ['ECDH-ES+A256KW', 'A256CBC-HS512'],
    ['A128KW', undefined],
    ['A256GCMKW', 'A192GCM'],
    ['dir', 'A256GCM'],
    ['dir', 'A192CBC-HS384'],
    ['dir', undefined],
  ])('D22 by %s and %s is decrypted and verified', async (alg, enc) => {
    const { op, result } = await loginAt({}, registered(alg, enc));
    expect(result).toMatchObject({ idToken: { sub: 'alice' } });
    expect([op.count('token'), op.count('userinfo')]).toEqual([1, 1]);
  });

  it('D22 to X25519 is decrypted and verified', async () => {
    const { result } = await loginAt({}, { ...registered('ECDH-ES'), jwks: { keys: keys('X25519') } });
    expect(result).toMatchObject({ idToken: { sub: 'alice' } });
  });

  it('is by A128CBC-HS256 where no enc is registered', async () => {
    const { op, result } = await loginAt({ encrypt: { enc: 'A128GCM' } }, registered('RSA-OAEP'));
    expect(result).toMatchObject({ code: 'ALG_NOT_ALLOWED' });
    expect([op.count('token'), op.count('userinfo')]).toEqual([1, 0]);
  });

  it.each<[string, JwtFault, string]>([
    ['IDT-46 that is only signed', { encrypt: 'none' }, 'ENCRYPTION_REQUIRED'],
    ['by an algorithm that is not registered', { encrypt: { alg: 'RSA-OAEP' } }, 'ALG_NOT_ALLOWED'],
    ['by a content encryption that is not registered', { encrypt: { enc: 'A128GCM' } }, 'ALG_NOT_ALLOWED'],
    ['by the secret, where a private key is registered', { encrypt: { alg: 'dir' } }, 'ALG_NOT_ALLOWED'],
    ['D23 by RSA1_5', { encrypt: (jws) => jwe({ ...header, alg: 'RSA1_5' }, jws, publicKey) }, 'ALG_NOT_ALLOWED'],
    [
      'to another client',
      { encrypt: (jws) => jwe(header, jws, keyOf('RSA', 'another client').publicKey) },
      'DECRYPTION_FAILED',
    ],
    [
      'IDT-47 that holds an unsigned JWT',
      { header: (h) => ({ ...h, alg: 'none' }), sign: 'none', signedBy: 'none' },
      'ALG_NOT_ALLOWED',
    ],
    ['IDT-47 that holds a JWT without its signature', { sign: 'none' }, 'SIGNATURE_INVALID'],
    ['IDT-47 that a stranger signed', { sign: 'stranger' }, 'SIGNATURE_INVALID'],
    [
      'IDT-47 that holds claims alone',
      { encrypt: (jws) => jwe(header, JSON.stringify(decodeJwt(jws).claims), publicKey) },
      'JWT_MALFORMED',
    ],
    [
      'that is encrypted twice',
      { encrypt: async (_jws, right) => jwe(header, await right(), publicKey) },
      'UNEXPECTED_JWE',
    ],
    ['that holds nothing that is text', { encrypt: () => jwe(header, randomBytes(64), publicKey) }, 'JWT_MALFORMED'],
    [
      'that says that it holds JSON',
      { encrypt: (jws) => jwe({ ...header, cty: 'json' }, jws, publicKey) },
      'TYP_MISMATCH',
    ],
    [
      'IDT-49 that is compressed',
      { encrypt: (jws) => jwe({ ...header, zip: 'DEF' }, jws, publicKey) },
      'ALG_NOT_ALLOWED',
    ],
    [
      'with a critical extension',
      { encrypt: (jws) => jwe({ ...header, crit: ['x'], x: 1 }, jws, publicKey) },
      'UNSUPPORTED_CRIT',
    ],
    [
      'IDT-50 with a wrong tag',
      { encrypt: async (_jws, right) => `${(await right()).slice(0, -22)}AAAAAAAAAAAAAAAAAAAAAA` },
      'DECRYPTION_FAILED',
    ],
    [
      'IDT-52 of four parts',
      { encrypt: async (_jws, right) => (await right()).replace(/\.[^.]*$/, '') },
      'JWT_MALFORMED',
    ],
    ['IDT-54 of more than 64 KiB', { claims: (c) => ({ ...c, x: 'x'.repeat(70_000) }) }, 'JWT_TOO_LARGE'],
    ['whose inside is more than 64 KiB', { claims: (c) => ({ ...c, x: 'x'.repeat(50_000) }) }, 'JWT_TOO_LARGE'],
    ['for another audience', { claims: (c) => ({ ...c, aud: 'rp2' }) }, 'AUD_MISMATCH'],
    [
      'whose header names another issuer',
      { encrypt: (jws) => jwe({ ...header, iss: 'https://evil.test' }, jws, publicKey) },
      'CLAIM_INVALID',
    ],
    [
      'whose header names another audience',
      { encrypt: (jws) => jwe({ ...header, aud: 'rp2' }, jws, publicKey) },
      'CLAIM_INVALID',
    ],
    [
      'whose header names another user',
      { encrypt: (jws) => jwe({ ...header, sub: 'mallory' }, jws, publicKey) },
      'CLAIM_INVALID',
    ],
  ])('%s is refused', async (_what, fault, code) => {
    const { op, result } = await loginAt(fault);
    expect(result).toMatchObject({ name: 'VerificationError', code });
    expect([op.count('token'), op.count('userinfo')]).toEqual([1, 0]);
  });

  it('may repeat claims in its header', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op, { metadata: RSA });
    const repeated = { ...header, iss: op.issuer, aud: 'rp1', sub: 'alice' };
    op.idToken({ encrypt: (jws) => jwe(repeated, jws, publicKey) });
    expect((await loginWith(oidc, op)).idToken.sub).toBe('alice');
  });

  it('IDT-45 is refused where none is registered', async () => {
    const { result } = await loginAt({ encrypt: (jws) => jwe(header, jws, publicKey) }, { jwks: RSA.jwks });
    expect(result).toMatchObject({ code: 'UNEXPECTED_JWE' });
  });

  it('is decrypted by an old key as long as that is registered', async () => {
    const [old, current] = [keyOf('RSA', 'old'), keyOf('RSA', 'client')];
    const jwks = { keys: [encryptionKey(current, { kid: 'new' }), encryptionKey(old, { kid: 'old' })] };
    const login = (kid: string) =>
      loginAt({ encrypt: (jws) => jwe({ ...header, kid }, jws, old.publicKey) }, { ...RSA, jwks });
    expect((await login('old')).result).toMatchObject({ idToken: { sub: 'alice' } });
    expect((await login('lost')).result).toMatchObject({ code: 'KEY_NOT_FOUND' });
  });

  it('may be signed by the secret that encrypts it', async () => {
    const metadata = { ...registered('dir', 'A128GCM'), id_token_signed_response_alg: 'HS256' };
    expect((await loginAt({}, metadata)).result).toMatchObject({ idToken: { sub: 'alice' } });
  });
});

describe('the ID token of the tokens', () => {
  const loggedIn = async () => {
    const op = await startProvider();
    let signed = '';
    op.idToken({
      encrypt: (jws, right) => {
        signed = jws;
        return right();
      },
    });
    const client = clientOf(op, { metadata: { ...RSA, post_logout_redirect_uris: ['https://app.test/'] } });
    const { tokens } = await loginWith(client.oidc, op, { request: { scope: 'openid offline_access' } });
    return { op, ...client, tokens, signed: () => signed };
  };

  it('is the signed one, which is the hint that the provider can read', async () => {
    const { oidc, tokens, signed } = await loggedIn();
    expect(tokens.id_token).toBe(signed());
    const url = await oidc.endSessionUrl({ id_token_hint: tokens.id_token });
    expect(new URL(String(url)).searchParams.get('id_token_hint')).toBe(signed());
  });

  it('is continued by a refreshed one, which is encrypted too', async () => {
    const { op, oidc, tokens, signed } = await loggedIn();
    const renewed = await oidc.refresh(tokens);
    expect(renewed.id_token).toBe(signed());
    expect(renewed.id_token).not.toBe(tokens.id_token);
    op.idToken({ claims: (c) => ({ ...c, sub: 'mallory' }) });
    expect(await rejection(oidc.refresh(renewed))).toMatchObject({ code: 'SUB_MISMATCH' });
  });

  it('is refused at a refresh if it is only signed', async () => {
    const { op, oidc, tokens } = await loggedIn();
    op.idToken({ encrypt: 'none' });
    expect(await rejection(oidc.refresh(tokens))).toMatchObject({ code: 'ENCRYPTION_REQUIRED' });
  });
});

it('a secret is in no error of a decryption', async () => {
  const { result } = await loginAt(
    { encrypt: (jws) => jwe({ alg: 'dir', enc: 'A256GCM' }, jws, randomBytes(32)) },
    registered('dir', 'A256GCM'),
  );
  expect(result).toMatchObject({ code: 'DECRYPTION_FAILED' });
  expect(JSON.stringify([result, String(result)])).not.toContain(CLIENT_SECRET);
});
