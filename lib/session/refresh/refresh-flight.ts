import { LRUCache } from 'lru-cache';

import type { OidcClient } from '../../client/oidc-client.js';
import { isWithin } from '../../clock/clock.js';
import { sharedFlights } from '../../events/channels.js';
import type { OidcStore } from '../../storage/oidc-store.js';
import type { Sealer } from '../../storage/sealer.js';
import type { TokenResponse } from '../../tokens/token-response.js';
import { clientHash } from '../keepers/client-hash.js';
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
    private readonly client: Pick<OidcClient, 'clock' | 'issuer' | 'metadata' | 'name'>,
    sealer: Sealer,
    store: OidcStore | undefined,
  ) {
    this.#shared = store && new SharedRefreshes(store, sealer, client.clock.now);
  }

  /**
   * The new tokens, of `refresh` or of the flight that is or was under way for the same refresh token. A server that does not
   * rotate takes that again: a flight that ended with the very tokens to replace is no answer.
   *
   * @throws {OidcError} what `refresh` threw
   */
  join(before: TokensBefore, refresh: () => Promise<TokenResponse>): Promise<TokenResponse> {
    // Other clients may share the store, and other servers may give out the same text.
    const key = clientHash(this.client, ['refresh_token', before.refresh_token]);
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
    flight.end = { at: this.client.clock.now(), tokens };
  }

  #counts({ end }: Flight, before: TokensBefore): boolean {
    if (end?.tokens === undefined) {
      return end === undefined || isWithin(this.client.clock.now(), end.at, PAUSE_AFTER_FAILURE);
    }
    return replaces(end.tokens, before) && isWithin(this.client.clock.now(), end.at, AFTERWARDS);
  }
}
