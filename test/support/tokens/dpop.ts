import { createHash, randomUUID } from 'node:crypto';

import { generateKey, jws, kindOf, type Jwk, type SigningKey } from '../../../lib/testing/provider/keys.js';
import { T } from '../clock.js';

/** A client's key for DPoP. */
export interface DpopKey {
  readonly alg: string;
  readonly key: SigningKey;
  /** Public, with the required members only. */
  readonly jwk: Jwk;
  /** What a token that is bound to this key carries as `cnf.jkt`. */
  readonly jkt: string;
}

/** A key pair of its own at each call. */
export function dpopKey(alg = 'ES256'): DpopKey {
  const kind = kindOf(alg);
  if (kind === undefined) {
    throw new Error(`There is no key pair for ${alg}`);
  }
  const key = generateKey(kind);
  const { kid: _, use: __, ...jwk } = key.jwk;
  return { alg, key, jwk, jkt: jktOf(jwk) };
}

/** RFC 7638, section 3, letter by letter. */
function jktOf({ kty, crv, x, y, e, n }: Jwk): string {
  const texts: Readonly<Record<string, string>> = {
    RSA: `{"e":"${e}","kty":"RSA","n":"${n}"}`,
    EC: `{"crv":"${crv}","kty":"EC","x":"${x}","y":"${y}"}`,
    OKP: `{"crv":"${crv}","kty":"OKP","x":"${x}"}`,
  };
  return sha256(texts[String(kty)] ?? '');
}

export interface ProofRequest {
  /** Default: GET. */
  readonly method?: string;
  readonly url: string;
  readonly accessToken: string;
  readonly nonce?: string;
  /** Seconds; default: what every test starts at. */
  readonly at?: number;
  /** Stand above the right ones; undefined ones are left out. */
  readonly header?: Jwk;
  readonly claims?: Jwk;
  /** Signs instead of the key that the proof carries. */
  readonly signedBy?: DpopKey;
}

/**
 * A DPoP proof, correct by default and never the same twice.
 *
 * ```ts
 * const key = dpopKey();
 * const token = op.issue({ cnf: { jkt: key.jkt } });
 * const proof = dpopProof(key, { url: 'https://api.test/orders?page=2', accessToken: token, at: clock.seconds });
 * ```
 */
export function dpopProof(key: DpopKey, request: ProofRequest): string {
  const { method = 'GET', url, accessToken, nonce, at = T, header, claims, signedBy = key } = request;
  return jws(
    { typ: 'dpop+jwt', alg: key.alg, jwk: key.jwk, ...header },
    {
      jti: randomUUID(),
      htm: method,
      htu: url.replace(/[?#].*/, ''),
      iat: at,
      ath: sha256(accessToken),
      ...(nonce !== undefined && { nonce }),
      ...claims,
    },
    signedBy.key,
    signedBy.alg,
  );
}

function sha256(text: string): string {
  return createHash('sha256').update(text, 'ascii').digest('base64url');
}
