import { createHmac, createSecretKey } from 'node:crypto';

import { VerificationError } from '../errors/errors.js';
import type { Secret } from '../values/secret.js';
import { isSymmetric, signatureAlgorithm } from './algorithms.js';
import { equalInConstantTime } from './constant-time.js';
import type { KeySource } from './jwt.js';

/** The client secret as the key of HMAC signatures (OpenID Connect Core 1.0, section 10.1; RFC 7518, section 3.2). */
export function secretKey(secret: Secret): KeySource {
  const key = createSecretKey(secret.reveal(), 'utf8');
  return {
    verify: async ({ alg, compact, signature }) => {
      const hash = isSymmetric(alg) ? signatureAlgorithm(alg)?.hash : undefined;
      const input = compact.slice(0, compact.lastIndexOf('.'));
      // A signature has one spelling, so that its text is as good as its bytes.
      const isOurs =
        hash !== undefined && equalInConstantTime(createHmac(hash, key).update(input).digest('base64url'), signature);
      if (!isOurs) {
        throw new VerificationError('SIGNATURE_INVALID', 'The client secret did not make this signature.');
      }
    },
  };
}
