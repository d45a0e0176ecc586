import { generateKey, keyOf, kindOf, type KeyKind, type SigningKey } from './keys.js';

const KINDS = ['RSA', 'P-256', 'P-384', 'P-521', 'Ed25519'] as const;

const ENCRYPTION_KINDS = ['RSA', 'P-256'] as const;

function encryptionKey(kind: KeyKind): SigningKey {
  return keyOf(kind, 'provider-encryption');
}

/** The provider's signing keys: one of each kind, and the old ones that are still published. */
export class KeyRing {
  readonly #keys = new Map<KeyKind, SigningKey>(KINDS.map((kind) => [kind, keyOf(kind)]));
  #retired: readonly SigningKey[] = [];

  /** The key that a JWT of this algorithm is signed with at present. */
  key(alg: string): SigningKey {
    const key = this.#keys.get(kindOf(alg) ?? 'RSA');
    if (key === undefined) {
      throw new Error(`The provider has no key for ${alg}`);
    }
    return key;
  }

  /** The key that opens what was encrypted to the provider by an algorithm. */
  decryptionKey(alg: string): SigningKey {
    return encryptionKey(alg.startsWith('RSA') ? 'RSA' : 'P-256');
  }

  /** The public keys, as `jwks_uri` shows them. */
  get published(): readonly SigningKey['jwk'][] {
    return [
      ...[...this.#keys.values(), ...this.#retired].map((key) => key.jwk),
      ...ENCRYPTION_KINDS.map((kind) => ({ ...encryptionKey(kind).jwk, kid: `enc-${kind}`, use: 'enc' })),
    ];
  }

  /**
   * New keys in place of the old ones, or only of this kind.
   *
   * @param keepOld leaves the old ones published
   */
  rotate({ keepOld = false, kinds = [...this.#keys.keys()] }: Rotation = {}): void {
    const old = kinds.flatMap((kind) => this.#keys.get(kind) ?? []);
    this.#retired = keepOld ? [...this.#retired, ...old] : [];
    kinds.forEach((kind) => this.#keys.set(kind, generateKey(kind)));
  }
}

export interface Rotation {
  readonly keepOld?: boolean;
  readonly kinds?: readonly KeyKind[];
}
