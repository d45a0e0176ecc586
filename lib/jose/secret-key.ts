import { compactVerify } from 'jose';

import { VerificationError } from '../errors/errors.js';
import type { Secret } from '../errors/secret.js';
import type { KeySource } from './jwt.js';

/** The client secret as the key of HMAC signatures (OpenID Connect Core 1.0, section 10.1). */
export function secretKey(secret: Secret): KeySource {
  const key = new TextEncoder().encode(secret.reveal());
  return {
    verify: async (jws) => {
      try {
        await compactVerify(jws.compact, key, { algorithms: [jws.alg] });
      } catch {
        throw new VerificationError('SIGNATURE_INVALID', 'The client secret did not make this signature.');
      }
    },
  };
}
