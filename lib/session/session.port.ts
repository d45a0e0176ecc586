import type { Cookies } from '../nest/cookies.js';
import type { Sealer } from '../storage/sealer.js';
import type { NewSession, StartedBy } from './session-content.js';

export type { NewSession, StartedBy };

/** All that a login knows of sessions. */
export interface SessionPort {
  /** Whether the application has a guard of ours that reads sessions. */
  readonly areRead: boolean;

  /**
   * Starts a session in place of whatever the browser has.
   *
   * @returns its `Set-Cookie` lines
   * @throws {SessionError} `SESSION_TOO_LARGE`
   */
  start(request: unknown, session: NewSession): readonly string[];

  /**
   * Has answers for sessions bring more `Set-Cookie` lines: of cookies that stand beside a session's and become too many.
   *
   * @param lines made anew for each request, of what its browser has
   */
  alsoSet(lines: (cookies: Cookies) => readonly string[]): void;

  /** Whether the browser has a session that is still good. */
  exists(request: unknown): boolean;

  /** What started that session, where it is known. */
  startedBy(request: unknown): StartedBy | undefined;

  /**
   * What seals with the session's secrets; its keys are separated by purpose.
   *
   * @throws {ConfigError} no session can be kept with this configuration
   */
  sealer(): Sealer;
}
