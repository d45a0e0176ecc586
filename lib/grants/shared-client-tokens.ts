import * as v from 'valibot';

import type { Server } from '../authorization-server/server.js';
import type { Now } from '../clock/clock.js';
import { onceAmongReplicas } from '../storage/lease.js';
import type { OidcStore } from '../storage/oidc-store.js';
import type { SealedStore } from '../storage/sealed-store.js';
import { TokenResponse, tokenResponseSchema } from '../tokens/token-response.js';
import { sealedByClient } from './sealed-by-client.js';

/** Milliseconds to wait while another replica asks. Then we ask ourselves: a client may have several tokens. */
const PATIENCE = 5000;

/** Characters of sealed tokens. Longer ones are not shared. */
const MAX_STORED_LENGTH = 65_536;

const KIND = {
  name: 'client-token',
  schema: v.pipe(
    tokenResponseSchema,
    v.transform((members) => new TokenResponse(members)),
  ),
};

/** A token of the client itself. */
export interface ClientToken {
  readonly tokens: TokenResponse;
  /** How long it is good: milliseconds since the epoch. */
  readonly until: number;
}

/** Where a token comes from. */
export interface ClientTokenSource {
  /** Asks the server. */
  ask(): Promise<ClientToken>;
  /** Whether it is time for a new token, though this one may still be good. */
  isDue(token: ClientToken): boolean;
}

/** The client's own tokens in the store that replicas share, sealed under the client's secret. */
export class SharedClientTokens {
  private constructor(
    private readonly store: OidcStore,
    private readonly tokens: SealedStore<typeof KIND.schema>,
    private readonly now: Now,
  ) {}

  /** Undefined: the client has no secret to seal with, or its tokens are good with one replica's certificate only. */
  static of(server: Server, store: OidcStore): SharedClientTokens | undefined {
    // RFC 8705, section 3: replicas may show different certificates.
    const areOfOneReplica = server.client.metadata.tls_client_certificate_bound_access_tokens === true;
    const tokens = areOfOneReplica ? undefined : sealedByClient(server, store, KIND, MAX_STORED_LENGTH);
    return tokens && new SharedClientTokens(store, tokens, server.clock.now);
  }

  /**
   * The token that another replica left, or a new one that is left for the others.
   *
   * @throws {StoreError} the store can't be reached
   * @throws {OidcError} what `ask` threw
   */
  async obtain(key: string, { ask, isDue }: ClientTokenSource): Promise<ClientToken> {
    const work = async (): Promise<ClientToken> => {
      const token = await ask();
      await this.#write(key, token);
      return token;
    };
    const look = async (): Promise<ClientToken | undefined> => {
      const kept = await this.tokens.get(key);
      const found = kept && { tokens: kept.value, until: kept.expiresAt };
      return found === undefined || isDue(found) ? undefined : found;
    };
    const found = await onceAmongReplicas(this.store, `asking-client-token:${key}`, { look, work, patience: PATIENCE });
    return found ?? (await work());
  }

  /** Drops a token, unless a replica has put another one there meanwhile. @throws {StoreError} */
  async drop(key: string, token: string): Promise<void> {
    await this.tokens.deleteIf(key, ({ access_token }) => access_token === token);
  }

  /** Where the store is gone meanwhile, this process still has the token. */
  async #write(key: string, { tokens, until }: ClientToken): Promise<void> {
    if (this.now() < until) {
      await this.tokens.set(key, TokenResponse.toStored(tokens), until).catch(() => undefined);
    }
  }
}
