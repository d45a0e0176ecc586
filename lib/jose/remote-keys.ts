import { isWithin, type Now } from '../clock/clock.js';
import { ResponseError, VerificationError } from '../errors/errors.js';
import type { OperatorPort } from '../events/operator-events.js';
import { CachedDocument, FAILURE_PAUSE, jsonDocument } from '../http/cached-document.js';
import type { HttpResponse } from '../http/response.js';
import type { Transport } from '../http/transport.js';
import { isPromise } from '../values/awaitable.js';
import { isJsonObject, type JsonObject } from '../values/json.js';
import { anyOf, readMembers, type MemberTypes } from '../values/tolerant-reader.js';
import { locationOf } from '../values/url.js';
import { keepHeader, payloadSignedWith, type CompactJws } from './compact-jws.js';
import type { EncryptionKey } from './encryption.js';
import type { KeySource } from './jwt.js';
import { KeySet } from './key-set.js';

/** Media types of a JWK Set: that of RFC 7517, section 8.5, and the one that most servers use. */
const MEDIA_TYPES: readonly string[] = ['application/json', 'application/jwk-set+json'];

/** The members of a published key that decide whether it is used (RFC 7517, section 4). */
const KEY_MEMBERS = anyOf(['kid', 'crv', 'alg', 'use', 'key_ops', 'd', 'priv']);

const SET_MEMBERS: MemberTypes = {
  keys: {
    read: (keys) =>
      Array.isArray(keys) ? keys.map((key) => (isJsonObject(key) ? readMembers(key, KEY_MEMBERS) : key)) : keys,
    is: Array.isArray,
  },
};

/** Milliseconds that keys are used beyond their lifetime while the server can't be reached. */
const MAX_STALE = 3_600_000;

/** Cool-down in milliseconds: after a refetch that did not bring the key, strangers cause no other. */
const COOL_DOWN = 30_000;

/** Maximum number of keys that are tried for a JWT without `kid`. It bounds the work that a token can cause. */
const MOST_CANDIDATES = 4;

/** @throws {ResponseError} as {@link KeySet.parse}, with where it came from */
function parsed(set: JsonObject, response: HttpResponse, operator: OperatorPort): KeySet {
  try {
    return KeySet.parse(set, operator);
  } catch (error) {
    if (error instanceof ResponseError) {
      error.addFacts(response.facts);
    }
    throw error;
  }
}

/** A running cool-down: strangers get its error, and no refetch. */
interface CoolDown {
  readonly error: unknown;
  readonly from: number;
  readonly length: number;
}

/**
 * Origin of a JWT. One from the provider's own endpoint may always cause a refetch of the keys. One that anybody can make
 * up may not during the cool-down.
 */
export type JwtOrigin = 'provider' | 'stranger';

/** Cache of the keys at a `jwks_uri`: refreshed, and kept through an outage (OpenID Connect Core 1.0, section 10.1.1). */
export class RemoteKeys {
  readonly #document: CachedDocument<KeySet>;
  #coolDown: CoolDown | undefined;

  constructor(
    transport: Transport,
    private readonly uri: string,
    private readonly now: Now,
    operator: OperatorPort,
  ) {
    this.#document = new CachedDocument(
      async (background) => {
        const response = await transport.request({
          method: 'GET',
          url: uri,
          endpoint: 'jwks_uri',
          headers: { accept: MEDIA_TYPES.join(', ') },
          retry: 'idempotent',
          background,
        });
        if (response.status !== 200) {
          throw new ResponseError('UNEXPECTED_STATUS', 'The server did not publish its keys where it says.', {
            facts: response.facts,
          });
        }
        const set = readMembers(jsonDocument(response, MEDIA_TYPES), SET_MEMBERS);
        return { value: parsed(set, response, operator), response };
      },
      now,
      { maxStale: MAX_STALE },
    );
  }

  /** Whether there are kept keys that serve while the server is down. */
  get areKept(): boolean {
    return this.#document.isKept;
  }

  /** Fetches the keys now, however fresh the kept ones are. */
  refresh(): Promise<KeySet> {
    return this.#document.refresh();
  }

  /** These keys for JWTs of one origin. */
  from(origin: JwtOrigin): KeySource {
    return {
      verify: async (jws) => {
        const kept = this.#document.get();
        const payload = await this.#attempt(isPromise(kept) ? await kept : kept, jws);
        const verified = payload ?? (await this.#verifyWithNewer(jws, origin));
        keepHeader(jws);
        return verified;
      },
    };
  }

  /**
   * A key of the server to encrypt to. Where the kept set has none, it is fetched once more.
   *
   * @returns undefined where the server publishes none for the algorithm
   */
  async encryptionKey(alg: string): Promise<EncryptionKey | undefined> {
    return (await this.#document.get()).encryptionKey(alg) ?? (await this.#refetch('provider')).encryptionKey(alg);
  }

  /** Verifies a signature that none of the kept keys made. */
  async #verifyWithNewer(jws: CompactJws, origin: JwtOrigin): Promise<Uint8Array> {
    // What is on its way may have been answered before the key was published: another fetch may have to follow it.
    const coming = this.#document.isLoading ? await this.#attempt(await this.#refetch(origin), jws) : undefined;
    if (coming !== undefined) {
      return coming;
    }
    if (origin === 'stranger') {
      this.#requireWarm();
    }
    const payload = await this.#attempt(await this.#refetch(origin), jws);
    if (payload === undefined) {
      throw this.#startCoolDown(COOL_DOWN, this.#unknownKey());
    }
    return payload;
  }

  /** @returns the payload that one of the keys signed; undefined when a newer set may bring the right key */
  async #attempt(set: KeySet, jws: CompactJws): Promise<Uint8Array | undefined> {
    const found = set.candidates(jws);
    const candidates = isPromise(found) ? await found : found;
    if (candidates.length > MOST_CANDIDATES) {
      throw new VerificationError('AMBIGUOUS_KEY', 'Too many keys of the server may have made this signature.');
    }
    const payload = await payloadSignedWith(candidates, jws);
    if (payload === undefined && candidates.length > 0 && jws.kid !== undefined) {
      throw new VerificationError('SIGNATURE_INVALID', 'The key that the JWT names did not make this signature.');
    }
    return payload;
  }

  /** Fetches the set again for a key that it lacks, once for all who ask at the same time. */
  async #refetch(origin: JwtOrigin): Promise<KeySet> {
    try {
      return await this.#document.refresh();
    } catch (error) {
      const { fetchedAt = Number.NEGATIVE_INFINITY } = this.#document;
      // The set is so young that the key it lacks is the token's fault, not the outage's.
      const isYoung = isWithin(this.now(), fetchedAt, COOL_DOWN);
      const forStrangers = this.#startCoolDown(FAILURE_PAUSE, isYoung ? this.#unknownKey() : error);
      throw origin === 'stranger' ? forStrangers : error;
    }
  }

  #unknownKey(): VerificationError {
    const facts = { jwks_uri: locationOf(this.uri) };
    return new VerificationError('KEY_NOT_FOUND', 'The server publishes no key that fits the JWT.', { facts });
  }

  #startCoolDown(length: number, error: unknown): unknown {
    this.#coolDown = { error, from: this.now(), length };
    return error;
  }

  #requireWarm(): void {
    const coolDown = this.#coolDown;
    if (coolDown !== undefined && isWithin(this.now(), coolDown.from, coolDown.length)) {
      throw coolDown.error;
    }
  }
}
