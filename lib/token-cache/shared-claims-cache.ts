import * as v from 'valibot';

import { isWithin, type Clock } from '../clock/clock.js';
import { OidcError } from '../errors/oidc.error.js';
import type { OperatorPort } from '../events/operator-events.js';
import type { OidcStore } from '../storage/oidc-store.js';
import { MAX_SEALED_LENGTH, Sealer } from '../storage/sealer.js';
import { wrongClaim, type AccessTokenClaims } from '../tokens/access-token.js';
import { isJsonObject } from '../values/json.js';
import { LocalClaimsCache, type CachedClaims, type CacheMiss, type ClaimsCache } from './claims-cache.js';
import { SharedSingleFlight } from './shared-single-flight.js';

const LABEL = 'introspection';

/** Minimum margin for the difference of replicas' clocks, in seconds. */
const LEAST_MARGIN = 5;

export interface SharedCacheSettings {
  /** A tenth of it is the maximum of inactive tokens in this process. */
  readonly maxEntries: number;
  /** Lifetime of an entry in the store, in milliseconds. */
  readonly lifetime: number;
  /** Seconds for which an inactive token's entry is used. */
  readonly negativeTtl: number;
  /** A secret that every replica has and the store has not; undefined for a client without one. */
  readonly secret: string | undefined;
}

const entrySchema = v.strictTuple([
  v.pipe(v.number(), v.finite()),
  v.custom<AccessTokenClaims>((value) => isJsonObject(value) && wrongClaim(value) === undefined),
]);

/**
 * Cache in the store that all replicas share. Entries are sealed under a key from the token and the client's secret. A
 * reader of the store learns nothing, and a forged entry is a cache miss. Inactive tokens stay in this process, where a
 * flood of them displaces nothing.
 *
 * A store that can't be reached is a cache miss too: the server is asked instead.
 */
export class SharedClaimsCache implements ClaimsCache {
  readonly #inactive: LocalClaimsCache;
  readonly #flights: SharedSingleFlight;

  constructor(
    private readonly store: OidcStore,
    private readonly clock: Clock,
    private readonly settings: SharedCacheSettings,
    private readonly operator: OperatorPort,
  ) {
    this.#inactive = new LocalClaimsCache(settings.maxEntries);
    this.#flights = new SharedSingleFlight(store, clock.now, (error) => this.#reportFailure(error));
  }

  /** The latest entry, of this process or of another replica. */
  async get(key: string, token: string): Promise<CachedClaims | undefined> {
    const inactive = this.#inactive.get(key);
    if (inactive !== undefined && isWithin(this.clock.now(), inactive.askedAt, this.settings.negativeTtl * 1000)) {
      return inactive;
    }
    const [sealed, forgottenAt] = await this.#read(key);
    const found = sealed === undefined ? undefined : this.#open(key, token, sealed);
    // A malformed mark evicts every entry.
    const isPast = found !== undefined && !(found.askedAt > Math.max(Number(forgottenAt ?? 0), inactive?.askedAt ?? 0));
    return found === undefined || isPast ? inactive : found;
  }

  async set(miss: CacheMiss, found: CachedClaims): Promise<void> {
    const { key, token, known } = miss;
    if (found.claims === undefined) {
      // Other replicas may still have the token as active. A token that was never stored needs no mark.
      await (known?.claims && this.evict(key).catch((error: unknown) => this.#reportFailure(error)));
      this.#inactive.set(miss, found);
      return;
    }
    this.#inactive.evict(key);
    const now = this.clock.now();
    const untilExpiry = (found.claims.exp ?? Number.POSITIVE_INFINITY) * 1000 - now;
    const lifetime = Math.min(untilExpiry, this.settings.lifetime);
    const sealed =
      lifetime > 0 ? this.#sealerOf(token).seal(LABEL, key, [found.askedAt, found.claims], now + lifetime) : '';
    if (sealed === '' || sealed.length > MAX_SEALED_LENGTH) {
      return;
    }
    try {
      await this.store.set(entryKey(key), sealed, lifetime);
    } catch (error) {
      this.#reportFailure(error);
    }
  }

  /**
   * Removes the entry and stores a mark with the time. Another replica may write an answer that it already has: it is older
   * than the mark and ignored. The mark is a little in the future, because the replicas' clocks differ.
   */
  async evict(key: string): Promise<void> {
    this.#inactive.evict(key);
    const margin = Math.max(this.clock.tolerance, LEAST_MARGIN) * 1000;
    await this.store.set(markKey(key), String(this.clock.now() + margin), this.settings.lifetime + 2 * margin);
    await this.store.delete(entryKey(key));
  }

  askOnce(miss: CacheMiss, ask: () => Promise<CachedClaims>): Promise<CachedClaims> {
    return this.#flights.ask(miss, () => this.get(miss.key, miss.token), ask);
  }

  async #read(key: string): Promise<readonly (string | undefined)[]> {
    try {
      return await Promise.all([this.store.get(entryKey(key)), this.store.get(markKey(key))]);
    } catch (error) {
      this.#reportFailure(error);
      return [];
    }
  }

  #open(key: string, token: string, sealed: string): CachedClaims | undefined {
    const opened = this.#sealerOf(token).open(LABEL, key, sealed, this.clock.now());
    const { success, output } = v.safeParse(entrySchema, opened.status === 'open' ? opened.value : undefined);
    if (opened.status === 'invalid' || (opened.status === 'open' && !success)) {
      this.operator.report({ kind: 'shared-cache-forged' });
    }
    return success ? { askedAt: output[0], claims: output[1] } : undefined;
  }

  #sealerOf(token: string): Sealer {
    return new Sealer([JSON.stringify([token, this.settings.secret])]);
  }

  #reportFailure(error: unknown): void {
    this.operator.report({ kind: 'shared-cache-failed', error: error instanceof OidcError ? error : undefined });
  }
}

function entryKey(key: string): string {
  return `introspection:${key}`;
}

function markKey(key: string): string {
  return `forgotten:${key}`;
}
