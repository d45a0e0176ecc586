import { createPrivateKey, type JsonWebKey, type KeyObject } from 'node:crypto';

import { CompactSign, UnsecuredJWT, type CryptoKey } from 'jose';

import type { JsonObject, JsonValue } from '../values/json.js';
import { isForKeyManagement } from './encryption-algorithms.js';
import { isFor, isShort, privateValueOf, publicKeyOf, type KeyKind } from './jwk.js';

/** A private key of the client, as registered in `jwks`. */
export interface OwnKey extends KeyKind {
  readonly kid: string | undefined;
  readonly use: JsonValue | undefined;
  /** `key_ops` of the JWK. */
  readonly operations: JsonValue | undefined;
  readonly publicKey: JsonObject;
  readonly key: KeyObject;
}

/** Order of preference where neither the registration nor the key names an algorithm. Every server knows RS256. */
const PREFERENCE: readonly string[] = ['RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA'];

/** @returns the key when the JWK holds a private one; undefined when it is public, can't be read or is too short */
export function ownKey(jwk: JsonObject): OwnKey | undefined {
  const publicKey = publicKeyOf(jwk);
  if (typeof privateValueOf(jwk) !== 'string' || publicKey === undefined || isShort(publicKey)) {
    return undefined;
  }
  const { kid, use, alg, kty, crv, key_ops: operations } = jwk;
  try {
    const key = createPrivateKey({ key: toNodeJwk(jwk), format: 'jwk' });
    return { kid: typeof kid === 'string' ? kid : undefined, use, operations, alg, kty, crv, publicKey, key };
  } catch {
    return undefined;
  }
}

/**
 * The key to sign with and its algorithm.
 *
 * @param alg as registered. Default: what the key is made for
 * @param allowed the algorithms that may be chosen, the preferred first. Default: any
 */
export function signingKey(
  keys: readonly OwnKey[],
  alg?: string,
  allowed?: readonly string[],
): { key: OwnKey; alg: string } | undefined {
  for (const key of keys.filter((one) => mayServe(one, SIGNING))) {
    const named = alg ?? key.alg;
    const candidates = typeof named === 'string' ? [named] : (allowed ?? PREFERENCE);
    const fitting = candidates.find((one) => isFor(key, one) && (allowed?.includes(one) ?? true));
    if (fitting !== undefined) {
      return { key, alg: fitting };
    }
  }
  return undefined;
}

/** @returns the keys that decrypt by a key management algorithm */
export function decryptionKeys(keys: readonly OwnKey[], alg: string): readonly OwnKey[] {
  return keys.filter((key) => mayServe(key, DECRYPTION) && isForKeyManagement(key, alg));
}

/** A use of keys: as `use` and as `key_ops` name it (RFC 7517, sections 4.2 and 4.3). */
interface KeyUse {
  readonly use: string;
  readonly operations: readonly string[];
}

const SIGNING: KeyUse = { use: 'sig', operations: ['sign'] };
const DECRYPTION: KeyUse = { use: 'enc', operations: ['decrypt', 'unwrapKey', 'deriveKey', 'deriveBits'] };

/** Whether a key is for this use. One that names none is for any. */
function mayServe({ use, operations }: OwnKey, wanted: KeyUse): boolean {
  const isNamed = (operation: string): boolean => Array.isArray(operations) && operations.includes(operation);
  return (use === undefined || use === wanted.use) && (operations === undefined || wanted.operations.some(isNamed));
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

/** Claims as a JWT that nobody signed (RFC 7519, section 6). */
export function unsignedJwt(claims: JsonObject): string {
  return new UnsecuredJWT({ ...claims }).encode();
}

/** Keeps the members that are strings, as Node's type wants it. `createPrivateKey` refuses a key that lacks one. */
function toNodeJwk(jwk: JsonObject): JsonWebKey {
  return Object.fromEntries(Object.entries(jwk).filter(([, value]) => typeof value === 'string'));
}
