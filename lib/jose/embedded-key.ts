import { VerificationError } from '../errors/errors.js';
import { isJsonObject, type JsonValue } from '../values/json.js';
import { payloadSignedWith, type CompactJws } from './compact-jws.js';
import { PRIVATE_MEMBERS } from './jwk.js';
import type { KeySource } from './jwt.js';
import { KeySet } from './key-set.js';

/** Header parameters that name a URL of the key (RFC 7515, sections 4.1.2 and 4.1.5). */
const ELSEWHERE: readonly string[] = ['jku', 'x5u'];

/**
 * Maximum sizes of an RSA key in characters: 8192 bits of modulus, 32 bits of exponent. The sender chooses the key, and
 * with it what a verification costs.
 */
const LONGEST = { n: 1366, e: 6 } as const;

/**
 * The public key in the `jwk` header of a JWS (RFC 7515, section 4.1.3). A signature by it proves that the sender holds the
 * private key. It does not prove who the sender is.
 *
 * @throws {VerificationError} `KEY_NOT_FOUND` there is none, it is private, symmetric, incomplete, of a size that is not
 *   accepted or not made for the algorithm, or it stands elsewhere
 */
export function embeddedKey(jws: CompactJws): KeySource {
  const { header } = jws;
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
  const keys = KeySet.parse({ keys: [jwk] });
  return {
    verify: async (signed) => {
      // There is but one key: what it and the header call it says nothing.
      const candidates = await keys.candidates({ ...signed, kid: undefined });
      if (candidates.length === 0) {
        throw refuse('carries no public key for its algorithm');
      }
      const payload = await payloadSignedWith(candidates, signed);
      if (payload === undefined) {
        throw new VerificationError('SIGNATURE_INVALID', 'The key that the JWT carries did not make its signature.');
      }
      return payload;
    },
  };
}

function lengthOf(member: JsonValue | undefined): number {
  return typeof member === 'string' ? member.length : 0;
}

function refuse(problem: string): VerificationError {
  return new VerificationError('KEY_NOT_FOUND', `The JWT ${problem}.`);
}
