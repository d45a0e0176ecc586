import * as v from 'valibot';

import type { Server } from '../authorization-server/server.js';
import type { Now } from '../clock/clock.js';
import { onceAmongReplicas } from '../storage/lease.js';
import type { OidcStore } from '../storage/oidc-store.js';
import { Sealer } from '../storage/sealer.js';
import { TokenResponse, tokenResponseSchema } from '../tokens/token-response.js';

/** Milliseconds to wait while another replica asks. Then we ask ourselves: a client may have several tokens. */
const PATIENCE = 5000;

/** Characters of sealed tokens. Longer ones are not shared. */
const MAX_STORED_LENGTH = 65_536;

const LABEL = 'client token';

const storedSchema = v.pipe(
  tokenResponseSchema,
  v.transform((members) => new TokenResponse(members)),
);

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

/**
 * The client's own tokens in the store that replicas share, sealed under the client's secret: who reads the store learns
 * none, and who writes to it can't slip one in.
 */
export class SharedClientTokens {
  readonly #sealer: Sealer;

  private constructor(
    private readonly store: OidcStore,
    private readonly now: Now,
    secret: string,
  ) {
    this.#sealer = new Sealer([secret], MAX_STORED_LENGTH);
  }

  /** Undefined: the client has no secret to seal with, or its tokens are good with one replica's certificate only. */
  static of({ client, clock }: Server, store: OidcStore): SharedClientTokens | undefined {
    const { sealingSecret, metadata } = client;
    // RFC 8705, section 3: replicas may show different certificates.
    return sealingSecret === undefined || metadata.tls_client_certificate_bound_access_tokens === true
      ? undefined
      : new SharedClientTokens(store, clock.now, sealingSecret.reveal());
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
      const found = this.#open(key, await this.store.get(storeKey(key)));
      return found === undefined || isDue(found) ? undefined : found;
    };
    const found = await onceAmongReplicas(this.store, `asking-client-token:${key}`, { look, work, patience: PATIENCE });
    return found ?? (await work());
  }

  /** Drops a token, unless a replica has put another one there meanwhile. @throws {StoreError} */
  async drop(key: string, token: string): Promise<void> {
    const sealed = await this.store.get(storeKey(key));
    if (sealed !== undefined && this.#open(key, sealed)?.tokens.access_token === token) {
      await this.store.replace(storeKey(key), sealed, '', 1);
    }
  }

  #open(key: string, sealed: string | undefined): ClientToken | undefined {
    const opened = sealed === undefined ? undefined : this.#sealer.open(LABEL, key, sealed, this.now());
    if (opened?.status !== 'open') {
      return undefined;
    }
    const { success, output } = v.safeParse(storedSchema, opened.value);
    return success ? { tokens: output, until: opened.expiresAt } : undefined;
  }

  async #write(key: string, { tokens, until }: ClientToken): Promise<void> {
    const lifetime = until - this.now();
    if (lifetime <= 0) {
      return;
    }
    try {
      await this.store.set(
        storeKey(key),
        this.#sealer.seal(LABEL, key, TokenResponse.toStored(tokens), until),
        lifetime,
      );
    } catch {
      // Where the store is gone meanwhile, this process still has the token.
    }
  }
}

function storeKey(key: string): string {
  return `client-token:${key}`;
}
