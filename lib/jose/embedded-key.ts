import { hash } from 'node:crypto';

import { VerificationError } from '../errors/errors.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../http/json.js';
import type { CompactJws } from './compact-jws.js';
import type { KeySource } from './jwt.js';
import { KeySet, verifiesWithOneOf } from './key-set.js';
import { PRIVATE_MEMBERS } from './own-keys.js';

/** Header parameters that say that the key is to be fetched (RFC 7515, sections 4.1.2 and 4.1.5). */
const ELSEWHERE: readonly string[] = ['jku', 'x5u'];

/**
 * Characters of the longest modulus, 8192 bits, and of the longest public exponent, 32 bits. Whoever sends the key
 * chooses what it costs to verify with it.
 */
const LONGEST = { n: 1366, e: 6 } as const;

/**
 * The public key that a JWS brings along in `jwk` (RFC 7515, section 4.1.3), and no other. It proves that whoever signed
 * holds the private key, and nothing of who that is.
 *
 * @throws {VerificationError} `KEY_NOT_FOUND` there is none, it is private, symmetric, incomplete, of a size that is not
 *   accepted or not made for the algorithm, or it stands elsewhere
 */
export function embeddedKey(jws: CompactJws): KeySource {
  const { header } = jws;
  if (ELSEWHERE.some((name) => name in header)) {
    throw refuse('names a key that stands elsewhere');
  }
  const jwk = requireJwk(header['jwk']);
  if (PRIVATE_MEMBERS.some((name) => name in jwk)) {
    throw refuse('carries a private key');
  }
  if (lengthOf(jwk['n']) > LONGEST.n || lengthOf(jwk['e']) > LONGEST.e) {
    throw refuse('carries a key that is larger than we accept');
  }
  // There is but one key: what it and the header call it says nothing.
  const candidates = KeySet.parse({ keys: [jwk] }, () => undefined).candidates({ ...jws, kid: undefined });
  if (candidates.length === 0) {
    throw refuse('carries no public key for its algorithm');
  }
  return {
    verify: async (signed) => {
      if (!(await verifiesWithOneOf(candidates, signed))) {
        throw new VerificationError('SIGNATURE_INVALID', 'The key that the JWT carries did not make its signature.');
      }
    },
  };
}

/** The members of a thumbprint, in lexicographic order (RFC 7638, sections 3.2 and 3.3; RFC 8037, section 2). */
const THUMBPRINT_MEMBERS: Readonly<Record<string, readonly string[]>> = {
  RSA: ['e', 'kty', 'n'],
  EC: ['crv', 'kty', 'x', 'y'],
  OKP: ['crv', 'kty', 'x'],
};

/**
 * The SHA-256 thumbprint of a key, base64url (RFC 7638). A private key has that of its public half.
 *
 * @throws {VerificationError} `KEY_NOT_FOUND` this is no key that has a public half
 */
export function thumbprintOf(jwk: JsonValue | undefined): string {
  const key = requireJwk(jwk);
  const { kty } = key;
  const members =
    typeof kty === 'string' && Object.hasOwn(THUMBPRINT_MEMBERS, kty) ? THUMBPRINT_MEMBERS[kty] : undefined;
  if (members === undefined || !members.every((name) => typeof key[name] === 'string')) {
    throw refuse('carries no public key');
  }
  // Written in the order of the list, without white space.
  return hash('sha256', JSON.stringify(key, [...members]), 'base64url');
}

function requireJwk(jwk: JsonValue | undefined): JsonObject {
  if (!isJsonObject(jwk)) {
    throw refuse('carries no key');
  }
  return jwk;
}

function lengthOf(member: JsonValue | undefined): number {
  return typeof member === 'string' ? member.length : 0;
}

function refuse(problem: string): VerificationError {
  return new VerificationError('KEY_NOT_FOUND', `The JWT ${problem}.`);
}
