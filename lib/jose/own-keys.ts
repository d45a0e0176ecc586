import { createPrivateKey, type JsonWebKey, type KeyObject } from 'node:crypto';

import { CompactSign, type CryptoKey } from 'jose';

import type { JsonObject, JsonValue } from '../values/json.js';
import { isFor, isShort, publicKeyOf, type KeyKind } from './jwk.js';

/** A private key of the client, as registered in `jwks`. */
export interface OwnKey extends KeyKind {
  readonly kid: string | undefined;
  readonly use: JsonValue | undefined;
  readonly publicKey: JsonObject;
  readonly key: KeyObject;
}

/** Order of preference where neither the registration nor the key names an algorithm. Every server knows RS256. */
const PREFERENCE: readonly string[] = ['RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA'];

/** @returns the key when the JWK holds a private one; undefined when it is public, can't be read or is too short */
export function ownKey(jwk: JsonObject): OwnKey | undefined {
  const publicKey = publicKeyOf(jwk);
  if (typeof jwk['d'] !== 'string' || publicKey === undefined || isShort(publicKey)) {
    return undefined;
  }
  const { kid, use, alg, kty, crv } = jwk;
  try {
    const key = createPrivateKey({ key: toNodeJwk(jwk), format: 'jwk' });
    return { kid: typeof kid === 'string' ? kid : undefined, use, alg, kty, crv, publicKey, key };
  } catch {
    return undefined;
  }
}

/** @returns the key to sign with and its algorithm; `alg` as registered, else what the key is made for */
export function signingKey(keys: readonly OwnKey[], alg?: string): { key: OwnKey; alg: string } | undefined {
  for (const key of keys.filter(({ use }) => use !== 'enc')) {
    const fitting = algorithms(alg ?? key.alg).find((candidate) => isFor(key, candidate));
    if (fitting !== undefined) {
      return { key, alg: fitting };
    }
  }
  return undefined;
}

function algorithms(alg: JsonValue | undefined): readonly string[] {
  return typeof alg === 'string' ? [alg] : PREFERENCE;
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

/** Keeps the members that are strings, as Node's type wants it. `createPrivateKey` refuses a key that lacks one. */
function toNodeJwk(jwk: JsonObject): JsonWebKey {
  return Object.fromEntries(Object.entries(jwk).filter(([, value]) => typeof value === 'string'));
}
