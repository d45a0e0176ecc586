import type { IncomingMessage } from 'node:http';

import { SessionError } from '../errors/errors.js';
import * as requests from '../nest/requests.js';
import { chain, type Awaitable } from '../values/awaitable.js';
import type { SessionRefresh } from './session-refresh.js';
import type { FoundSession, KeptSession, SessionKeeper, SessionPort } from './session.port.js';

/** A session that a guard has found or renewed, for who reads it later in the same request. */
interface Current {
  readonly session: KeptSession;
  /** Where its cookies go. */
  readonly response: unknown;
}

/** A session that was written anew. */
interface RenewedSession extends FoundSession {
  readonly session: KeptSession;
}

/**
 * The session keeper of one client, and the link between its session guard and its login. The keeper is made on first
 * use, because an application without such guards needs no session options.
 */
export class ClientSessions implements SessionPort {
  #areRead = false;
  #keeper: SessionKeeper | undefined;
  #beside: (request: unknown) => readonly string[] = () => [];
  readonly #current = new WeakMap<IncomingMessage, Current>();

  /** @param makeKeeper throws a `ConfigError` where no session can be kept */
  constructor(
    private readonly makeKeeper: () => SessionKeeper,
    readonly refresh: SessionRefresh,
  ) {}

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

  /**
   * Finds the session of a request for a guard, and refreshes its tokens where it is time to. A failure that passes leaves it
   * as it was.
   */
  find(request: object, response: unknown): Awaitable<FoundSession> {
    return chain(this.keeper().find(request), (found) => {
      const { session } = found;
      if (session === undefined) {
        return found;
      }
      this.#remember(request, { session, response });
      return this.refresh.isDue(session) ? this.#refreshed(request, response, found, session) : found;
    });
  }

  /** The session of a request as it is now: a guard may have renewed it since it came. */
  read(request: unknown): Awaitable<KeptSession | undefined> {
    const current = this.#current.get(requests.raw(request));
    return current?.session ?? chain(this.keeper().find(request), ({ session }) => session);
  }

  /** The response to a request that a guard of ours has looked at. */
  responseTo(request: unknown): unknown {
    return this.#current.get(requests.raw(request))?.response;
  }

  /**
   * Refreshes the tokens of a session and writes it.
   *
   * @returns the session with new tokens, and the `Set-Cookie` lines
   * @throws {SessionError} `SESSION_ENDED`
   */
  async renew(request: unknown, response: unknown, session: KeptSession): Promise<RenewedSession> {
    const renewed = await this.refresh.refreshed(session);
    const setCookies = await this.keeper().renew(request, renewed);
    this.#remember(request, { session: renewed, response });
    return { session: renewed, setCookies };
  }

  /** Forgets what is known of the session of a request that ends it. */
  forget(request: unknown): void {
    this.#current.delete(requests.raw(request));
  }

  alsoSet(lines: (request: unknown) => readonly string[]): void {
    this.#beside = lines;
  }

  /** Additional `Set-Cookie` lines for the answer to this request: see {@link alsoSet}. */
  beside(request: unknown): readonly string[] {
    return this.#beside(request);
  }

  async #refreshed(
    request: object,
    response: unknown,
    found: FoundSession,
    session: KeptSession,
  ): Promise<FoundSession> {
    try {
      return await this.renew(request, response, session);
    } catch (error) {
      if (error instanceof SessionError && error.code === 'SESSION_ENDED') {
        this.forget(request);
        this.refresh.report(error);
        return { setCookies: await this.keeper().end(request) };
      }
      this.refresh.report(error);
      return found;
    }
  }

  #remember(request: unknown, current: Current): void {
    this.#current.set(requests.raw(request), current);
  }
}
