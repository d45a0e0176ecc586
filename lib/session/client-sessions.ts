import type { Cookies } from '../nest/cookies.js';
import * as requests from '../nest/requests.js';
import type { SessionKeeper, SessionPort } from './session.port.js';

/**
 * The sessions of one client: their keeper, and what the session guard and the login tell each other. The keeper is made
 * when a guard asks for it, because an application without such guards needs no configuration of sessions.
 */
export class ClientSessions implements SessionPort {
  #areRead = false;
  #keeper: SessionKeeper | undefined;
  #beside: (cookies: Cookies) => readonly string[] = () => [];

  /** @param makeKeeper throws a `ConfigError` where no session can be kept */
  constructor(private readonly makeKeeper: () => SessionKeeper) {}

  get areRead(): boolean {
    return this.#areRead;
  }

  keeper(): SessionKeeper {
    this.#keeper ??= this.makeKeeper();
    return this.#keeper;
  }

  /** The keeper for a guard that reads sessions, at boot. @throws {ConfigError} no session can be kept */
  keeperToRead(): SessionKeeper {
    const keeper = this.keeper();
    this.#areRead = true;
    return keeper;
  }

  alsoSet(lines: (cookies: Cookies) => readonly string[]): void {
    this.#beside = lines;
  }

  /** The `Set-Cookie` lines of others than the session, for the answer to this request. */
  beside(request: unknown): readonly string[] {
    return this.#beside(requests.cookies(request));
  }
}
