import { importJWK } from 'jose';

import { ResponseError } from '../errors/errors.js';
import type { OperatorPort } from '../events/operator-events.js';
import { all, chain, type Awaitable } from '../values/awaitable.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../values/json.js';
import { text } from '../values/member.js';
import { isForKeyManagement } from './encryption-algorithms.js';
import type { EncryptionKey } from './encryption.js';
import { parseClaims, type CompactJws, type VerificationKey } from './compact-jws.js';
import { importOnce } from './import-once.js';
import { isFor, isPrivate, isShort, publicKeyOf, type KeyKind } from './jwk.js';
import { issuerBeside } from './tenant.js';

/** Maximum number of keys in a set. No provider publishes as many. */
const MOST_KEYS = 100;

interface PublishedKey extends KeyKind {
  readonly kid: JsonValue | undefined;
  /** The issuer that it signs for, or a template of several; undefined: whoever publishes it. */
  readonly issuer: string | undefined;
  /** Undefined: the members make no key. */
  readonly importFor: (alg: string) => Awaitable<VerificationKey | undefined>;
}

interface PublishedEncryptionKey extends KeyKind, EncryptionKey {
  /** Whether its `use` says that it is for encryption. */
  readonly isMeant: boolean;
}

/**
 * JWK Set: the public keys of a server, which verify its signatures and encrypt to it (RFC 7517, section 5). Unusable keys
 * are left out.
 */
export class KeySet {
  private constructor(
    private readonly keys: readonly PublishedKey[],
    private readonly encryptionKeys: readonly PublishedEncryptionKey[],
    /** All of them, as they are published. */
    readonly published: readonly JsonObject[],
  ) {}

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
      const facts = { keys: keys.length, limit: MOST_KEYS };
      throw new ResponseError('TOO_MANY_KEYS', 'The server published more keys than we read.', { facts });
    }
    return new KeySet(
      keys.flatMap((jwk) => publishedKey(jwk, operator)),
      keys.flatMap(encryptionKey),
      keys,
    );
  }

  /** A key to encrypt to by an algorithm; undefined: there is none. */
  encryptionKey(alg: string): EncryptionKey | undefined {
    const fitting = this.encryptionKeys.filter((key) => isForKeyManagement(key, alg));
    return fitting.find(({ isMeant }) => isMeant) ?? fitting[0];
  }

  /** The keys that may have made this signature, by `kid`, kind, curve, algorithm and issuer. */
  candidates(jws: CompactJws): Awaitable<readonly VerificationKey[]> {
    const { kid, alg } = jws;
    const fitting = this.keys.filter(
      (key) => (kid === undefined || key.kid === kid) && isFor(key, alg) && signsFor(key, jws),
    );
    return chain(all(fitting.map((key) => key.importFor(alg))), (imported) =>
      imported.filter((key) => key !== undefined),
    );
  }
}

/** A key to encrypt to: one that is there for it before one that is there for anything. */
function encryptionKey(jwk: JsonObject): PublishedEncryptionKey[] {
  const { kty, kid, crv, alg, use, key_ops: operations } = jwk;
  const isForEncryption = use === undefined || use === 'enc';
  const mayEncrypt = operations === undefined || (Array.isArray(operations) && operations.some(isEncrypting));
  const publicKey = isForEncryption && mayEncrypt && !isPrivate(jwk) ? publicKeyOf(jwk) : undefined;
  return publicKey === undefined || isShort(publicKey)
    ? []
    : [{ kty, crv, alg, isMeant: use === 'enc', kid: text(kid), publicKey }];
}

/** RFC 7517, section 4.3: what a public key of encryption may be used for. */
function isEncrypting(operation: JsonValue): boolean {
  return operation === 'encrypt' || operation === 'wrapKey' || operation === 'deriveKey' || operation === 'deriveBits';
}

/**
 * Whether a key may sign in the name of the issuer that the JWT names. Entra ID publishes keys of several issuers in one
 * set: that of consumers' accounts must not vouch for an organization's
 * (https://learn.microsoft.com/en-us/entra/identity-platform/access-tokens#validate-the-signing-key-issuer).
 */
function signsFor({ issuer }: PublishedKey, { payload }: CompactJws): boolean {
  if (issuer === undefined) {
    return true;
  }
  const claims = parseClaims(payload);
  return claims['iss'] !== undefined && claims['iss'] === issuerBeside(issuer, claims);
}

function publishedKey(jwk: JsonObject, operator: OperatorPort | undefined): PublishedKey[] {
  const { kty, kid, crv, alg, use, key_ops: operations } = jwk;
  // A name of another form, such as that of a certificate, is no issuer of JWTs.
  const issuer = typeof jwk['issuer'] === 'string' && /^https?:/.test(jwk['issuer']) ? jwk['issuer'] : undefined;
  if (isPrivate(jwk)) {
    operator?.report({ kind: 'private-key-published' });
    return [];
  }
  const isForSignatures = use === undefined || use === 'sig';
  const mayVerify = operations === undefined || (Array.isArray(operations) && operations.includes('verify'));
  const members = isForSignatures && mayVerify ? publicKeyOf(jwk) : undefined;
  return members === undefined || isShort(members)
    ? []
    : [{ kid, issuer, kty, crv, alg, importFor: importOnce((name) => importJWK(members, name)) }];
}
