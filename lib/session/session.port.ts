import type { Awaitable } from '../values/awaitable.js';
import type { KeptSession, NewSession, StartedBy } from './session-content.js';

export type { KeptSession, NewSession, StartedBy };

/** The session of a request, and the `Set-Cookie` lines that repair its cookies. */
export interface FoundSession {
  /** Undefined: there is no valid session. */
  readonly session?: KeptSession | undefined;
  readonly setCookies: readonly string[];
}

/**
 * Session keeper: keeps the sessions of one client, in cookies only, or in a store with a cookie. A keeper in cookies
 * returns its result at once, one with a store returns a promise.
 *
 * Methods that change a session return the `Set-Cookie` lines for the answer to the request.
 *
 * @throws {StoreError} from each call: the store can't be reached, and the browser's cookie stays as it is
 */
export interface SessionKeeper {
  /** Finds the session of a request. */
  find(request: unknown): Awaitable<FoundSession>;

  /**
   * Starts a session. It replaces any session of the browser.
   *
   * @throws {SessionError} `SESSION_TOO_LARGE`
   */
  start(request: unknown, session: NewSession): Awaitable<readonly string[]>;

  /**
   * Writes a found session anew, for example with other tokens. Its `expiresAt` stays as given.
   *
   * @throws {SessionError} `SESSION_TOO_LARGE`
   */
  renew(request: unknown, session: KeptSession): Awaitable<readonly string[]>;

  /** Ends the session of a request. */
  end(request: unknown): Awaitable<readonly string[]>;
}

/** The sessions of one client, for its login. */
export interface SessionPort {
  /** Whether the application uses a session guard. */
  readonly areRead: boolean;

  /** @throws {ConfigError} no session can be kept with this configuration */
  keeper(): SessionKeeper;

  /**
   * Adds `Set-Cookie` lines to the session guard's answers. The login uses it to clear surplus cookies of its own.
   *
   * @param lines makes the `Set-Cookie` lines for the answer to a request
   */
  alsoSet(lines: (request: unknown) => readonly string[]): void;
}
