import type { IncomingMessage } from 'node:http';

import type { OidcClient } from '../client/oidc-client.js';
import { SessionError } from '../errors/errors.js';
import { audit } from '../events/audit.js';
import type { CookieAttributes } from '../nest/cookies.js';
import * as requests from '../nest/requests.js';
import type { OidcStore } from '../storage/oidc-store.js';
import { chain, type Awaitable } from '../values/awaitable.js';
import { LoginRedirect } from './login-redirect.js';
import { OwnOrigins } from './own-origins.js';
import type { AcceptedContent } from './session-content.js';
import { rolesReader, type SessionRoles } from './session-roles.js';
import type { SessionRefresh } from './refresh/session-refresh.js';
import { SilentLogins } from './silent-logins.js';
import type { SessionSettings, ValidateSession } from './session.options.js';
import type {
  FoundSession,
  KeptSession,
  SessionKeeper,
  SessionPort,
  SessionsOf,
  ValidSession,
} from './session.port.js';

/** The settings of sessions that are not their keeper's. */
export interface ClientSessionSettings extends Partial<
  Pick<SessionSettings, 'cookie' | 'validate' | 'redirectToLogin' | 'silentLogin'>
> {
  /** Undefined: sessions are in cookies. */
  readonly store?: OidcStore | undefined;
}

/** An accepted session, and `Set-Cookie` lines. */
export interface AcceptedSession {
  /** Undefined: there is none, or it has just ended. */
  readonly session?: AcceptedContent | undefined;
  readonly setCookies: readonly string[];
}

/** What is known of a request's session until its answer. */
interface Known {
  /** The session as a guard has found or renewed it, for who reads it later in the same request. */
  current?: ValidSession | undefined;
  /** Where the session's cookies go. */
  response?: unknown;
  /** What the first guard finds. More of them ask where a request has several fields of GraphQL. */
  finding?: Awaitable<AcceptedSession>;
  /** What `session.validate` said, or will have said. */
  user?: unknown;
}

/**
 * The session keeper of one client, and the link between its session guard and its login. The keeper is made on first
 * use, because an application without such guards needs no session options.
 */
export class ClientSessions implements SessionPort {
  /** Where a browser without a session is sent. */
  readonly loginRedirect: LoginRedirect;
  readonly silentLogins: SilentLogins;
  #areRead = false;
  #keeper: SessionKeeper | undefined;
  #beside: (request: unknown) => readonly string[] = () => [];
  readonly #known = new WeakMap<IncomingMessage, Known>();
  readonly #ownOrigins: OwnOrigins;

  /** @param makeKeeper throws a `ConfigError` where no session can be kept */
  constructor(
    private readonly makeKeeper: () => SessionKeeper,
    readonly refresh: SessionRefresh,
    readonly client: Pick<OidcClient, 'forget' | 'revoke' | 'metadata' | 'name' | 'issuer'>,
    private readonly settings: ClientSessionSettings = {},
    /** Reads the roles of a session's user. */
    readonly roles: SessionRoles = rolesReader(),
  ) {
    this.silentLogins = new SilentLogins(client, settings);
    this.loginRedirect = new LoginRedirect(settings.redirectToLogin, this.silentLogins, settings.cookie?.sameSite);
    this.#ownOrigins = new OwnOrigins(client.metadata.redirect_uris, settings.cookie?.domain);
  }

  get store(): OidcStore | undefined {
    return this.settings.store;
  }

