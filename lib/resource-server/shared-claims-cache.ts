import { setTimeout } from 'node:timers/promises';

import * as v from 'valibot';

import type { AccessTokenClaims } from '../client/access-token.js';
import type { Clock } from '../clock/clock.js';
import { OidcError } from '../errors/oidc.error.js';
import type { OidcStore } from '../storage/oidc-store.js';
import { Sealer } from '../storage/sealer.js';
import { LocalClaimsCache, type CachedClaims, type ClaimsCache } from './claims-cache.js';

const PURPOSE = 'introspection';

/** Milliseconds for which the store's trouble is told once. */
const QUIET = 30_000;

/** Milliseconds for which the others wait for the one who asks, and between their first two looks. */
const PATIENCE = 1000;
const FIRST_PAUSE = 4;
const LONGEST_PAUSE = 64;

const entrySchema = v.strictTuple([
  v.pipe(v.number(), v.finite()),
  v.custom<AccessTokenClaims>((value) => typeof value === 'object' && value !== null && !Array.isArray(value)),
]);

/**
 * In the store that all replicas share. An entry is sealed under a key that is made from the token, so that only who
 * presents the token can read or write what is known of it; a forged one is a miss. Tokens that are not active stay in
 * this process, where a flood of them displaces nothing.
 *
 * One replica asks for all: it claims the question, and the others look again until the answer is there or the claim is
 * gone.
 *
 * A store that can't be reached is a miss as well: the server is asked, and its answer is as good as ever.
 */
export class SharedClaimsCache implements ClaimsCache {
  readonly #inactive: LocalClaimsCache;
  #toldAt = Number.NEGATIVE_INFINITY;

  /**
   * @param lifetime milliseconds for which an entry may be of use to anybody
   * @param warn is told of entries that nobody of us wrote, and of a store that can't be reached
   */
  constructor(
    private readonly store: OidcStore,
    private readonly clock: Clock,
    private readonly settings: { readonly maxEntries: number; readonly lifetime: number },
    private readonly warn: (problem: string) => void,
  ) {
    this.#inactive = new LocalClaimsCache(settings.maxEntries);
  }

  async get(key: string, token: string): Promise<CachedClaims | undefined> {
    const [sealed, forgottenAt] = await this.#read(key);
    const found = sealed === undefined ? undefined : this.#open(key, token, sealed);
    const isForgotten = found !== undefined && forgottenAt !== undefined && !(found.askedAt > Number(forgottenAt));
    return isForgotten ? undefined : (found ?? this.#inactive.get(key));
  }

  async set(key: string, token: string, found: CachedClaims): Promise<void> {
    if (found.claims === undefined) {
      this.#inactive.set(key, token, found);
      return;
    }
    const now = this.clock.now();
    const untilExpiry = (found.claims.exp ?? Number.POSITIVE_INFINITY) * 1000 - now;
    const lifetime = Math.min(untilExpiry, this.settings.lifetime);
    if (lifetime <= 0) {
      return;
    }
    const sealed = new Sealer([token]).seal(PURPOSE, key, [found.askedAt, found.claims], now + lifetime);
    try {
      await this.store.set(entryKey(key), sealed, lifetime);
    } catch (error) {
      this.#tell(error);
    }
  }

  /**
   * Leaves a mark of the time rather than a hole: what another replica was just told, and writes after this, is older
   * than the mark. It stands a little ahead, because the replicas' clocks differ.
   */
  async forget(key: string): Promise<void> {
    this.#inactive.forget(key);
    const mark = this.clock.now() + this.clock.tolerance * 1000;
    await this.store.set(markKey(key), String(mark), this.settings.lifetime + this.clock.tolerance * 2000);
    await this.store.delete(entryKey(key));
  }

  /** Nobody waits for longer than a claim lives: for a replica that does not come back, or for many one after the other. */
  async join(key: string, token: string, known: CachedClaims | undefined): Promise<CachedClaims | undefined> {
    let pause = FIRST_PAUSE;
    for (let waited = 0; waited < PATIENCE; waited += pause) {
      const [isOurs, found] = await Promise.all([this.#claim(key), this.get(key, token)]);
      if (found !== undefined && found.askedAt !== known?.askedAt) {
        await (isOurs && this.leave(key));
        return found;
      }
      if (isOurs) {
        return undefined;
      }
      await setTimeout(pause);
      pause = Math.min(2 * pause, LONGEST_PAUSE);
    }
    return undefined;
  }

  async leave(key: string): Promise<void> {
    try {
      await this.store.delete(askingKey(key));
    } catch (error) {
      this.#tell(error);
    }
  }

  async #claim(key: string): Promise<boolean> {
    try {
      return await this.store.claim(askingKey(key), '', PATIENCE);
    } catch (error) {
      this.#tell(error);
      return true;
    }
  }

  async #read(key: string): Promise<readonly (string | undefined)[]> {
    try {
      return await Promise.all([this.store.get(entryKey(key)), this.store.get(markKey(key))]);
    } catch (error) {
      this.#tell(error);
      return [];
    }
  }

  #open(key: string, token: string, sealed: string): CachedClaims | undefined {
    const opened = new Sealer([token]).open(PURPOSE, key, sealed, this.clock.now());
    const { success, output } = v.safeParse(entrySchema, opened.status === 'open' ? opened.value : undefined);
    if (opened.status === 'invalid' || (opened.status === 'open' && !success)) {
      this.warn('The store holds an introspection that was not written by this application; it is not used.');
    }
    return success ? { askedAt: output[0], claims: output[1] } : undefined;
  }

  #tell(error: unknown): void {
    const elapsed = this.clock.now() - this.#toldAt;
    if (elapsed < 0 || elapsed >= QUIET) {
      this.#toldAt = this.clock.now();
      const code = error instanceof OidcError ? error.code : 'the store failed';
      this.warn(`Introspections are not shared at the moment: ${code}`);
    }
  }
}

function entryKey(key: string): string {
  return `introspection:${key}`;
}

function askingKey(key: string): string {
  return `asking:${key}`;
}

function markKey(key: string): string {
  return `forgotten:${key}`;
}
