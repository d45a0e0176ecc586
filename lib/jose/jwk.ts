import { calculateJwkThumbprint } from 'jose';

import { VerificationError } from '../errors/errors.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../values/json.js';
import { algorithmKey } from './algorithms.js';

/** The members that make each kind of public key (RFC 7518, section 6; RFC 8037; RFC 9964, section 3). */
const PUBLIC_MEMBERS: Readonly<Record<string, readonly string[]>> = {
  RSA: ['e', 'kty', 'n'],
  EC: ['crv', 'kty', 'x', 'y'],
  OKP: ['crv', 'kty', 'x'],
  AKP: ['alg', 'kty', 'pub'],
};

/** Every member that belongs to the private half (RFC 7518, section 6; RFC 8037; RFC 9964, section 3). */
export const PRIVATE_MEMBERS: readonly string[] = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'];

/** The members that make a public key, and no other. */
export type PublicKey = Readonly<Record<string, string>>;

/** The members of a JWK that limit its algorithms. */
export interface KeyKind {
  readonly kty: JsonValue | undefined;
  readonly crv: JsonValue | undefined;
  readonly alg: JsonValue | undefined;
}

/** Whether a key is for an algorithm: by its kind, its curve and what it says itself. */
export function isFor({ kty, crv, alg }: KeyKind, name: string): boolean {
  const algorithm = algorithmKey(name);
  return (
    algorithm !== undefined &&
    algorithm.kty === kty &&
    (algorithm.crv === undefined || algorithm.crv === crv) &&
    (alg === undefined || alg === name)
  );
}

/** Whether a JWK is private. It counts as private even where it can't be read. */
export function isPrivate(jwk: JsonObject): boolean {
  return privateValueOf(jwk) !== undefined;
}

/** The member that makes a JWK private: `d`, or `priv` of kinds that have no other. */
export function privateValueOf({ d, priv }: JsonObject): JsonValue | undefined {
  return d ?? priv;
}

/** Whether an RSA key has less than 2048 bits (RFC 7518, section 3.3). Leading zeros are not counted. */
export function isShort({ n }: PublicKey): boolean {
  return n !== undefined && BigInt(`0x0${Buffer.from(n, 'base64url').toString('hex')}`) < 2n ** 2047n;
}

/** The public members of a JWK. */
export function publicJwk(jwk: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(jwk).filter(([name]) => !PRIVATE_MEMBERS.includes(name)));
}

/** What describes a public key to others (RFC 7517, section 4). `key_ops` is left out: it says what the private half does. */
const DESCRIBING_MEMBERS: readonly string[] = ['kid', 'use', 'alg', 'x5c', 'x5t', 'x5t#S256', 'x5u'];

/** A JWK to publish: its public key, and what describes it. Undefined where it holds no public key, as a secret does. */
export function publishedJwk(jwk: JsonObject): JsonObject | undefined {
  const key = publicKeyOf(jwk);
  const described = Object.entries(jwk).filter(([name]) => DESCRIBING_MEMBERS.includes(name));
  return key && { ...key, ...Object.fromEntries(described) };
}

/** The public key of a JWK; undefined where a member is missing or empty. A private key has a public half. */
export function publicKeyOf(jwk: JsonObject): PublicKey | undefined {
  const { kty } = jwk;
  const names = typeof kty === 'string' && Object.hasOwn(PUBLIC_MEMBERS, kty) ? PUBLIC_MEMBERS[kty] : undefined;
  const members = names?.map((name) => [name, jwk[name]] as const);
  const isComplete = members?.every(
    (member): member is readonly [string, string] => typeof member[1] === 'string' && member[1] !== '',
  );
  return members !== undefined && isComplete ? Object.fromEntries(members) : undefined;
}

/**
 * The SHA-256 thumbprint of a key, base64url (RFC 7638). A private key has that of its public half.
 *
 * @throws {VerificationError} `KEY_NOT_FOUND` this is no key that has a public half
 */
export async function thumbprintOf(jwk: JsonValue | undefined): Promise<string> {
  const key = isJsonObject(jwk) ? publicKeyOf(jwk) : undefined;
  if (key === undefined) {
    throw new VerificationError('KEY_NOT_FOUND', 'The JWT carries no public key.');
  }
  return calculateJwkThumbprint(key);
}
