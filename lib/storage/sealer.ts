import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  randomBytes,
  type CipherKey,
  type KeyObject,
} from 'node:crypto';

import { hkdf } from '../values/hkdf.js';

/** The result of opening a sealed value. `stale`: an older secret sealed it, and it should be sealed anew. */
export type Opened =
  | { readonly status: 'open'; readonly value: unknown; readonly stale: boolean; readonly expiresAt: number }
  | { readonly status: 'expired' }
  | { readonly status: 'invalid' };

interface OpenedBytes {
  readonly bytes: Buffer;
  /** An older secret sealed it. */
  readonly stale: boolean;
}

interface SealingKey<Key = CipherKey> {
  readonly id: Buffer;
  readonly key: Key;
}

const CIPHER = 'aes-256-gcm';
const VERSION = 1;
const KEY_LENGTH = 32;
const KEY_ID_LENGTH = 4;
/** NIST SP 800-38D, section 8.2.2: random IVs are safe for 2^32 values under a key. */
const IV_LENGTH = 12;
const TAG_LENGTH = 16;
const HEADER_LENGTH = 1 + KEY_ID_LENGTH;
const OVERHEAD = HEADER_LENGTH + IV_LENGTH + TAG_LENGTH;

/** Characters. Longer values are not opened; three cookies of the largest size are less. */
export const MAX_SEALED_LENGTH = 16_384;

const INVALID: Opened = { status: 'invalid' };
const EXPIRED: Opened = { status: 'expired' };

/** The keys that HKDF-SHA-256 (RFC 5869) derives from secrets, one for each label. It is a slow step, and made once for each. */
class DerivedKeys {
  readonly #keys = new Map<string, readonly SealingKey<KeyObject>[]>();

  constructor(private readonly secrets: readonly string[]) {}

  of(label: string): readonly SealingKey<KeyObject>[] {
    const keys = this.#keys.get(label) ?? this.secrets.map((secret) => derivedKey(secret, label));
    this.#keys.set(label, keys);
    return keys;
  }
}

/**
 * Authenticated encryption of values as text, for a cookie or a store.
 *
 * The text is base64url of version, key id, IV, ciphertext and tag. The cipher is AES-256-GCM under a key that HKDF-SHA-256
 * (RFC 5869) derives from a secret and a label, so that a value sealed under one label opens under no other. The name of the
 * value is authenticated with it. Its expiry stands in it.
 */
export class Sealer {
  readonly #derived: DerivedKeys;

  /**
   * @param secrets the first seals, all of them open
   * @param maxLength characters of a sealed value; longer ones are not opened
   * @param key needed beside the secrets: see {@link with}
   */
  constructor(
    secrets: readonly string[] | DerivedKeys,
    private readonly maxLength = MAX_SEALED_LENGTH,
    private readonly key?: string,
  ) {
    this.#derived = secrets instanceof DerivedKeys ? secrets : new DerivedKeys(secrets);
  }

  /**
   * A sealer that needs another key beside these secrets, such as one that only the browser has. Its keys are HMACs of that key.
   * HKDF would take most of the time of a request with a session.
   */
  with(key: string, maxLength: number): Sealer {
    return new Sealer(this.#derived, maxLength, key);
  }

  /**
   * @param label what the value is: each label has a key of its own
   * @param name where the value is kept, such as the cookie's name
   * @param value what JSON can hold
   * @param expiresAt milliseconds since the epoch
   */
  seal(label: string, name: string, value: unknown, expiresAt: number): string {
    return this.sealBytes(label, name, Buffer.from(JSON.stringify([expiresAt, value]), 'utf8'));
  }

  /**
   * Opens what {@link seal} made under the same label and name.
   *
   * @param now milliseconds since the epoch
   */
  open(label: string, name: string, sealed: string, now: number): Opened {
    const opened = this.openBytes(label, name, sealed);
    if (opened === undefined) {
      return INVALID;
    }
    const [expiresAt, value]: [number, unknown] = JSON.parse(opened.bytes.toString('utf8'));
    return now < expiresAt ? { status: 'open', value, stale: opened.stale, expiresAt } : EXPIRED;
  }

  /** Seals bytes in a form of the caller's, under a label of their own. They carry no expiry. */
  sealBytes(label: string, name: string, bytes: Uint8Array): string {
    const [sealing] = this.#keysOf(label);
    if (sealing === undefined) {
      throw new Error('There is no secret to seal with');
    }
    const header = Buffer.concat([Buffer.of(VERSION), sealing.id]);
    const iv = randomBytes(IV_LENGTH);
    const cipher = createCipheriv(CIPHER, sealing.key, iv).setAAD(associatedData(header, name));
    return Buffer.concat([header, iv, cipher.update(bytes), cipher.final(), cipher.getAuthTag()]).toString('base64url');
  }

  /**
   * Opens what {@link sealBytes} made under the same label and name. A value that has not our form costs no decryption; one
   * that has costs a decryption for each secret whose key id it carries.
   *
   * @returns undefined: we did not seal it, or it was changed
   */
  openBytes(label: string, name: string, sealed: string): OpenedBytes | undefined {
    const whole = sealed.length > this.maxLength ? undefined : decode(sealed);
    if (whole === undefined || whole[0] !== VERSION) {
      return undefined;
    }
    const id = whole.subarray(1, HEADER_LENGTH);
    const keys = this.#keysOf(label);
    for (const key of keys) {
      const bytes = key.id.equals(id) ? decrypt(key.key, whole, name) : undefined;
      if (bytes !== undefined) {
        return { bytes, stale: key !== keys[0] };
      }
    }
    return undefined;
  }

  #keysOf(label: string): readonly SealingKey[] {
    const { key: other } = this;
    return other === undefined
      ? this.#derived.of(label)
      : this.#derived.of(`${label} with a key`).map(({ id, key }) => ({ id, key: hmac(key, other) }));
  }
}

/** As long as a key of the cipher. */
function hmac(key: KeyObject, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function derivedKey(secret: string, label: string): SealingKey<KeyObject> {
  const derived = hkdf(secret, label, KEY_LENGTH + KEY_ID_LENGTH);
  return { key: createSecretKey(derived.subarray(0, KEY_LENGTH)), id: derived.subarray(KEY_LENGTH) };
}

/** Additional authenticated data of the cipher (NIST SP 800-38D, section 5.2.1.1). */
function associatedData(header: Uint8Array, name: string): Buffer {
  return Buffer.concat([header, Buffer.from(name, 'utf8')]);
}

/** Decodes only what is spelled as we write it: Buffer skips what is not base64url and ignores left-over bits. */
function decode(sealed: string): Buffer | undefined {
  const bytes = Buffer.from(sealed, 'base64url');
  return bytes.length > OVERHEAD && bytes.toString('base64url') === sealed ? bytes : undefined;
}

function decrypt(key: CipherKey, bytes: Buffer, name: string): Buffer | undefined {
  const iv = bytes.subarray(HEADER_LENGTH, HEADER_LENGTH + IV_LENGTH);
  const ciphertext = bytes.subarray(HEADER_LENGTH + IV_LENGTH, -TAG_LENGTH);
  const decipher = createDecipheriv(CIPHER, key, iv, { authTagLength: TAG_LENGTH })
    .setAAD(associatedData(bytes.subarray(0, HEADER_LENGTH), name))
    .setAuthTag(bytes.subarray(-TAG_LENGTH));
  try {
    return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
  } catch {
    return undefined;
  }
}
