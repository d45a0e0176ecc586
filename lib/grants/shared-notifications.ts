import * as v from 'valibot';

import type { Server } from '../authorization-server/server.js';
import type { OidcStore } from '../storage/oidc-store.js';
import type { SealedStore } from '../storage/sealed-store.js';
import { isJsonObject, type JsonObject } from '../values/json.js';
import { sealedByClient } from './sealed-by-client.js';

/** Characters of a sealed notification: it may carry three tokens. */
const MAX_STORED_LENGTH = 131_072;

/** The `auth_req_id` that a notification is expected for. */
const EXPECTED = { name: 'backchannel-expected', schema: v.string() };

/** The body of a notification that came. */
const ARRIVED = { name: 'backchannel-arrived', schema: v.custom<JsonObject>(isJsonObject) };

/**
 * Notifications in the store that replicas share: any replica may get one, and leaves it for the one that waits.
 *
 * @throws {StoreError} from each method: the store can't be reached
 */
export class SharedNotifications {
  private constructor(
    private readonly expected: SealedStore<typeof EXPECTED.schema>,
    private readonly arrived: SealedStore<typeof ARRIVED.schema>,
  ) {}

  /** Undefined: the client has no secret to seal with. */
  static of(server: Server, store: OidcStore): SharedNotifications | undefined {
    const expected = sealedByClient(server, store, EXPECTED, MAX_STORED_LENGTH);
    const arrived = sealedByClient(server, store, ARRIVED, MAX_STORED_LENGTH);
    return expected && arrived && new SharedNotifications(expected, arrived);
  }

  /** Lets all replicas know what is expected. */
  async expect(key: string, auth_req_id: string, expiresAt: number): Promise<void> {
    await this.expected.set(key, auth_req_id, expiresAt);
  }

  /**
   * Leaves a notification for the replica that expects it.
   *
   * @returns false: none expects it
   */
  async arrive(key: string, auth_req_id: string, body: JsonObject): Promise<boolean> {
    const expected = await this.expected.get(key);
    if (expected?.value !== auth_req_id) {
      return false;
    }
    await this.arrived.set(key, body, expected.expiresAt);
    return true;
  }

  /** A notification that another replica got. */
  async take(key: string): Promise<JsonObject | undefined> {
    return (await this.arrived.take(key))?.value;
  }
}
