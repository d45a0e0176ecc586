import { createHash, type KeyObject } from 'node:crypto';

import { compactDecrypt } from 'jose';

import { VerificationError } from '../errors/errors.js';
import { isJsonObject } from '../values/json.js';
import type { Secret } from '../values/secret.js';
import { parseCompactJwe, type CompactJwe } from './compact-jwe.js';
import { sharedKeyLength, type EncryptionAlgorithms } from './encryption-algorithms.js';
import { typeOf, type DecryptedJwt, type JwtDecryption } from './jwt.js';
import { decryptionKeys, type OwnKey } from './own-keys.js';

/** Maximum number of private keys that are tried. It bounds the work that a JWE can cause. */
const MOST_CANDIDATES = 4;

/** What a client can decrypt with. */
export interface DecryptionKeys {
  readonly privateKeys: readonly OwnKey[];
  readonly secret: Secret | undefined;
}

/**
 * Decryption of JWTs by exactly the registered algorithms (RFC 7516, section 5.2). What was encrypted is signed as well: a
 * nested JWT (RFC 7519, section 5.2). Anybody can encrypt to a public key, so that encryption alone proves nothing.
 *
 * Old private keys decrypt as long as they are registered beside the new ones.
 */
export class Decryption implements JwtDecryption {
  constructor(
    private readonly registered: EncryptionAlgorithms,
    private readonly keys: DecryptionKeys,
  ) {}

  /**
   * @returns the JWS that was encrypted; its signature is not verified
   * @throws {VerificationError} `ENCRYPTION_REQUIRED` the JWT is not encrypted; `DECRYPTION_FAILED` whatever went wrong behind
   *   the header, so that nobody learns from it what (RFC 7516, section 11.5)
   */
  async decrypt(jwt: string, maxLength: number): Promise<DecryptedJwt> {
    const jwe = parseCompactJwe(jwt, maxLength);
    const { alg, enc, header } = jwe;
    if (alg !== this.registered.alg || enc !== this.registered.enc) {
      const facts = { alg, enc, wanted: Object.values(this.registered) };
      throw new VerificationError('ALG_NOT_ALLOWED', 'The JWT is encrypted by algorithms that are not registered.', {
        facts,
      });
    }
    if ('cty' in header && typeOf(header['cty']) !== 'jwt') {
      throw new VerificationError('TYP_MISMATCH', 'The JWE holds something else than a JWT.');
    }
    const plaintext = await decryptedWith(this.#candidates(jwe), jwe);
    return { jws: Buffer.from(plaintext).toString('latin1'), header };
  }

  /** @throws {VerificationError} `KEY_NOT_FOUND`, `AMBIGUOUS_KEY` */
  #candidates({ header, kid }: CompactJwe): readonly (KeyObject | Uint8Array)[] {
    const { privateKeys, secret } = this.keys;
    const length = sharedKeyLength(this.registered);
    if (length !== undefined) {
      return secret === undefined ? [] : [derivedKey(secret, length)];
    }
    const { epk } = header;
    const curve = isJsonObject(epk) ? epk['crv'] : undefined;
    // The sender may know a name of our key that we do not.
    const isNamed = (key: OwnKey): boolean => kid === undefined || key.kid === undefined || key.kid === kid;
    const candidates = decryptionKeys(privateKeys, this.registered.alg).filter(
      (key) => isNamed(key) && (key.kty === 'RSA' || key.crv === curve),
    );
    if (candidates.length > MOST_CANDIDATES) {
      throw new VerificationError(
        'AMBIGUOUS_KEY',
        'Too many of our keys may decrypt the JWT, which names none of them.',
      );
    }
    return candidates.map(({ key }) => key);
  }
}

/** @throws {VerificationError} `DECRYPTION_FAILED`; `KEY_NOT_FOUND` there is no key to try */
export async function decryptedWith(
  keys: readonly (KeyObject | Uint8Array)[],
  { compact, alg, enc }: CompactJwe,
): Promise<Uint8Array> {
  if (keys.length === 0) {
    throw new VerificationError('KEY_NOT_FOUND', 'None of our keys is the one that the JWT was encrypted to.');
  }
  const options = { keyManagementAlgorithms: [alg], contentEncryptionAlgorithms: [enc], maxDecompressedLength: 0 };
  for (const key of keys) {
    const decrypted = await compactDecrypt(compact, key, options).catch(() => undefined);
    if (decrypted !== undefined) {
      return decrypted.plaintext;
    }
  }
  throw new VerificationError('DECRYPTION_FAILED', 'The JWT can not be decrypted.');
}

/** The key that a secret makes: the first bytes of its SHA-2 hash (OpenID Connect Core 1.0, section 10.2). */
export function derivedKey(secret: Secret, length: number): Uint8Array {
  const hash = length <= 32 ? 'sha256' : length <= 48 ? 'sha384' : 'sha512';
  return createHash(hash).update(secret.reveal()).digest().subarray(0, length);
}
