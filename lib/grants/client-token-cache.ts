import { hash } from 'node:crypto';

import { LRUCache } from 'lru-cache';

import type { Server } from '../authorization-server/server.js';
import { isWithin } from '../clock/clock.js';
import { StoreError } from '../errors/errors.js';
import { OidcError } from '../errors/oidc.error.js';
import { sharedFlights } from '../events/channels.js';
import type { OperatorPort } from '../events/operator-events.js';
import type { OidcStore } from '../storage/oidc-store.js';
import type { TokenCache } from '../tokens/evictions.js';
import { secondsAhead } from '../tokens/renewal.js';
import type { TokenResponse } from '../tokens/token-response.js';
import {
  clientCredentialsGrant,
  clientCredentialsRequest,
  type ClientCredentialsOptions,
} from './client-credentials.js';
import { SharedClientTokens, type ClientToken } from './shared-client-tokens.js';

/** Requests whose tokens are kept; the one that was used longest ago is forgotten. */
const MOST_ENTRIES = 1000;

/** Seconds for which a token is kept whose server does not say when it expires. */
const UNSAID_LIFETIME = 60;

/** Milliseconds after a failure during which nobody asks ahead again. */
const PAUSE_AFTER_FAILURE = 5000;

/** What is known of one request. */
interface Entry {
  kept?: ClientToken | undefined;
  flight?: Promise<ClientToken> | undefined;
  /** When asking ahead failed last. */
  failedAt?: number;
}

/**
 * Cache of the client's own tokens (RFC 6749, section 4.4). Callers of the same request share one call and its token, and
 * so do replicas with a store, where the tokens are sealed under the client's secret.
 *
 * A token is asked for when a caller wants it, and ahead of its expiry when a caller wants it then: no timer asks. A failure
 * does no harm while the old token is good.
 */
export class ClientTokenCache implements TokenCache {
  readonly #entries = new LRUCache<string, Entry>({ max: MOST_ENTRIES });
  /** Undefined: tokens stay in this process. */
  readonly #shared: SharedClientTokens | undefined;

  constructor(
    private readonly server: Server,
    private readonly operator: OperatorPort,
    store?: OidcStore,
  ) {
    this.#shared = store && SharedClientTokens.of(server, store);
  }

  /** @throws {OidcError} the server gives no token, and there is none that is still good */
  async get(options: ClientCredentialsOptions = {}): Promise<TokenResponse> {
    const key = this.#keyOf(options);
    const entry = this.#entries.get(key) ?? {};
    this.#entries.set(key, entry);
    const good = this.#goodIn(entry);
    if (good === undefined) {
      return (await (this.#shareFlight(entry) ?? this.#begin(key, entry, options))).tokens;
    }
    return this.#isDue(good) && this.#mayAsk(entry) ? this.#ahead(key, entry, options) : good.tokens;
  }

  async evictToken(token: string): Promise<void> {
    const found = [...this.#entries.entries()].filter(([, { kept }]) => kept?.tokens.access_token === token);
    found.forEach(([, entry]) => (entry.kept = undefined));
    await Promise.all(found.map(([key]) => this.#shared?.drop(key, token)));
  }

  /** Nothing here depends on the server's keys. */
  evictSigned(): void {}

  /** The request, with all that its answer depends on. Names stand in one order, so that equal requests are one. */
  #keyOf(options: ClientCredentialsOptions): string {
    const { issuer, client } = this.server;
    const { client_id, dpop_bound_access_tokens = false } = client.metadata;
    const form = Object.entries(clientCredentialsRequest(this.server, options).form);
    form.sort(([one], [other]) => (one < other ? -1 : 1));
    return hash('sha256', JSON.stringify([issuer, client_id, dpop_bound_access_tokens, form]), 'base64url');
  }

  #goodIn({ kept }: Entry): ClientToken | undefined {
    return kept !== undefined && this.server.clock.now() < kept.until ? kept : undefined;
  }

  #isDue({ tokens, until }: ClientToken): boolean {
    return this.server.clock.now() >= until - secondsAhead(tokens.expires_in ?? UNSAID_LIFETIME) * 1000;
  }

  #mayAsk({ flight, failedAt }: Entry): boolean {
    const { now } = this.server.clock;
    return flight === undefined && (failedAt === undefined || !isWithin(now(), failedAt, PAUSE_AFTER_FAILURE));
  }

  /** Asks while the old token is good. Its other callers go on with that one. */
  async #ahead(key: string, entry: Entry, options: ClientCredentialsOptions): Promise<TokenResponse> {
    try {
      return (await this.#begin(key, entry, options)).tokens;
    } catch (error) {
      const good = this.#goodIn(entry);
      if (good === undefined || !(error instanceof OidcError)) {
        throw error;
      }
      entry.failedAt = this.server.clock.now();
      this.operator.report({ kind: 'client-token-failed', error });
      return good.tokens;
    }
  }

  /** The running call that a caller shares. */
  #shareFlight({ flight }: Entry): Entry['flight'] {
    if (flight !== undefined && sharedFlights.hasSubscribers) {
      sharedFlights.publish({ flight: 'client-token', among: 'process' });
    }
    return flight;
  }

  #begin(key: string, entry: Entry, options: ClientCredentialsOptions): Promise<ClientToken> {
    const work = async (): Promise<ClientToken> => {
      try {
        entry.kept = await this.#obtain(key, options);
        return entry.kept;
      } finally {
        entry.flight = undefined;
      }
    };
    entry.flight = work();
    return entry.flight;
  }

  async #obtain(key: string, options: ClientCredentialsOptions): Promise<ClientToken> {
    const ask = () => this.#ask(options);
    try {
      return await (this.#shared?.obtain(key, { ask, isDue: (found) => this.#isDue(found) }) ?? ask());
    } catch (error) {
      if (!(error instanceof StoreError)) {
        throw error;
      }
      this.operator.report({ kind: 'client-tokens-not-shared', error });
      return ask();
    }
  }

  async #ask(options: ClientCredentialsOptions): Promise<ClientToken> {
    const askedAt = this.server.clock.now();
    const tokens = await clientCredentialsGrant(this.server, options);
    return { tokens, until: askedAt + (tokens.expires_in ?? UNSAID_LIFETIME) * 1000 };
  }
}
