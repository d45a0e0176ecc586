import type { Now } from '../clock/clock.js';
import type { KeptSession, NewSession } from './session-content.js';
import type { SessionSettings } from './session.options.js';

/** How long sessions last, as the application said. */
export type LifetimeSettings = Pick<SessionSettings, 'absoluteLifetime' | 'idleLifetime' | 'rolling'>;

/**
 * Lifetimes of sessions. The absolute one counts from the login, and nothing makes it longer. The idle one counts from the
 * last use that was written down. A use is written down when half of the idle lifetime has passed, so that most requests
 * write nothing.
 */
export class SessionLifetimes {
  /** Milliseconds. */
  readonly #absolute: number;
  readonly #idle: number | undefined;
  readonly #rolling: boolean;

  constructor(
    { absoluteLifetime, idleLifetime, rolling }: LifetimeSettings,
    private readonly now: Now,
  ) {
    this.#absolute = absoluteLifetime * 1000;
    this.#idle = idleLifetime && idleLifetime * 1000;
    this.#rolling = rolling;
  }

  started(session: NewSession): KeptSession {
    const now = this.now();
    return this.used({ ...session, expiresAt: now + this.#absolute });
  }

  /** The session, used now. */
  used(session: KeptSession): KeptSession {
    return this.#idle === undefined ? session : { ...session, usedAt: this.now() };
  }

  /** Milliseconds until the session is over, if nobody uses it; 0 or less: it is over. */
  left(session: KeptSession): number {
    const absolute = session.expiresAt - this.now();
    return this.#idle === undefined ? absolute : Math.min(absolute, this.#idle - this.#unused(session));
  }

  /** Whether a use has to be written down. */
  isDue(session: KeptSession): boolean {
    return this.#idle !== undefined && this.#rolling && this.#unused(session) >= this.#idle / 2;
  }

  /** Milliseconds since the last use; since the login, where it began before there was an idle lifetime. */
  #unused({ usedAt, expiresAt }: KeptSession): number {
    return this.now() - (usedAt ?? expiresAt - this.#absolute);
  }
}
