import { importJWK } from 'jose';

import { quoted } from '../errors/log-line.js';
import type { JsonObject } from '../values/json.js';
import { text } from '../values/member.js';
import { ASYMMETRIC_ALGORITHMS } from './algorithms.js';
import { isFor, isPrivate, isShort, publicKeyOf } from './jwk.js';

/** The keys of a JWK Set as somebody who looks for faults sees them. */
export interface ExaminedKeys {
  /** The algorithms whose signatures can be verified. */
  readonly algorithms: readonly string[];
  /** How many are for encryption alone. */
  readonly forEncryption: number;
  /** Those for signatures that can't be used, and why. */
  readonly faults: readonly KeyFault[];
  /** The names that several of them have. They should be distinct (RFC 7517, section 4.5). */
  readonly repeated: readonly string[];
}

/** A key that can't be used. */
export interface KeyFault {
  readonly kid: string | undefined;
  /** To be read behind its name, such as `has less than 2048 bits`. */
  readonly fault: string;
  /** Whether it is one that must be kept secret. */
  readonly isSecret: boolean;
}

/** What is to be said of a key: it is for these algorithms, or it can't be used. */
type Examined = { readonly algorithms: readonly string[] } | Omit<KeyFault, 'kid'>;

/** Looks for what keeps the keys of a JWK Set from being used. Who verifies signatures leaves such keys out and says nothing. */
export async function examinedKeys(keys: readonly JsonObject[]): Promise<ExaminedKeys> {
  const forSignatures = keys.filter(({ use }) => use === undefined || use === 'sig');
  const seen = await Promise.all(
    forSignatures.map(async (jwk) => ({ kid: text(jwk['kid']), key: await examinedKey(jwk) })),
  );
  const kids = seen.flatMap(({ kid, key }) => (kid !== undefined && 'algorithms' in key ? [kid] : []));
  return {
    algorithms: [...new Set(seen.flatMap(({ key }) => ('algorithms' in key ? key.algorithms : [])))],
    forEncryption: keys.length - forSignatures.length,
    faults: seen.flatMap(({ kid, key }) => ('fault' in key ? [{ kid, ...key }] : [])),
    repeated: [...new Set(kids.filter((kid, index) => kids.indexOf(kid) !== index))],
  };
}

async function examinedKey(jwk: JsonObject): Promise<Examined> {
  const { kty, crv, alg, key_ops: operations } = jwk;
  if (kty === 'oct' || isPrivate(jwk)) {
    return { fault: 'is one to be kept secret, and everybody can read it here', isSecret: true };
  }
  if (Array.isArray(operations) && !operations.includes('verify')) {
    return unusable('is not for verifying (key_ops; RFC 7517, section 4.3)');
  }
  const algorithms = ASYMMETRIC_ALGORITHMS.filter((name) => isFor({ kty, crv, alg }, name));
  const [first] = algorithms;
  if (first === undefined) {
    const kind = Object.entries({ kty, crv, alg }).flatMap(([name, value]) =>
      value === undefined ? [] : [`${name} ${quoted(String(value))}`],
    );
    return unusable(`is for no algorithm that is taken (${kind.join(', ') || 'it has no kty'})`);
  }
  const members = publicKeyOf(jwk);
  if (members === undefined) {
    return unusable('lacks a member that a key of its kind has (RFC 7518, section 6)');
  }
  if (isShort(members)) {
    return unusable('has less than 2048 bits (RFC 7518, section 3.3)');
  }
  return (await isReadable(members, first)) ? { algorithms } : unusable('has members that make no key');
}

function unusable(fault: string): Examined {
  return { fault, isSecret: false };
}

function isReadable(members: Readonly<Record<string, string>>, alg: string): Promise<boolean> {
  return importJWK(members, alg).then(
    () => true,
    () => false,
  );
}
