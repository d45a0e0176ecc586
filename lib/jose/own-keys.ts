import { createPrivateKey, type JsonWebKey, type KeyObject } from 'node:crypto';

import { CompactSign, type CryptoKey } from 'jose';

import type { JsonObject, JsonValue } from '../http/json.js';
import { signatureAlgorithm } from './algorithms.js';

/** A private key of the client, as registered in `jwks`. */
export interface OwnKey {
  readonly kid: string | undefined;
  readonly use: JsonValue | undefined;
  readonly alg: JsonValue | undefined;
  readonly kty: JsonValue | undefined;
  readonly crv: JsonValue | undefined;
  readonly key: KeyObject;
}

/** The first that fits is taken where neither the registration nor the key names one; every server knows RS256. */
const PREFERENCE: readonly string[] = ['RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA'];

/** Every member that belongs to the private half (RFC 7518, section 6; RFC 8037). */
export const PRIVATE_MEMBERS: readonly string[] = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

/** @returns the key when the JWK holds a private one; undefined when it is public, can't be read or is too short */
export function ownKey(jwk: JsonObject): OwnKey | undefined {
  if (typeof jwk['d'] !== 'string') {
    return undefined;
  }
  const { kid, use, alg, kty, crv } = jwk;
  try {
    const key = createPrivateKey({ key: toNodeJwk(jwk), format: 'jwk' });
    return isShort(key) ? undefined : { kid: typeof kid === 'string' ? kid : undefined, use, alg, kty, crv, key };
  } catch {
    return undefined;
  }
}

/** RFC 7518, section 3.3. */
function isShort({ asymmetricKeyDetails }: KeyObject): boolean {
  return (asymmetricKeyDetails?.modulusLength ?? 2048) < 2048;
}

/** Whether a JWK says that it is private, also where it can't be read. */
export function isPrivate(jwk: JsonObject): boolean {
  return jwk['d'] !== undefined;
}

/** The same JWK as others may see it. */
export function publicJwk(jwk: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(jwk).filter(([name]) => !PRIVATE_MEMBERS.includes(name)));
}

/** @returns the key to sign with and its algorithm; `alg` as registered, else what the key is made for */
export function signingKey(keys: readonly OwnKey[], alg?: string): { key: OwnKey; alg: string } | undefined {
  for (const key of keys.filter(({ use }) => use !== 'enc')) {
    const fitting = algorithms(alg ?? key.alg).find((candidate) => fits(key, candidate));
    if (fitting !== undefined) {
      return { key, alg: fitting };
    }
  }
  return undefined;
}

function algorithms(alg: JsonValue | undefined): readonly string[] {
  return typeof alg === 'string' ? [alg] : PREFERENCE;
}

function fits(key: OwnKey, alg: string): boolean {
  const algorithm = signatureAlgorithm(alg);
  return (
    algorithm !== undefined &&
    algorithm.kty === key.kty &&
    (algorithm.crv === undefined || algorithm.crv === key.crv) &&
    (key.alg === undefined || key.alg === alg)
  );
}

/** Signs claims as a compact JWS. */
export function signJwt(
  claims: JsonObject,
  header: {
    readonly alg: string;
    readonly kid?: string | undefined;
    readonly typ?: string;
    readonly jwk?: JsonObject;
  },
  key: KeyObject | CryptoKey | Uint8Array,
): Promise<string> {
  const { kid, ...rest } = header;
  return new CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
    .setProtectedHeader(kid === undefined ? rest : { ...rest, kid })
    .sign(key);
}

/** Node's type wants strings; what is no string is refused by `createPrivateKey`. */
function toNodeJwk(jwk: JsonObject): JsonWebKey {
  return Object.fromEntries(Object.entries(jwk).filter(([, value]) => typeof value === 'string'));
}
