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

/** Seconds by which the clocks of replicas may differ, at least. */
const LEAST_MARGIN = 5;

export interface SharedCacheSettings {
  /** Of tokens that are not active: a tenth as many are kept in this process. */
  readonly maxEntries: number;
  /** Milliseconds for which an entry may be of use to anybody. */
  readonly lifetime: number;
  /** Seconds that it serves that a token is not active. */
  readonly negativeTtl: number;
  /** What every replica knows and the store does not; undefined where the client has no secret of its own. */
  readonly secret: string | undefined;
}

const entrySchema = v.strictTuple([
  v.pipe(v.number(), v.finite()),
  v.custom<AccessTokenClaims>((value) => isJsonObject(value) && wrongClaim(value) === undefined),
]);

/**
 * Cache in the store that all replicas share. Entries are sealed under a key that is made from the token and from what
 * only we know. Who can read the store learns nothing, and a forged entry is a cache miss. Tokens that are not active
 * stay in this process, where a flood of them displaces nothing.
 *
 * A store that can't be reached is a cache miss too: the server is asked, and its answer is as good as ever.
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

  /** The youngest entry, ours or another replica's. */
  async get(key: string, token: string): Promise<CachedClaims | undefined> {
    const inactive = this.#inactive.get(key);
    if (inactive !== undefined && isWithin(this.clock.now(), inactive.askedAt, this.settings.negativeTtl * 1000)) {
      return inactive;
    }
    const [sealed, forgottenAt] = await this.#read(key);
    const found = sealed === undefined ? undefined : this.#open(key, token, sealed);
    // A mark that is no number forgets everything.
    const isPast = found !== undefined && !(found.askedAt > Math.max(Number(forgottenAt ?? 0), inactive?.askedAt ?? 0));
    return found === undefined || isPast ? inactive : found;
  }

  async set(miss: CacheMiss, found: CachedClaims): Promise<void> {
    const { key, token, known } = miss;
    if (found.claims === undefined) {
      // The others have it as active still; of what was never there they need not be told.
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
   * Leaves a mark of the time beside the hole. Another replica may have its answer already and write it after this; it is
   * older than the mark. The mark stands a little ahead, because the replicas' clocks differ.
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
