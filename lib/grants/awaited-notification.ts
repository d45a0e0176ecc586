import type { Wait } from '../clock/wait.js';
import type { JsonObject } from '../values/json.js';
import type { SharedNotifications } from './shared-notifications.js';

/** A notification of the server that is waited for. One that comes while nobody waits is not lost. */
export class AwaitedNotification {
  #body: JsonObject | undefined;
  #wake: () => void = () => undefined;

  /**
   * @param key hash of the token that the notification will carry
   * @param shared undefined: it is waited for in this process alone
   */
  constructor(
    private readonly key: string,
    private readonly wait: Wait,
    private readonly shared: SharedNotifications | undefined,
  ) {}

  /** Lets the other replicas know that it is waited for. @throws {StoreError} */
  async share(auth_req_id: string, expiresAt: number): Promise<void> {
    await this.shared?.expect(this.key, auth_req_id, expiresAt);
  }

  arrive(body: JsonObject): void {
    this.#body = body;
    this.#wake();
  }

  /** The notification that came to this process since it was taken last. */
  take(): JsonObject | undefined {
    const body = this.#body;
    this.#body = undefined;
    return body;
  }

  /** The same, or one that came to another replica. @throws {StoreError} */
  async takeAnywhere(): Promise<JsonObject | undefined> {
    return this.take() ?? this.shared?.take(this.key);
  }

  /** Waits, at most until a notification comes to this process. */
  async pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    if (this.#body !== undefined) {
      return;
    }
    const woken = new Promise<void>((resolve) => (this.#wake = resolve));
    const over = new AbortController();
    try {
      await Promise.race([woken, this.wait(milliseconds, AbortSignal.any([over.signal, ...(signal ? [signal] : [])]))]);
    } finally {
      // It ends the timer where the notification came first.
      over.abort();
    }
  }
}
