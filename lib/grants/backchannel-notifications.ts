import { hash } from 'node:crypto';

import { LRUCache } from 'lru-cache';

import type { Server } from '../authorization-server/server.js';
import type { Wait } from '../clock/wait.js';
import { VerificationError } from '../errors/errors.js';
import { equalInConstantTime } from '../jose/constant-time.js';
import type { OidcStore } from '../storage/oidc-store.js';
import { isJsonObject } from '../values/json.js';
import { AwaitedNotification } from './awaited-notification.js';
import { SharedNotifications } from './shared-notifications.js';

/** Requests whose notification is waited for in this process; the oldest is forgotten. */
const MOST_EXPECTED = 10_000;

/** A notification as it came (CIBA Core 1.0, sections 10.2 and 10.3.1). */
export interface BackchannelNotification {
  /** The `Authorization` header. */
  readonly authorization: string | undefined;
  /** The JSON body, parsed. */
  readonly body: unknown;
}

/** A request whose notification is waited for here. */
interface Expected {
  readonly notification: AwaitedNotification;
  /** Undefined: the server refused the request. */
  readonly auth_req_id: Promise<string | undefined>;
}

/**
 * Notifications of the server that somebody has decided: pings and pushes. They are found by the hash of the
 * `client_notification_token` that they carry, so that no comparison tells anything of it.
 */
export class BackchannelNotifications {
  readonly #expected = new LRUCache<string, Expected>({ max: MOST_EXPECTED });
  readonly #shared: SharedNotifications | undefined;

  /** @param store with one, any replica may get a notification */
  constructor(
    server: Server,
    private readonly wait: Wait,
    store: OidcStore | undefined,
  ) {
    this.#shared = store && SharedNotifications.of(server, store);
  }

  /** Expects the notification about a request. It may come before the answer to the request has been read. */
  expect(client_notification_token: string, auth_req_id: Promise<string>): AwaitedNotification {
    const key = hashOf(client_notification_token);
    const notification = new AwaitedNotification(key, this.wait, this.#shared);
    this.#expected.set(key, { notification, auth_req_id: auth_req_id.catch(() => undefined) });
    return notification;
  }

  /**
   * Takes a notification.
   *
   * @throws {VerificationError} `NOTIFICATION_REFUSED`: it carries no token of a request that is waited for
   * @throws {StoreError} the store can't be reached
   */
  async receive({ authorization, body }: BackchannelNotification): Promise<void> {
    const [, token] = /^Bearer +([\w.~+/-]+=*)$/i.exec(authorization ?? '') ?? [];
    const auth_req_id = isJsonObject(body) ? body['auth_req_id'] : undefined;
    if (token === undefined || !isJsonObject(body) || typeof auth_req_id !== 'string') {
      throw refused();
    }
    const key = hashOf(token);
    const here = this.#expected.get(key);
    if (here === undefined) {
      if ((await this.#shared?.arrive(key, auth_req_id, body)) !== true) {
        throw refused();
      }
      return;
    }
    const known = await here.auth_req_id;
    if (known === undefined || !equalInConstantTime(known, auth_req_id)) {
      throw refused();
    }
    here.notification.arrive(body);
  }
}

function hashOf(client_notification_token: string): string {
  return hash('sha256', client_notification_token, 'base64url');
}

function refused(): VerificationError {
  return new VerificationError('NOTIFICATION_REFUSED', 'The notification is about no request that is waited for.');
}
