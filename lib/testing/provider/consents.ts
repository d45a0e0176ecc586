import { randomValue, type Grant } from './issued.js';

/** How somebody decided. */
export type Decision = 'approved' | 'denied';

interface PendingConsent {
  readonly grant: Grant;
  /** Seconds since the epoch. */
  readonly expiresAt: number;
  /** Seconds between two polls; a poll that comes earlier lengthens it. */
  interval: number;
  polledAt?: number;
  decision?: Decision;
}

/** What a poll is answered with when there are no tokens yet, or never will be. */
export type PollError = 'authorization_pending' | 'slow_down' | 'access_denied' | 'expired_token' | 'invalid_grant';

/**
 * Consents that are given on another device: device codes (RFC 8628) and authentication requests of CIBA, by their handles.
 * Whoever polls faster than the interval is told to slow down.
 */
export class Consents {
  readonly #pending = new Map<string, PendingConsent>();

  constructor(private readonly seconds: () => number) {}

  /** @returns the handle: the `device_code` or the `auth_req_id` */
  begin(grant: Grant, lifetime: number, interval: number): string {
    const handle = randomValue();
    this.#pending.set(handle, { grant, expiresAt: this.seconds() + lifetime, interval });
    return handle;
  }

  decide(handle: string, decision: Decision): void {
    const pending = this.#pending.get(handle);
    if (pending === undefined) {
      throw new Error('Nothing is pending under this handle');
    }
    pending.decision = decision;
  }

  /** What was consented to, which is spent by it. */
  take(handle: string): Grant {
    const pending = this.#pending.get(handle);
    if (pending?.decision !== 'approved') {
      throw new Error('Nobody consented to it');
    }
    this.#pending.delete(handle);
    return pending.grant;
  }

  /** A poll of a client. What was approved or denied is spent by it. */
  poll(handle: string, clientId: string): Grant | PollError {
    const pending = this.#pending.get(handle);
    if (pending === undefined || pending.grant.client.client_id !== clientId) {
      return 'invalid_grant';
    }
    const now = this.seconds();
    if (now >= pending.expiresAt) {
      return 'expired_token';
    }
    if (pending.polledAt !== undefined && now < pending.polledAt + pending.interval) {
      pending.polledAt = now;
      pending.interval += 5;
      return 'slow_down';
    }
    pending.polledAt = now;
    if (pending.decision === undefined) {
      return 'authorization_pending';
    }
    this.#pending.delete(handle);
    return pending.decision === 'denied' ? 'access_denied' : pending.grant;
  }
}