  get cookie(): CookieAttributes {
    return this.settings.cookie ?? {};
  }

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
   * Finds the session of a request for a guard, refreshes its tokens where it is time to, and has its user validated. A
   * failure that passes leaves it as it was. The first guard of a request gets the cookies to set.
   */
  find(request: object, response: unknown): Awaitable<AcceptedSession> {
    const known = this.#of(request);
    if (known.finding !== undefined) {
      return chain(known.finding, ({ session }) =>
        chain(session && this.read(request), (now) => ({ session: now, setCookies: [] })),
      );
    }
    known.response = response;
    known.finding = chain(this.#findFirst(request), (found) => this.#withOthers(request, found));
    return known.finding;
  }

  /**
   * Finds the session of a request whose answer can set no cookies any more, such as the one that opened a socket. So nothing
   * is refreshed, and nothing is remembered: the request is asked about for as long as the socket lives.
   */
  look(request: object): Awaitable<AcceptedSession> {
    return chain(this.keeper().find(request), ({ session }) =>
      chain(
        session && this.#validated(request, session, (validate) => validate(session.user, session)),
        (accepted) => ({ session: accepted, setCookies: [] }),
      ),
    );
  }

  /** The session of a request as it is now: a guard may have renewed it since it came. */
  read(request: unknown): Awaitable<AcceptedContent | undefined> {
    return chain(this.#found(request), ({ session }) => session && this.#accepted(request, session));
  }

  /** A request's session as it is kept, whatever the application says of its user now. */
  kept(request: unknown): Awaitable<KeptSession | undefined> {
    return chain(this.#found(request), ({ session }) => session);
  }

  /** The response to a request that a guard of ours has looked at. */
  responseTo(request: unknown): unknown {
    return this.#of(request).response;
  }

  /**
   * Refreshes the tokens of a request's session and writes it.
   *
   * @returns the session with new tokens, and the `Set-Cookie` lines
   * @throws {SessionError} `SESSION_MISSING`, and as {@link SessionRefresh.renew}
   */
  async renew(request: unknown): Promise<ValidSession> {
    const { session, ...found } = await this.#found(request);
    if (session === undefined) {
      throw new SessionError('SESSION_MISSING', 'The request has no session');
    }
    const renewed = await this.refresh.renew(this.keeper(), request, { ...found, session });
    this.#of(request).current = renewed;
    return renewed;
  }

  /** Ends the session of a request. The answer has to clear its cookies: see {@link SessionKeeper.clear}. */
  async end(request: unknown): Promise<void> {
    this.forget(request);
    await this.keeper().end(request);
  }

  /** Forgets what is known of the session of a request that ends it. */
  forget(request: unknown): void {
    const known = this.#of(request);
    known.current = undefined;
    known.user = undefined;
  }

  /** Looks for a request's session anew, where it is in a store: another request may have refreshed its tokens meanwhile. */
  lookAgain(request: unknown): void {
    if (this.store !== undefined) {
      this.#of(request).current = undefined;
    }
  }

  /**
   * Ends all sessions of a `sid` or a `sub`, at all replicas and without their cookies, and evicts their access tokens from
   * the token caches.
   *
   * @param revoke also revokes their refresh tokens at the server
   * @throws {ConfigError} sessions are in cookies, and there is no store
   * @throws {StoreError} the store can't be reached; another try ends the rest
   * @throws {OidcError} the server does not revoke a token; the sessions have ended, and another try revokes again
   */
  async endAll(of: SessionsOf, { revoke }: { readonly revoke: boolean }): Promise<void> {
    await this.keeper().endAll(of, async ({ access_token, refresh_token }) => {
      await (access_token && this.client.forget(access_token, of));
      await (revoke && refresh_token && this.client.revoke(refresh_token, 'refresh_token'));
    });
  }

  alsoSet(lines: (request: unknown) => readonly string[]): void {
    this.#beside = lines;
  }

  /** See {@link OwnOrigins}. */
  isOwnOrigin(origin: string): boolean {
    return this.#ownOrigins.has(origin);
  }

  #findFirst(request: object): Awaitable<AcceptedSession> {
    return chain(this.#fresh(request), ({ session, setCookies }) =>
      session === undefined
        ? { setCookies }
        : chain(this.#accepted(request, session), (accepted) =>
            accepted === undefined ? { setCookies: this.keeper().clear(request) } : { session: accepted, setCookies },
          ),
    );
  }

  /** With the cookies that others than the session set: see {@link alsoSet}. */
  #withOthers(request: object, found: AcceptedSession): AcceptedSession {
    const ofSilentLogins = found.session === undefined ? [] : this.silentLogins.succeeded(request);
    const others = [...this.#beside(request), ...ofSilentLogins];
    return others.length === 0 ? found : { ...found, setCookies: [...found.setCookies, ...others] };
  }

  #fresh(request: object): Awaitable<FoundSession> {
    return chain(this.keeper().find(request), (found) => {
      const { session } = found;
      if (session === undefined) {
        return found;
      }
      const valid = { ...found, session };
      this.#of(request).current = valid;
      return this.refresh.isDue(session) ? this.#refreshed(request, valid) : found;
    });
  }

  /** As {@link ClientSessions.#validated}, and `session.validate` is asked once in a request. */
  #accepted(request: unknown, session: KeptSession): Awaitable<AcceptedContent | undefined> {
    return this.#validated(request, session, (validate) => {
      const known = this.#of(request);
      known.user ??= validate(session.user, session);
      return known.user;
    });
  }

  /** The session with the user that `session.validate` returns; undefined where that is nothing, and the session ends. */
  #validated(
    request: unknown,
    session: KeptSession,
    ask: (validate: ValidateSession) => unknown,
  ): Awaitable<AcceptedContent | undefined> {
    const { validate } = this.settings;
    return validate === undefined
      ? session
      : chain(ask(validate), (user) => (user ? { ...session, user } : this.#ended(request, session)));
  }

  async #ended(request: unknown, { identity }: KeptSession): Promise<undefined> {
    this.forget(request);
    await this.keeper().end(request);
    audit('logout', this.client, identity);
  }

  #found(request: unknown): Awaitable<FoundSession> {
    return this.#of(request).current ?? this.keeper().find(request);
  }

  async #refreshed(request: object, found: ValidSession): Promise<FoundSession> {
    try {
      return await this.renew(request);
    } catch (error) {
      this.refresh.report(error);
      if (error instanceof SessionError && error.code === 'SESSION_ENDED') {
        this.forget(request);
        await this.keeper().end(request);
        return { setCookies: this.keeper().clear(request) };
      }
      return found;
    }
  }

  #of(request: unknown): Known {
    const raw = requests.raw(request);
    const known = this.#known.get(raw);
    if (known !== undefined) {
      return known;
    }
    const unknown: Known = {};
    this.#known.set(raw, unknown);
    return unknown;
  }
}
