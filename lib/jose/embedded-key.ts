import { LRUCache } from 'lru-cache';

import { VerificationError } from '../errors/errors.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../values/json.js';
import { payloadSignedWith, type CompactJws } from './compact-jws.js';
import { PRIVATE_MEMBERS, thumbprintOf } from './jwk.js';
import type { KeySource } from './jwt.js';
import { KeySet } from './key-set.js';

/** Header parameters that name a URL of the key (RFC 7515, sections 4.1.2 and 4.1.5). */
const ELSEWHERE: readonly string[] = ['jku', 'x5u'];

/**
 * Maximum sizes of an RSA key in characters: 8192 bits of modulus, 32 bits of exponent. The sender chooses the key, and
 * with it what a verification costs.
 */
const LONGEST = { n: 1366, e: 6 } as const;

/** Maximum number of keys that are kept, at most some kilobytes each: of as many clients at a time. */
const MOST_KEPT = 1000;

/** Maximum length of a JWK that is kept, in characters: the largest RSA key, and some members beside it. */
const LONGEST_KEPT = 2048;

/**
 * Keys by the text of their JWK. A client makes many proofs with one key, and an import costs more than a verification.
 * A key enters when it has verified a signature. Strangers can sign with keys that they make up, and so drive others out:
 * those are imported anew.
 */
const kept = new LRUCache<string, EmbeddedKey>({ max: MOST_KEPT });

/** Public key that a JWS carries itself: imported once, and asked for its thumbprint once. */
class EmbeddedKey implements KeySource {
  readonly #text: string;
  readonly #keys: KeySet;
  #thumbprint: Promise<string> | undefined;

  private constructor(
    private readonly jwk: JsonObject,
    text: string,
  ) {
    this.#text = text;
    this.#keys = KeySet.parse({ keys: [jwk] });
  }

  static of(jwk: JsonObject): EmbeddedKey {
    const text = JSON.stringify(jwk);
    return kept.get(text) ?? new EmbeddedKey(jwk, text);
  }

  async verify(jws: CompactJws): Promise<Uint8Array> {
    // There is but one key: what it and the header call it says nothing.
    const candidates = await this.#keys.candidates({ ...jws, kid: undefined });
    if (candidates.length === 0) {
      throw refuse('carries no public key for its algorithm');
    }
    const payload = await payloadSignedWith(candidates, jws);
    if (payload === undefined) {
      throw new VerificationError('SIGNATURE_INVALID', 'The key that the JWT carries did not make its signature.');
    }
    if (this.#text.length <= LONGEST_KEPT) {
      kept.set(this.#text, this);
    }
    return payload;
  }

  /** Its thumbprint (RFC 7638). */
  thumbprint(): Promise<string> {
    return (this.#thumbprint ??= thumbprintOf(this.jwk));
  }
}

/**
 * The public key in the `jwk` header of a JWS (RFC 7515, section 4.1.3). A signature by it proves that the sender holds the
 * private key. It does not prove who the sender is.
 *
 * @throws {VerificationError} `KEY_NOT_FOUND` there is none, it is private, symmetric, incomplete, of a size that is not
 *   accepted or not made for the algorithm, or it stands elsewhere
 */
export function embeddedKey({ header }: Pick<CompactJws, 'header'>): EmbeddedKey {
  if (ELSEWHERE.some((name) => name in header)) {
    throw refuse('names a key that stands elsewhere');
  }
  const { jwk } = header;
  if (!isJsonObject(jwk)) {
    throw refuse('carries no key');
  }
  if (PRIVATE_MEMBERS.some((name) => name in jwk)) {
    throw refuse('carries a private key');
  }
  if (lengthOf(jwk['n']) > LONGEST.n || lengthOf(jwk['e']) > LONGEST.e) {
    throw refuse('carries a key that is larger than we accept');
  }
  return EmbeddedKey.of(jwk);
}

function lengthOf(member: JsonValue | undefined): number {
  return typeof member === 'string' ? member.length : 0;
}

function refuse(problem: string): VerificationError {
  return new VerificationError('KEY_NOT_FOUND', `The JWT ${problem}.`);
}
