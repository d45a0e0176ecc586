import type { TokenResponse } from '../client/token-response.js';
import type { JsonValue } from '../http/json.js';
import type { Sealer } from '../storage/sealer.js';

/** What a login leaves behind. */
export interface NewSession {
  /** What the strategy's `validate` returned. */
  readonly user: JsonValue;
  readonly tokens: TokenResponse;
}

/** All that a login knows of sessions. */
export interface SessionPort {
  /**
   * Starts a session in place of whatever the browser has.
   *
   * @returns its `Set-Cookie` lines
   * @throws {SessionError} `SESSION_TOO_LARGE`
   */
  start(request: unknown, session: NewSession): readonly string[];

  /** Whether the browser has a session that is still good. */
  exists(request: unknown): boolean;

  /**
   * What seals with the session's secrets; its keys are separated by purpose.
   *
   * @throws {ConfigError} no session can be kept with this configuration
   */
  sealer(): Sealer;
}
