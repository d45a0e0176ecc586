import type { Cookies } from '../nest/cookies.js';
import type { Awaitable } from '../values/awaitable.js';
import type { KeptSession, NewSession, StartedBy } from './session-content.js';

export type { KeptSession, NewSession, StartedBy };

/** The session of a request, and the `Set-Cookie` lines that put right what was wrong with its cookies. */
export interface FoundSession {
  /** Undefined: there is none that is still good. */
  readonly session?: KeptSession | undefined;
  readonly setCookies: readonly string[];
}

/**
 * Keeps the sessions of one client: in cookies alone, or in a store behind a cookie. A keeper in this process answers at
 * once, one that has to ask a store with a promise.
 *
 * What changes a session returns the `Set-Cookie` lines for the answer to the request.
 *
 * @throws {StoreError} from each call: the store can't be reached, and the browser's cookie stays as it is
 */
export interface SessionKeeper {
  /** Finds the session of a request. */
  find(request: unknown): Awaitable<FoundSession>;

  /**
   * Starts a session in place of whatever the browser has.
   *
   * @throws {SessionError} `SESSION_TOO_LARGE`
   */
  start(request: unknown, session: NewSession): Awaitable<readonly string[]>;

  /**
   * Writes a session that was found anew, such as with other tokens. It ends when it says.
   *
   * @throws {SessionError} `SESSION_TOO_LARGE`
   */
  renew(request: unknown, session: KeptSession): Awaitable<readonly string[]>;

  /** Ends the session of a request. */
  end(request: unknown): Awaitable<readonly string[]>;
}

/** The sessions of one client, as its login sees them. */
export interface SessionPort {
  /** Whether the application has a guard of ours that reads sessions. */
  readonly areRead: boolean;

  /** @throws {ConfigError} no session can be kept with this configuration */
  keeper(): SessionKeeper;

  /**
   * Makes the session guard's answers set more cookies: of those that stand beside a session's and become too many.
   *
   * @param lines makes the `Set-Cookie` lines for each request, from the cookies that its browser sent
   */
  alsoSet(lines: (cookies: Cookies) => readonly string[]): void;
}
