import { VerificationError } from '../errors/errors.js';
import type { Secret } from '../values/secret.js';
import { isSymmetric } from './algorithms.js';
import { isSignedWith } from './compact-jws.js';
import type { KeySource } from './jwt.js';

/** The client secret as the key of HMAC signatures (OpenID Connect Core 1.0, section 10.1; RFC 7518, section 3.2). */
export function secretKey(secret: Secret): KeySource {
  const key = Buffer.from(secret.reveal());
  return {
    verify: async (jws) => {
      if (!isSymmetric(jws.alg) || !(await isSignedWith(key, jws))) {
        throw new VerificationError('SIGNATURE_INVALID', 'The client secret did not make this signature.');
      }
    },
  };
}
