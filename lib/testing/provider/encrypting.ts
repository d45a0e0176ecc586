import { createHash } from 'node:crypto';

import { CompactEncrypt, importJWK, type CryptoKey, type JWK } from 'jose';

import type { RegisteredClient } from './clients.js';

/** An answer that can be encrypted, by the start of its members' names. */
export type EncryptedAnswer = 'id_token' | 'userinfo' | 'introspection' | 'authorization';

/** The algorithms of a JWE. */
export interface Encryption {
  readonly alg: string;
  readonly enc: string;
}

/** The algorithms that the provider lists. */
export const KEY_MANAGEMENT: readonly string[] = [
  'RSA-OAEP',
  'RSA-OAEP-256',
  'RSA-OAEP-384',
  'RSA-OAEP-512',
  'ECDH-ES',
  'ECDH-ES+A128KW',
  'ECDH-ES+A192KW',
  'ECDH-ES+A256KW',
  'A128KW',
  'A192KW',
  'A256KW',
  'A128GCMKW',
  'A192GCMKW',
  'A256GCMKW',
  'dir',
];

const CONTENT_KEYS: Readonly<Record<string, number>> = {
  'A128CBC-HS256': 32,
  'A192CBC-HS384': 48,
  'A256CBC-HS512': 64,
  A128GCM: 16,
  A192GCM: 24,
  A256GCM: 32,
};

export const CONTENT_ENCRYPTION: readonly string[] = Object.keys(CONTENT_KEYS);

/** What a client registered for an answer (OpenID Connect Dynamic Client Registration 1.0, section 2). */
export function encryptionFor(client: RegisteredClient, answer: EncryptedAnswer): Encryption | undefined {
  const alg = client[`${answer}_encrypted_response_alg`];
  const enc = client[`${answer}_encrypted_response_enc`] ?? 'A128CBC-HS256';
  return alg === undefined ? undefined : { alg: String(alg), enc: String(enc) };
}

/** Encrypts a signed JWT to a client: a nested JWT (RFC 7519, section 5.2; OpenID Connect Core 1.0, section 10.2). */
export async function encryptTo(client: RegisteredClient, jws: string, { alg, enc }: Encryption): Promise<string> {
  const { kid, key } = await keyOfClient(client, { alg, enc });
  return new CompactEncrypt(Buffer.from(jws))
    .setProtectedHeader({ alg, enc, cty: 'JWT', ...(kid !== undefined && { kid }) })
    .encrypt(key);
}

interface ClientKey {
  readonly kid: string | undefined;
  readonly key: CryptoKey | Uint8Array;
}

async function keyOfClient(client: RegisteredClient, { alg, enc }: Encryption): Promise<ClientKey> {
  const shared = sharedKeyOf(client, { alg, enc });
  if (shared !== undefined) {
    return { kid: undefined, key: shared };
  }
  const { keys = [] } = Object(client['jwks']);
  const jwk = [...keys].find((key: JWK) => key.use !== 'sig' && fits(key, alg));
  const { d, p, q, dp, dq, qi, ...publicKey } = Object(jwk);
  return { kid: publicKey.kid, key: await importJWK(publicKey, alg) };
}

function fits(key: JWK, alg: string): boolean {
  const kinds = alg.startsWith('RSA') ? ['RSA'] : ['EC', 'OKP'];
  return kinds.includes(String(key.kty)) && key.crv !== 'Ed25519' && (key.alg === undefined || key.alg === alg);
}

/** The key that the client's secret makes; undefined where the algorithm needs a private key. */
export function sharedKeyOf(client: RegisteredClient, { alg, enc }: Encryption): Uint8Array | undefined {
  if (!/^(?:A|dir$)/.test(alg)) {
    return undefined;
  }
  const length = alg === 'dir' ? CONTENT_KEYS[enc] : Number(alg.slice(1, 4)) / 8;
  return keyOfSecret(String(client.client_secret), length ?? 0);
}

/** The first bytes of the secret's hash. */
export function keyOfSecret(secret: string, length: number): Uint8Array {
  const hash = length <= 32 ? 'sha256' : length <= 48 ? 'sha384' : 'sha512';
  return createHash(hash).update(secret).digest().subarray(0, length);
}
