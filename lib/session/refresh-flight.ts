import { hash } from 'node:crypto';

import { LRUCache } from 'lru-cache';
import * as v from 'valibot';

import { isWithin, type Now } from '../clock/clock.js';
import { OAuthError, StoreError } from '../errors/errors.js';
import { sharedFlights, type SharedFlight } from '../events/channels.js';
import { onceAmongReplicas } from '../storage/lease.js';
import type { OidcStore } from '../storage/oidc-store.js';
import type { Sealer } from '../storage/sealer.js';
import { TokenResponse, tokenResponseSchema } from '../tokens/token-response.js';
import { MAX_STORED_LENGTH } from './session-content.js';

/** Milliseconds for which new tokens are handed to whoever still comes with the old ones. */
const AFTERWARDS = 30_000;

/** Milliseconds after a failure during which nobody tries again. */
const PAUSE_AFTER_FAILURE = 5000;

/** Flights that are remembered in this process. */
const MAX_FLIGHTS = 10_000;

/** Milliseconds to wait while another replica refreshes. */
const LONGEST_WAIT = 15_000;

const LABEL = 'refreshed tokens';

/** The end of a refresh as replicas share it: the new tokens, or that the server takes the refresh token no more. */
const resultSchema = v.union([
  v.object({
    tokens: v.pipe(
      tokenResponseSchema,
      v.transform((members) => new TokenResponse(members)),
    ),
  }),
  v.object({ error: v.string() }),
]);

/** Tokens to replace. */
export interface TokensBefore {
  readonly access_token: string;
  readonly refresh_token: string;
}

interface Flight {
  readonly tokens: Promise<TokenResponse>;
  end?: { readonly at: number; readonly tokens: TokenResponse | undefined };
}

/**
 * Single flight of refreshes: each refresh token is sent once, however many requests and replicas need new tokens at the same
 * time. A server that rotates refresh tokens takes a second use for theft (RFC 9700, section 4.14.2).
 *
 * Who comes a little later with the old refresh token gets the tokens of that flight. Replicas find them in the store, sealed,
 * for half a minute. Without a store each process has flights of its own.
 */
export class RefreshFlight {
  readonly #flights = new LRUCache<string, Flight>({ max: MAX_FLIGHTS });
  readonly #sealer: Sealer;

  constructor(
    private readonly now: Now,
    sealer: Sealer,
    private readonly store: OidcStore | undefined,
  ) {
    this.#sealer = sealer.with('', MAX_STORED_LENGTH);
  }

  /**
   * The new tokens, of `refresh` or of the flight that is or was under way for the same refresh token. A server that does not
   * rotate takes that again: a flight that ended with the very tokens to replace is no answer.
   *
   * @throws {OidcError} what `refresh` threw
   */
  join(before: TokensBefore, refresh: () => Promise<TokenResponse>): Promise<TokenResponse> {
    const key = hash('sha256', before.refresh_token, 'base64url');
    const known = this.#flights.get(key);
    if (known !== undefined && this.#counts(known, before)) {
      publishShared('process');
      return known.tokens;
    }
    const { store } = this;
    const flight: Flight = { tokens: store === undefined ? refresh() : this.#shared(store, key, before, refresh) };
    this.#flights.set(key, flight);
    flight.tokens.then(
      (tokens) => this.#end(flight, tokens),
      () => this.#end(flight, undefined),
    );
    return flight.tokens;
  }

  #end(flight: Flight, tokens: TokenResponse | undefined): void {
    flight.end = { at: this.now(), tokens };
  }

  #counts({ end }: Flight, before: TokensBefore): boolean {
    if (end?.tokens === undefined) {
      return end === undefined || isWithin(this.now(), end.at, PAUSE_AFTER_FAILURE);
    }
    return replaces(end.tokens, before) && isWithin(this.now(), end.at, AFTERWARDS);
  }

  /** One replica refreshes for all. */
  async #shared(
    store: OidcStore,
    key: string,
    before: TokensBefore,
    refresh: () => Promise<TokenResponse>,
  ): Promise<TokenResponse> {
    let isOurs = false;
    const tokens = await onceAmongReplicas(store, `refreshing:${key}`, {
      look: () => this.#find(store, key, before),
      work: () => {
        isOurs = true;
        return this.#keep(store, key, refresh);
      },
      patience: LONGEST_WAIT,
    });
    if (tokens === undefined) {
      throw new StoreError('STORE_TIMEOUT', 'Another replica refreshes the tokens and does not come to an end.');
    }
    if (!isOurs) {
      publishShared('replicas');
    }
    return tokens;
  }

  async #find(store: OidcStore, key: string, before: TokensBefore): Promise<TokenResponse | undefined> {
    const sealed = await store.get(resultKey(key));
    const opened = sealed === undefined ? undefined : this.#sealer.open(LABEL, key, sealed, this.now());
    const result = opened?.status === 'open' ? v.safeParse(resultSchema, opened.value) : undefined;
    if (result?.success !== true) {
      return undefined;
    }
    if ('error' in result.output) {
      throw refusedBefore(result.output.error);
    }
    const { tokens } = result.output;
    return replaces(tokens, before) ? tokens : undefined;
  }

  async #keep(store: OidcStore, key: string, refresh: () => Promise<TokenResponse>): Promise<TokenResponse> {
    try {
      const tokens = await refresh();
      await this.#write(store, key, { tokens: TokenResponse.toStored(tokens) });
      return tokens;
    } catch (error) {
      if (isSpent(error)) {
        await this.#write(store, key, { error: error.error });
      }
      throw error;
    }
  }

  /** Where the store is gone meanwhile, the tokens are not lost: this process still has them. */
  async #write(store: OidcStore, key: string, result: v.InferInput<typeof resultSchema>): Promise<void> {
    const sealed = this.#sealer.seal(LABEL, key, result, this.now() + AFTERWARDS);
    await Promise.resolve(store.set(resultKey(key), sealed, AFTERWARDS)).catch(() => undefined);
  }
}

function publishShared(among: SharedFlight['among']): void {
  if (sharedFlights.hasSubscribers) {
    sharedFlights.publish({ flight: 'refresh', among });
  }
}

function replaces(tokens: TokenResponse, { access_token }: TokensBefore): boolean {
  return tokens.access_token !== access_token;
}

function resultKey(key: string): string {
  return `refreshed:${key}`;
}

/** Whether the server takes a refresh token no more (RFC 6749, section 5.2). */
export function isSpent(error: unknown): error is OAuthError {
  return error instanceof OAuthError && error.error === 'invalid_grant';
}

function refusedBefore(error: string): OAuthError {
  return new OAuthError('OP_ERROR', error, 'Another replica was refused with this refresh token.');
}
