import { VerificationError } from '../errors/errors.js';
import type { JsonObject } from '../values/json.js';
import { payloadSignedWith } from './compact-jws.js';
import type { KeySource } from './jwt.js';
import { KeySet } from './key-set.js';

/**
 * Keys that the application names itself.
 *
 * @throws {ResponseError} this is no JWK Set
 */
export function givenKeys(jwks: { readonly keys: readonly JsonObject[] }): KeySource {
  const set = KeySet.parse({ keys: jwks.keys });
  return {
    verify: async (jws) => {
      const payload = await payloadSignedWith(await set.candidates(jws), jws);
      if (payload === undefined) {
        throw new VerificationError('SIGNATURE_INVALID', 'None of the keys made this signature.');
      }
      return payload;
    },
  };
}
