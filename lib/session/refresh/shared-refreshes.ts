import * as v from 'valibot';

import type { Now } from '../../clock/clock.js';
import { OAuthError, StoreError } from '../../errors/errors.js';
import { sharedFlights } from '../../events/channels.js';
import { onceAmongReplicas } from '../../storage/lease.js';
import type { OidcStore } from '../../storage/oidc-store.js';
import { SealedStore } from '../../storage/sealed-store.js';
import type { Sealer } from '../../storage/sealer.js';
import { TokenResponse, tokenResponseSchema } from '../../tokens/token-response.js';
import { MAX_STORED_LENGTH } from '../session-content.js';

/** Milliseconds for which new tokens are handed to whoever still comes with the old ones. */
export const AFTERWARDS = 30_000;

/** Milliseconds to wait while another replica refreshes. */
const PATIENCE = 15_000;

/** The end of a refresh: the new tokens, or that the server takes the refresh token no more. */
const END = {
  name: 'refreshed',
  schema: v.union([
    v.object({
      tokens: v.pipe(
        tokenResponseSchema,
        v.transform((members) => new TokenResponse(members)),
      ),
    }),
    v.object({ error: v.string() }),
  ]),
};

/** Tokens to replace. */
export interface TokensBefore {
  readonly access_token: string;
  readonly refresh_token: string;
}

/** Single flight of refreshes among replicas: one refreshes for all, and leaves the end in the store for half a minute. */
export class SharedRefreshes {
  readonly #ends: SealedStore<typeof END.schema>;

  constructor(
    private readonly store: OidcStore,
    sealer: Sealer,
    private readonly now: Now,
  ) {
    this.#ends = new SealedStore(store, sealer.with('', MAX_STORED_LENGTH), now, END);
  }

  /**
   * The new tokens, of `refresh` or of another replica.
   *
   * @param key hash of the refresh token and its client
   * @throws {StoreError} the store can't be reached, or another replica does not come to an end
   * @throws {OidcError} what `refresh` threw, here or there
   */
  async join(key: string, before: TokensBefore, refresh: () => Promise<TokenResponse>): Promise<TokenResponse> {
    let isOurs = false;
    const tokens = await onceAmongReplicas(this.store, `refreshing:${key}`, {
      look: () => this.#find(key, before),
      work: () => {
        isOurs = true;
        return this.#keep(key, refresh);
      },
      patience: PATIENCE,
    });
    if (tokens === undefined) {
      throw new StoreError('STORE_TIMEOUT', 'Another replica refreshes the tokens and does not come to an end.');
    }
    if (!isOurs && sharedFlights.hasSubscribers) {
      sharedFlights.publish({ flight: 'refresh', among: 'replicas' });
    }
    return tokens;
  }

  async #find(key: string, before: TokensBefore): Promise<TokenResponse | undefined> {
    const end = (await this.#ends.get(key))?.value;
    if (end === undefined) {
      return undefined;
    }
    if ('error' in end) {
      throw new OAuthError('OP_ERROR', end.error, 'Another replica was refused with this refresh token.');
    }
    return replaces(end.tokens, before) ? end.tokens : undefined;
  }

  async #keep(key: string, refresh: () => Promise<TokenResponse>): Promise<TokenResponse> {
    try {
      const tokens = await refresh();
      await this.#write(key, { tokens: TokenResponse.toStored(tokens) });
      return tokens;
    } catch (error) {
      if (isSpent(error)) {
        await this.#write(key, { error: error.error });
      }
      throw error;
    }
  }

  /** Where the store is gone meanwhile, the tokens are not lost: this process still has them. */
  async #write(key: string, end: v.InferInput<typeof END.schema>): Promise<void> {
    await this.#ends.set(key, end, this.now() + AFTERWARDS).catch(() => undefined);
  }
}

/** Whether these are other tokens than those to replace. */
export function replaces(tokens: TokenResponse, { access_token }: TokensBefore): boolean {
  return tokens.access_token !== access_token;
}

/** Whether the server takes a refresh token no more (RFC 6749, section 5.2). */
export function isSpent(error: unknown): error is OAuthError {
  return error instanceof OAuthError && error.error === 'invalid_grant';
}
