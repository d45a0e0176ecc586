import type { Server } from '../authorization-server/server.js';
import type { Now } from '../clock/clock.js';
import type { OidcStore } from '../storage/oidc-store.js';
import { Sealer } from '../storage/sealer.js';
import { isJsonObject, type JsonObject } from '../values/json.js';

/** Characters of a sealed notification: it may carry three tokens. */
const MAX_STORED_LENGTH = 131_072;

const LABEL = 'backchannel notification';

/** What replicas tell each other: that a notification is expected, and one that arrived. */
type Kind = 'expected' | 'arrived';

/** What a replica left for the others. */
interface Left {
  readonly body: JsonObject;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/**
 * Notifications in the store that replicas share, sealed under the client's secret: any replica may get one, and leaves it
 * for the one that waits.
 */
export class SharedNotifications {
  readonly #sealer: Sealer;

  private constructor(
    private readonly store: OidcStore,
    private readonly now: Now,
    secret: string,
  ) {
    this.#sealer = new Sealer([secret], MAX_STORED_LENGTH);
  }

  /** Undefined: the client has no secret to seal with. */
  static of({ client, clock }: Server, store: OidcStore): SharedNotifications | undefined {
    const { sealingSecret } = client;
    return sealingSecret && new SharedNotifications(store, clock.now, sealingSecret.reveal());
  }

  /** Lets all replicas know what is expected. @throws {StoreError} */
  async expect(key: string, auth_req_id: string, expiresAt: number): Promise<void> {
    await this.#put('expected', key, { body: { auth_req_id }, expiresAt });
  }

  /**
   * Leaves a notification for the replica that expects it.
   *
   * @returns false: none expects it
   * @throws {StoreError}
   */
  async arrive(key: string, auth_req_id: string, body: JsonObject): Promise<boolean> {
    const expected = this.#open('expected', key, await this.store.get(storeKey('expected', key)));
    if (expected?.body['auth_req_id'] !== auth_req_id) {
      return false;
    }
    await this.#put('arrived', key, { body, expiresAt: expected.expiresAt });
    return true;
  }

  /** A notification that another replica got. @throws {StoreError} */
  async take(key: string): Promise<JsonObject | undefined> {
    return this.#open('arrived', key, await this.store.take(storeKey('arrived', key)))?.body;
  }

  async #put(kind: Kind, key: string, { body, expiresAt }: Left): Promise<void> {
    const name = storeKey(kind, key);
    const lifetime = Math.max(1, expiresAt - this.now());
    await this.store.set(name, this.#sealer.seal(LABEL, name, body, expiresAt), lifetime);
  }

  #open(kind: Kind, key: string, sealed: string | undefined): Left | undefined {
    const opened = sealed === undefined ? undefined : this.#sealer.open(LABEL, storeKey(kind, key), sealed, this.now());
    return opened?.status === 'open' && isJsonObject(opened.value)
      ? { body: opened.value, expiresAt: opened.expiresAt }
      : undefined;
  }
}

function storeKey(kind: Kind, key: string): string {
  return `backchannel-${kind}:${key}`;
}
