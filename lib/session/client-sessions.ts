import type { SessionKeeper, SessionPort } from './session.port.js';

/**
 * The session keeper of one client, and the link between its session guard and its login. The keeper is made on first
 * use, because an application without such guards needs no session options.
 */
export class ClientSessions implements SessionPort {
  #areRead = false;
  #keeper: SessionKeeper | undefined;
  #beside: (request: unknown) => readonly string[] = () => [];

  /** @param makeKeeper throws a `ConfigError` where no session can be kept */
  constructor(private readonly makeKeeper: () => SessionKeeper) {}

  get areRead(): boolean {
    return this.#areRead;
  }

  keeper(): SessionKeeper {
    this.#keeper ??= this.makeKeeper();
    return this.#keeper;
  }

  /** The keeper for a session guard, called at boot. @throws {ConfigError} no session can be kept */
  keeperToRead(): SessionKeeper {
    const keeper = this.keeper();
    this.#areRead = true;
    return keeper;
  }

  alsoSet(lines: (request: unknown) => readonly string[]): void {
    this.#beside = lines;
  }

  /** Additional `Set-Cookie` lines for the answer to this request: see {@link alsoSet}. */
  beside(request: unknown): readonly string[] {
    return this.#beside(request);
  }
}
