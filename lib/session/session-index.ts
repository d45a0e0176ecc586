import * as v from 'valibot';

import type { OidcClient } from '../client/oidc-client.js';
import { VerificationError } from '../errors/errors.js';
import type { OidcStore } from '../storage/oidc-store.js';
import type { Sealer } from '../storage/sealer.js';
import type { LoginTokens } from '../tokens/login-tokens.js';
import { clientHash, partsOf } from './client-hash.js';
import { MAX_STORED_LENGTH } from './session-content.js';
import type { InvalidateTokens, SessionIdentity, SessionsOf } from './session.port.js';

const LABEL = 'tokens of an indexed session';

/** The tokens of an ended session as the store has them, for revocation and eviction. */
const tokensSchema = v.object({ access_token: v.optional(v.string()), refresh_token: v.optional(v.string()) });

/**
 * Index of stored sessions by the provider's session (`sid`) and by the user (`sub`), to end them without their cookies. The
 * names in the store are hashes. Beside each session its tokens are sealed with `session.secret`, so that they can be revoked
 * and evicted without the session's own key.
 */
export class SessionIndex {
  readonly #sealer: Sealer;

  constructor(
    private readonly client: OidcClient,
    sealer: Sealer,
    private readonly store: OidcStore,
  ) {
    this.#sealer = sealer.with('', MAX_STORED_LENGTH);
  }

  /**
   * Adds a session.
   *
   * @param key of the session in the store
   * @param lifetime milliseconds until it expires
   */
  async add(key: string, { sub, sid }: SessionIdentity, tokens: LoginTokens, lifetime: number): Promise<void> {
    await Promise.all([
      this.store.add(this.#setOf({ sub }), key, lifetime),
      sid !== undefined && this.store.add(this.#setOf({ sid }), key, lifetime),
      this.update(key, tokens, lifetime),
    ]);
  }

  /** Writes the new tokens of a session. */
  async update(key: string, { access_token, refresh_token }: LoginTokens, lifetime: number): Promise<void> {
    const expiresAt = this.client.clock.now() + lifetime;
    const sealed = this.#sealer.seal(LABEL, key, { access_token, refresh_token }, expiresAt);
    await this.store.set(besideOf(key), sealed, lifetime);
  }

  /** Removes what is kept beside a session that has ended. Its members of the sets expire. */
  async remove(key: string): Promise<void> {
    await this.store.delete(besideOf(key));
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
    const sealed = await this.store.get(besideOf(key));
    const opened = this.#sealer.open(LABEL, key, sealed ?? '', this.client.clock.now());
    const { success, output } = v.safeParse(tokensSchema, opened.status === 'open' ? opened.value : undefined);
    await invalidate(success ? output : {});
    await this.store.delete(besideOf(key));
    await this.store.remove(set, key);
  }

  #setOf(of: SessionsOf): string {
    return `sessions-of:${clientHash(this.client, partsOf(of))}`;
  }
}

function besideOf(key: string): string {
  return `tokens-of:${key}`;
}
