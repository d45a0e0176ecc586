import {
  constants,
  createCipheriv,
  createHmac,
  publicEncrypt,
  randomBytes,
  type CipherGCMTypes,
  type KeyObject,
} from 'node:crypto';

/** What a JWE is made of, where it is not made as usual. */
interface JweParts {
  /** Encrypts by this algorithm, whatever the header says. */
  readonly alg?: string;
  /** Instead of what encrypts the content key. */
  readonly encryptedKey?: Uint8Array;
}

const OAEP: Readonly<Record<string, string>> = {
  'RSA-OAEP': 'sha1',
  'RSA-OAEP-256': 'sha256',
  'RSA-OAEP-384': 'sha384',
  'RSA-OAEP-512': 'sha512',
};

/**
 * A JWE in compact form (RFC 7516) over any header and any plaintext, also those that no library would make.
 *
 * ```ts
 * jwe({ alg: 'RSA1_5', enc: 'A128CBC-HS256' }, signed, keyOf('RSA').publicKey);
 * jwe({ alg: 'dir', enc: 'A256GCM', zip: 'DEF' }, deflateRawSync(signed), secret);
 * ```
 *
 * @param header with `enc` A128GCM, A256GCM or A128CBC-HS256
 * @param key an RSA key, or the content key itself
 */
export function jwe(
  header: Readonly<Record<string, unknown>>,
  plaintext: string | Uint8Array,
  key: KeyObject | Uint8Array,
  { alg = String(header['alg']), encryptedKey }: JweParts = {},
): string {
  const enc = String(header['enc']);
  const contentKey = key instanceof Uint8Array ? Buffer.from(key) : randomBytes(enc === 'A128GCM' ? 16 : 32);
  const wrapped = encryptedKey ?? (key instanceof Uint8Array ? Buffer.alloc(0) : wrap(contentKey, key, alg));
  const protectedHeader = base64url(JSON.stringify(header));
  const { iv, ciphertext, tag } = encrypt(enc, contentKey, plaintext, protectedHeader);
  return [protectedHeader, ...[wrapped, iv, ciphertext, tag].map(base64url)].join('.');
}

function wrap(contentKey: Uint8Array, key: KeyObject, alg: string): Uint8Array {
  return alg === 'RSA1_5'
    ? publicEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, contentKey)
    : publicEncrypt({ key, oaepHash: OAEP[alg] ?? 'sha1' }, contentKey);
}

function encrypt(enc: string, key: Buffer, plaintext: string | Uint8Array, additional: string) {
  if (enc === 'A128CBC-HS256') {
    const iv = randomBytes(16);
    const cipher = createCipheriv('aes-128-cbc', key.subarray(16), iv);
    const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
    const length = Buffer.alloc(8);
    length.writeBigUInt64BE(BigInt(additional.length * 8));
    const mac = createHmac('sha256', key.subarray(0, 16));
    const tag = mac.update(additional).update(iv).update(ciphertext).update(length).digest().subarray(0, 16);
    return { iv, ciphertext, tag };
  }
  const name: CipherGCMTypes = enc === 'A128GCM' ? 'aes-128-gcm' : 'aes-256-gcm';
  const iv = randomBytes(12);
  const cipher = createCipheriv(name, key, iv).setAAD(Buffer.from(additional));
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return { iv, ciphertext, tag: cipher.getAuthTag() };
}

function base64url(value: string | Uint8Array): string {
  return Buffer.from(value).toString('base64url');
}
