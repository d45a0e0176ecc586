import type { Now } from '../../clock/clock.js';
import type { KeptSession, NewSession } from '../session-content.js';
import type { SessionSettings } from '../session.options.js';

/** How long sessions last, as the application said. */
export type LifetimeSettings = Pick<SessionSettings, 'absoluteLifetime' | 'idleLifetime' | 'rolling' | 'persistent'>;

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
  readonly #persistent: LifetimeSettings['persistent'];

  constructor(
    { absoluteLifetime, idleLifetime, rolling, persistent }: LifetimeSettings,
    private readonly now: Now,
  ) {
    this.#absolute = absoluteLifetime * 1000;
    this.#idle = idleLifetime && idleLifetime * 1000;
    this.#rolling = rolling;
    this.#persistent = persistent;
  }

  started(session: NewSession): KeptSession {
    const now = this.now();
    const { isPersistent, ...others } = session;
    const persists = this.#persistent === 'on-request' ? isPersistent === true : this.#persistent;
    return this.used({ ...others, ...(persists && { isPersistent: true }), expiresAt: now + this.#absolute });
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

  /**
   * `Max-Age` of a session's cookie in seconds; none where it ends with the browser. It is the absolute lifetime's: what a
   * cookie says of an end decides nothing, and the idle one ends sessions without it.
   */
  ofCookie({ isPersistent, expiresAt }: KeptSession): { readonly maxAge?: number } {
    return isPersistent === true ? { maxAge: Math.max(0, Math.floor((expiresAt - this.now()) / 1000)) } : {};
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
