import { randomUUID, hash } from 'node:crypto';

import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';

import type { Clock } from '../clock/clock.js';
import { isJsonObject, type JsonObject } from '../values/json.js';
import { ownKey, signJwt, type OwnKey } from './own-keys.js';

/** Algorithms of DPoP proofs, the preferred first: those with small keys and signatures. */
const ALGORITHMS: readonly string[] = ['ES256', 'EdDSA', 'Ed25519', 'ES384', 'ES512', 'PS256', 'RS256'];

/**
 * The algorithm of our proofs for a server.
 *
 * @param supported what the server lists (RFC 9449, section 5.1); undefined: it lists nothing
 * @returns undefined: it takes none that is built
 */
export function proofAlgorithm(supported: readonly string[] | undefined): string | undefined {
  return ALGORITHMS.find((one) => supported?.includes(one) ?? true);
}

/** The request of a DPoP proof. */
export interface ProofRequest {
  readonly method: string;
  /** Its query and fragment are left out of the proof (RFC 9449, section 4.2). */
  readonly url: string;
  /** What the request carries, at a resource server; none at the token endpoint. */
  readonly accessToken?: string | undefined;
  /** The last one that the server gave. */
  readonly nonce?: string | undefined;
}

/**
 * DPoP key: a key pair of ours that tokens are bound to (RFC 9449). Printing it never shows the private key; {@link toJwk}
 * returns it for sealing.
 */
export class DpopKey {
  /** The thumbprint, which stands in `cnf.jkt` of the tokens. */
  readonly jkt: string;
  readonly #key: OwnKey;
  readonly #alg: string;
  readonly #jwk: JsonObject;

  private constructor(key: OwnKey, jkt: string, alg: string, jwk: JsonObject) {
    this.jkt = jkt;
    this.#key = key;
    this.#alg = alg;
    this.#jwk = jwk;
    Object.freeze(this);
  }

  /** A new one for each session, so that the sessions of two users have nothing in common. */
  static async generate(alg: string): Promise<DpopKey> {
    const { privateKey } = await generateKeyPair(alg, { extractable: true });
    const jwk = await exportJWK(privateKey);
    const key = DpopKey.fromJwk({ ...jwk, alg, kid: await calculateJwkThumbprint(jwk) });
    if (key === undefined) {
      throw new Error(`There is no key of ours for ${alg}`);
    }
    return key;
  }

  /** Undefined when this is none that {@link toJwk} wrote. */
  static fromJwk(jwk: unknown): DpopKey | undefined {
    if (!isJsonObject(jwk) || typeof jwk['alg'] !== 'string') {
      return undefined;
    }
    const key = ownKey(jwk);
    return key?.kid === undefined ? undefined : new DpopKey(key, key.kid, jwk['alg'], jwk);
  }

  /** The private JWK, named by its thumbprint. */
  toJwk(): JsonObject {
    return this.#jwk;
  }

  /** A proof for one sending of a request; the next one takes another (RFC 9449, section 4.2). */
  proof({ method, url, accessToken, nonce }: ProofRequest, clock: Clock): Promise<string> {
    const claims = {
      jti: randomUUID(),
      htm: method,
      htu: url.replace(/[?#].*$/s, ''),
      iat: Math.floor(clock.seconds()),
      ...(accessToken !== undefined && { ath: hash('sha256', accessToken, 'base64url') }),
      ...(nonce !== undefined && { nonce }),
    };
    const { key, publicKey: jwk } = this.#key;
    return signJwt(claims, { alg: this.#alg, typ: 'dpop+jwt', jwk }, key);
  }
}
