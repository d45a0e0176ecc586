import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, randomBytes, type KeyObject } from 'node:crypto';

/** What became of a sealed value. `stale`: an older secret sealed it, and it should be sealed anew. */
export type Opened =
  | { readonly status: 'open'; readonly value: unknown; readonly stale: boolean; readonly expiresAt: number }
  | { readonly status: 'expired' }
  | { readonly status: 'invalid' };

interface OpenedBytes {
  readonly bytes: Buffer;
  /** An older secret sealed it. */
  readonly stale: boolean;
}

interface SealingKey {
  readonly id: Buffer;
  readonly key: KeyObject;
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

/** Nothing longer is looked at: three cookies of the largest size are less. */
export const MAX_SEALED_LENGTH = 16_384;

const INVALID: Opened = { status: 'invalid' };
const EXPIRED: Opened = { status: 'expired' };

/**
 * Turns values into text that only we can read and nobody can change, for a cookie.
 *
 * The text is base64url of version, key id, IV, ciphertext and tag: AES-256-GCM under a key that HKDF-SHA-256
 * (RFC 5869) derives from a secret for one purpose, so that a value sealed for one purpose opens for no other. The name
 * under which the value is kept is authenticated with it; the expiry stands in it.
 */
export class Sealer {
  readonly #secrets: readonly string[];
  readonly #keys = new Map<string, readonly SealingKey[]>();

  /** @param secrets the first seals, all of them open */
  constructor(secrets: readonly string[]) {
    this.#secrets = secrets;
  }

  /**
   * @param purpose separates the keys
   * @param name where the value is kept, such as the cookie's name
   * @param value what JSON can hold
   * @param expiresAt milliseconds since the epoch
   */
  seal(purpose: string, name: string, value: unknown, expiresAt: number): string {
    return this.sealBytes(purpose, name, Buffer.from(JSON.stringify([expiresAt, value]), 'utf8'));
  }

  /**
   * Opens what {@link seal} made for the same purpose under the same name.
   *
   * @param now milliseconds since the epoch
   */
  open(purpose: string, name: string, sealed: string, now: number): Opened {
    const opened = this.openBytes(purpose, name, sealed);
    if (opened === undefined) {
      return INVALID;
    }
    const [expiresAt, value]: [number, unknown] = JSON.parse(opened.bytes.toString('utf8'));
    return now < expiresAt ? { status: 'open', value, stale: opened.stale, expiresAt } : EXPIRED;
  }

  /** Seals bytes in a form of the caller's, for a purpose of their own. They carry no expiry. */
  sealBytes(purpose: string, name: string, bytes: Uint8Array): string {
    const [sealing] = this.#keysOf(purpose);
    if (sealing === undefined) {
      throw new Error('There is no secret to seal with');
    }
    const header = Buffer.concat([Buffer.of(VERSION), sealing.id]);
    const iv = randomBytes(IV_LENGTH);
    const cipher = createCipheriv(CIPHER, sealing.key, iv).setAAD(authenticated(header, name));
    return Buffer.concat([header, iv, cipher.update(bytes), cipher.final(), cipher.getAuthTag()]).toString('base64url');
  }

  /**
   * Opens what {@link sealBytes} made for the same purpose under the same name. What has not our form is told from it without
   * any cipher; what has costs one attempt for each secret whose key id it carries.
   *
   * @returns undefined: we did not seal it, or it was changed
   */
  openBytes(purpose: string, name: string, sealed: string): OpenedBytes | undefined {
    const whole = decode(sealed);
    if (whole === undefined || whole[0] !== VERSION) {
      return undefined;
    }
    const id = whole.subarray(1, HEADER_LENGTH);
    const keys = this.#keysOf(purpose);
    for (const key of keys) {
      const bytes = key.id.equals(id) ? decrypt(key.key, whole, name) : undefined;
      if (bytes !== undefined) {
        return { bytes, stale: key !== keys[0] };
      }
    }
    return undefined;
  }

  #keysOf(purpose: string): readonly SealingKey[] {
    let keys = this.#keys.get(purpose);
    if (keys === undefined) {
      keys = this.#secrets.map((secret) => deriveKey(secret, purpose));
      this.#keys.set(purpose, keys);
    }
    return keys;
  }
}

function deriveKey(secret: string, purpose: string): SealingKey {
  const derived = Buffer.from(hkdfSync('sha256', secret, '', `nestjs-oidc ${purpose}`, KEY_LENGTH + KEY_ID_LENGTH));
  return { key: createSecretKey(derived.subarray(0, KEY_LENGTH)), id: derived.subarray(KEY_LENGTH) };
}

function authenticated(header: Uint8Array, name: string): Buffer {
  return Buffer.concat([header, Buffer.from(name, 'utf8')]);
}

/** Only the one spelling that we write: Buffer skips what is not base64url and ignores left-over bits. */
function decode(sealed: string): Buffer | undefined {
  if (sealed.length > MAX_SEALED_LENGTH) {
    return undefined;
  }
  const bytes = Buffer.from(sealed, 'base64url');
  return bytes.length > OVERHEAD && bytes.toString('base64url') === sealed ? bytes : undefined;
}

function decrypt(key: KeyObject, bytes: Buffer, name: string): Buffer | undefined {
  const iv = bytes.subarray(HEADER_LENGTH, HEADER_LENGTH + IV_LENGTH);
  const ciphertext = bytes.subarray(HEADER_LENGTH + IV_LENGTH, -TAG_LENGTH);
  const decipher = createDecipheriv(CIPHER, key, iv, { authTagLength: TAG_LENGTH })
    .setAAD(authenticated(bytes.subarray(0, HEADER_LENGTH), name))
    .setAuthTag(bytes.subarray(-TAG_LENGTH));
  try {
    return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
  } catch {
    return undefined;
  }
}
