import { importJWK } from 'jose';

import { ResponseError } from '../errors/errors.js';
import type { OperatorPort } from '../events/operator-events.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../values/json.js';
import { isSignedWith, type CompactJws, type VerificationKey } from './compact-jws.js';
import { importOnce } from './import-once.js';
import { isFor, isShort, publicKeyOf, type KeyKind } from './jwk.js';

/** Maximum number of keys in a set. No provider publishes as many. */
const MOST_KEYS = 100;

interface PublishedKey extends KeyKind {
  readonly kid: JsonValue | undefined;
  /** Undefined: the members make no key. */
  readonly importFor: (alg: string) => Promise<VerificationKey | undefined>;
}

/** JWK Set: the public keys of a server that verify signatures (RFC 7517, section 5). Unusable keys are left out. */
export class KeySet {
  private constructor(private readonly keys: readonly PublishedKey[]) {}

  /**
   * @param operator hears of a private key among them; left out: nobody does
   * @throws {ResponseError} this is no JWK Set
   */
  static parse(document: JsonObject, operator?: OperatorPort): KeySet {
    const { keys } = document;
    if (!Array.isArray(keys) || !keys.every(isJsonObject)) {
      throw new ResponseError('JWKS_INVALID', 'The server published something else than a JWK Set.');
    }
    if (keys.length > MOST_KEYS) {
      throw new ResponseError('TOO_MANY_KEYS', 'The server published more keys than we read.');
    }
    return new KeySet(keys.flatMap((jwk) => publishedKey(jwk, operator)));
  }

  /** The keys that may have made this signature, by `kid`, kind, curve and algorithm. */
  async candidates({ kid, alg }: CompactJws): Promise<readonly VerificationKey[]> {
    const fitting = this.keys.filter((key) => (kid === undefined || key.kid === kid) && isFor(key, alg));
    const imported = await Promise.all(fitting.map((key) => key.importFor(alg)));
    return imported.filter((key) => key !== undefined);
  }
}

/** Whether one of the keys made the signature. */
export async function verifiesWithOneOf(candidates: readonly VerificationKey[], jws: CompactJws): Promise<boolean> {
  for (const key of candidates) {
    if (await isSignedWith(key, jws)) {
      return true;
    }
  }
  return false;
}

function publishedKey(jwk: JsonObject, operator: OperatorPort | undefined): PublishedKey[] {
  const { kty, kid, crv, alg, use, key_ops: operations } = jwk;
  if ('d' in jwk) {
    operator?.report({ kind: 'private-key-published' });
    return [];
  }
  const isForSignatures = use === undefined || use === 'sig';
  const mayVerify = operations === undefined || (Array.isArray(operations) && operations.includes('verify'));
  const members = isForSignatures && mayVerify ? publicKeyOf(jwk) : undefined;
  return members === undefined || isShort(members)
    ? []
    : [{ kid, kty, crv, alg, importFor: importOnce((name) => importJWK(members, name)) }];
}
