import type { RegisteredClient } from './clients.js';
import { encryptionFor, encryptTo, type EncryptedAnswer } from './encrypting.js';
import { jws, type SigningKey } from './keys.js';

/** The provider's key for an algorithm. */
export type KeyFor = (alg: string) => SigningKey;

/** A JWT for a client, before it is signed. */
export interface UnsignedJwt {
  /** Which registered members say how it is encrypted. */
  readonly answer: EncryptedAnswer;
  /** Whose secret signs with HS*. */
  readonly client: RegisteredClient;
  readonly alg: string;
  /** Beside `alg` and `kid`. */
  readonly header?: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** Signs it, and encrypts it where the client registered that. */
export async function protect(jwt: UnsignedJwt, keyFor: KeyFor): Promise<string> {
  const signed = jws(headerOf(jwt, keyFor), jwt.claims, signerFor(jwt.client, jwt.alg, keyFor), jwt.alg);
  const encryption = encryptionFor(jwt.client, jwt.answer);
  return encryption === undefined ? signed : encryptTo(jwt.client, signed, encryption);
}

/** The whole header of a JWT. */
export function headerOf({ alg, header }: UnsignedJwt, keyFor: KeyFor): Readonly<Record<string, unknown>> {
  return { alg, ...(!alg.startsWith('HS') && { kid: keyFor(alg).kid }), ...header };
}

/** What signs for a client with an algorithm; undefined for `none`. */
export function signerFor(client: RegisteredClient, alg: string, keyFor: KeyFor): SigningKey | Uint8Array | undefined {
  if (alg === 'none') {
    return undefined;
  }
  return alg.startsWith('HS') ? Buffer.from(String(client.client_secret ?? '')) : keyFor(alg);
}
