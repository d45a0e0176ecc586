import type { CookieAttributes } from '../nest/cookies.js';
import type { OidcStore } from '../storage/oidc-store.js';
import type { Awaitable } from '../values/awaitable.js';
import type { KeptSession, NewSession, SessionIdentity } from './session-content.js';

export type { KeptSession, NewSession, SessionIdentity };

/** The session of a request, and the `Set-Cookie` lines that repair its cookies. */
export interface FoundSession {
  /** Undefined: there is no valid session. */
  readonly session?: KeptSession | undefined;
  /** The session as the store has it, which {@link SessionKeeper.renew} replaces; undefined for sessions in cookies. */
  readonly stored?: string | undefined;
  readonly setCookies: readonly string[];
}

/** A found session that is valid. */
export interface ValidSession extends FoundSession {
  readonly session: KeptSession;
}

/** All sessions of one session at the provider (which must be one of `sub`, where that is given), or of one user. */
export type SessionsOf = { readonly sid: string; readonly sub?: string } | { readonly sub: string };

/** The tokens of a session that was ended without its cookie, to evict and revoke them. Sessions in cookies leave none. */
export interface EndedTokens {
  readonly access_token?: string | undefined;
  readonly refresh_token?: string | undefined;
}

/** Makes the tokens of an ended session useless. */
export type InvalidateTokens = (tokens: EndedTokens) => Promise<void>;

/**
 * Session keeper: keeps the sessions of one client, in cookies only, or in a store with a cookie. A keeper in this process
 * returns its result at once, one with a store elsewhere returns a promise.
 *
 * @throws {StoreError} from each method that may return a promise: the store can't be reached. The browser's cookie stays as
 *   it is
 */
export interface SessionKeeper {
  /** Finds the session of a request. */
  find(request: unknown): Awaitable<FoundSession>;

  /**
   * Starts a session. It replaces any session of the browser.
   *
   * @returns the `Set-Cookie` lines for the answer
   * @throws {SessionError} `SESSION_TOO_LARGE`
   */
  start(request: unknown, session: NewSession): Awaitable<readonly string[]>;

  /**
   * Writes a found session anew, for example with other tokens. Its end stays as it was.
   *
   * @returns the `Set-Cookie` lines for the answer; undefined if the session ended or was written by another request since it
   *   was found. Then nothing is written: find it again
   * @throws {SessionError} `SESSION_TOO_LARGE`
   */
  renew(request: unknown, found: FoundSession, changes: Partial<NewSession>): Awaitable<readonly string[] | undefined>;

  /** Ends the session of a request where it is kept. {@link clear} is for the browser. */
  end(request: unknown): Awaitable<void>;

  /**
   * Ends sessions without their cookies, at all replicas.
   *
   * @param invalidate revokes or evicts the tokens of one of them. Where it fails, another try comes back to them
   * @throws what `invalidate` threw, after all sessions have ended
   * @throws {VerificationError} `SUB_MISMATCH`: `sid` belongs to another user
   * @throws {ConfigError} sessions are in cookies, and there is no store
   */
  endAll(of: SessionsOf, invalidate: InvalidateTokens): Promise<void>;

  /**
   * Whether {@link endAll} may find sessions of this `sid`. It writes nothing, so that a stranger may ask as often as they like.
   */
  knows(sid: string): Awaitable<boolean>;

  /** The `Set-Cookie` lines that clear the session's cookies in the browser. */
  clear(request: unknown): readonly string[];
}

/** Silent logins of the session guard, for the login. */
export interface SilentLoginPort {
  /** Whether the guard begins them. Then a link may ask for one. */
  readonly areOn: boolean;

  /** Whether the browser has tried one, which shows that it keeps cookies. */
  wasTried(request: unknown): boolean;
}

/** The sessions of one client, for its login. */
export interface SessionPort {
  readonly silentLogins: SilentLoginPort;

  /** Attributes of the session's cookie. */
  readonly cookie: CookieAttributes;

  /** The store of the sessions; undefined: they are in cookies. */
  readonly store: OidcStore | undefined;

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
