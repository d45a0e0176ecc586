import { hash } from 'node:crypto';

import { LRUCache } from 'lru-cache';

import { isWithin, type Now } from '../../clock/clock.js';
import { sharedFlights } from '../../events/channels.js';
import type { OidcStore } from '../../storage/oidc-store.js';
import type { Sealer } from '../../storage/sealer.js';
import type { TokenResponse } from '../../tokens/token-response.js';
import { AFTERWARDS, replaces, SharedRefreshes, type TokensBefore } from './shared-refreshes.js';

/** Milliseconds after a failure during which nobody tries again. */
const PAUSE_AFTER_FAILURE = 5000;

/** Flights that are remembered in this process. */
const MAX_FLIGHTS = 10_000;

interface Flight {
  readonly tokens: Promise<TokenResponse>;
  end?: { readonly at: number; readonly tokens: TokenResponse | undefined };
}

/**
 * Single flight of refreshes: each refresh token is sent once, however many requests and replicas need new tokens at the same
 * time. A server that rotates refresh tokens takes a second use for theft (RFC 9700, section 4.14.2).
 *
 * Who comes a little later with the old refresh token gets the tokens of that flight. Without a store each process has flights
 * of its own.
 */
export class RefreshFlight {
  readonly #flights = new LRUCache<string, Flight>({ max: MAX_FLIGHTS });
  readonly #shared: SharedRefreshes | undefined;

  constructor(
    private readonly now: Now,
    sealer: Sealer,
    store: OidcStore | undefined,
  ) {
    this.#shared = store && new SharedRefreshes(store, sealer, now);
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
      if (sharedFlights.hasSubscribers) {
        sharedFlights.publish({ flight: 'refresh', among: 'process' });
      }
      return known.tokens;
    }
    const flight: Flight = { tokens: this.#shared?.join(key, before, refresh) ?? refresh() };
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
}
