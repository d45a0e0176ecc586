import * as v from 'valibot';

import type { OidcClient } from '../../client/oidc-client.js';
import { VerificationError } from '../../errors/errors.js';
import type { OidcStore } from '../../storage/oidc-store.js';
import { SealedStore } from '../../storage/sealed-store.js';
import type { Sealer } from '../../storage/sealer.js';
import type { LoginTokens } from '../../tokens/login-tokens.js';
import { clientHash, partsOf } from './client-hash.js';
import { MAX_STORED_LENGTH } from '../session-content.js';
import type { InvalidateTokens, SessionIdentity, SessionsOf } from '../session.port.js';

/** The tokens of a session, for revocation and eviction. */
const TOKENS = {
  name: 'tokens-of',
  schema: v.object({ access_token: v.optional(v.string()), refresh_token: v.optional(v.string()) }),
};

/**
 * Index of stored sessions by the provider's session (`sid`) and by the user (`sub`), to end them without their cookies. The
 * names in the store are hashes. Beside each session its tokens are sealed with `session.secret`, so that they can be revoked
 * and evicted without the session's own key.
 */
export class SessionIndex {
  readonly #tokens: SealedStore<typeof TOKENS.schema>;

  constructor(
    private readonly client: OidcClient,
    sealer: Sealer,
    private readonly store: OidcStore,
  ) {
    this.#tokens = new SealedStore(store, sealer.with('', MAX_STORED_LENGTH), client.clock.now, TOKENS);
  }

  /**
   * Adds a session.
   *
   * @param key of the session in the store
   * @param expiresAt milliseconds since the epoch
   */
  async add(key: string, { sub, sid }: SessionIdentity, tokens: LoginTokens, expiresAt: number): Promise<void> {
    const lifetime = expiresAt - this.client.clock.now();
    await Promise.all([
      this.store.add(this.#setOf({ sub }), key, lifetime),
      sid !== undefined && this.store.add(this.#setOf({ sid }), key, lifetime),
      this.update(key, tokens, expiresAt),
    ]);
  }

  /** Writes the new tokens of a session. */
  async update(key: string, { access_token, refresh_token }: LoginTokens, expiresAt: number): Promise<void> {
    await this.#tokens.set(key, { access_token, refresh_token }, expiresAt);
  }

  /** Removes what is kept beside a session that has ended. Its members of the sets expire. */
  async remove(key: string): Promise<void> {
    await this.#tokens.delete(key);
  }

  /** Whether there may be sessions of a `sid` or a `sub`. */
  async has(of: SessionsOf): Promise<boolean> {
    return (await this.store.members(this.#setOf(of))).length > 0;
  }

  /** Ends all sessions of a `sid` or a `sub`. @throws the first failure, after all have been tried */
  async end(of: SessionsOf, invalidate: InvalidateTokens): Promise<void> {
    const set = this.#setOf(of);
    const keys = await this.store.members(set);
    if ('sid' in of && of.sub !== undefined && keys.length > 0) {
      const ofUser = new Set(await this.store.members(this.#setOf({ sub: of.sub })));
      if (!keys.every((key) => ofUser.has(key))) {
        throw new VerificationError('SUB_MISMATCH', 'The session belongs to another user.');
      }
    }
    const ends = await Promise.allSettled(keys.map((key) => this.#endOne(set, key, invalidate)));
    const failure = ends.find(({ status }) => status === 'rejected');
    if (failure?.status === 'rejected') {
      throw failure.reason;
    }
  }

  /** Its tokens and the member are removed at last: after a failure before, another try finds them again. */
  async #endOne(set: string, key: string, invalidate: InvalidateTokens): Promise<void> {
    await this.store.delete(key);
    const tokens = await this.#tokens.get(key);
    await invalidate(tokens?.value ?? {});
    await this.#tokens.delete(key);
    await this.store.remove(set, key);
  }

  #setOf(of: SessionsOf): string {
    return `sessions-of:${clientHash(this.client, partsOf(of))}`;
  }
}
