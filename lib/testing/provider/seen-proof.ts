import { createHash } from 'node:crypto';

import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from 'jose';

import type { Recorded } from './loopback-server.js';
import type { ProviderClock } from './provider-clock.js';

/** A proof that came with a request, as an authorization server sees it (RFC 9449, section 4.3). */
export interface SeenProof {
  readonly jkt: string;
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
}

/**
 * Checks the proof of a request by another library than ours.
 *
 * @param url of the endpoint
 * @throws it is not one that RFC 9449 allows; undefined when the request has none
 */
async function seenProof(request: Recorded, url: string, now: Date): Promise<SeenProof | undefined> {
  const proof = request.headers['dpop'];
  if (typeof proof !== 'string') {
    return undefined;
  }
  const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
    typ: 'dpop+jwt',
    currentDate: now,
    requiredClaims: ['jti', 'htm', 'htu', 'iat'],
    maxTokenAge: 60,
  });
  const [, token] = /^DPoP (.+)$/.exec(request.headers.authorization ?? '') ?? [];
  const ath = token && createHash('sha256').update(token).digest('base64url');
  const { jwk = {} } = protectedHeader;
  if (payload['htm'] !== request.method || payload['htu'] !== url || payload['ath'] !== ath || 'd' in jwk) {
    throw new Error('The proof is made for another request');
  }
  return {
    jkt: await calculateJwkThumbprint({ ...jwk, kty: String(jwk.kty) }),
    header: { ...protectedHeader },
    claims: payload,
  };
}

/** The proof of a request, put into the notes of the request when it is good; `bad` when it is not. */
export async function proofOf(
  request: Recorded,
  url: string,
  clock: ProviderClock,
): Promise<SeenProof | 'bad' | undefined> {
  try {
    const proof = await seenProof(request, url, new Date(clock.now()));
    request.notes['proof'] = proof;
    return proof;
  } catch {
    return 'bad';
  }
}
