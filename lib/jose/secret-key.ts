import { VerificationError } from '../errors/errors.js';
import type { Secret } from '../values/secret.js';
import { isSymmetric, signatureAlgorithm } from './algorithms.js';
import { payloadSignedWith, type VerificationKey } from './compact-jws.js';
import { importOnce } from './import-once.js';
import type { KeySource } from './jwt.js';

/** The client secret as the key of HMAC signatures (OpenID Connect Core 1.0, section 10.1; RFC 7518, section 3.2). */
export function secretKey(secret: Secret): KeySource {
  const importFor = importOnce((alg) => hmacKey(secret, alg));
  return {
    verify: async (jws) => {
      const key = isSymmetric(jws.alg) ? await importFor(jws.alg) : undefined;
      const payload = key && (await payloadSignedWith([key], jws));
      if (payload === undefined) {
        throw new VerificationError('SIGNATURE_INVALID', 'The client secret did not make this signature.');
      }
      return payload;
    },
  };
}

function hmacKey(secret: Secret, alg: string): Promise<VerificationKey> {
  const hash = signatureAlgorithm(alg)?.hash.replace('sha', 'SHA-') ?? '';
  return crypto.subtle.importKey('raw', Buffer.from(secret.reveal()), { name: 'HMAC', hash }, false, ['verify']);
}
