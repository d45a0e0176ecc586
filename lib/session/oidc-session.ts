import type { EndSessionOptions } from '../authorization/end-session.js';
import type { OidcClient } from '../client/oidc-client.js';
import { SessionError, StoreError } from '../errors/errors.js';
import { audit, auditFailure } from '../events/audit.js';
import { PRIVATE_ANSWER } from '../nest/answer.js';
import { refuse, type Refusal } from '../nest/refusal.js';
import type { Responses } from '../nest/responses.js';
import { Sites } from '../nest/sites.js';
import { requireAccessToken } from '../tokens/login-tokens.js';
import { recover, type Awaitable } from '../values/awaitable.js';
import type { JsonValue } from '../values/json.js';
import type { ClientSessions } from './client-sessions.js';
import { idTokenHint } from './id-token-hint.js';
import type { SessionContent } from './session-content.js';
import { loginRequired, logoutRefusal, sessionUnavailable, tokensRefusal } from './session-refusal.js';
import type { KeptSession } from './session.port.js';

/**
 * The browser's local session: reads it, ends it, and makes the URL for logout at the provider.
 *
 * @typeParam User what the strategy's `validate`, or `session.validate`, returns. The application says so; nothing checks it
 *
 * ```ts
 * @Get('reports')
 * async reports(@Req() request: object) {
 *   const authorization = `Bearer ${await this.session.accessToken(request)}`;
 *   return (await fetch('https://reports.example.com/today', { headers: { authorization } })).json();
 * }
 *
 * @Post('renew')
 * async renew(@Req() request: object, @Res({ passthrough: true }) response: object) {
 *   const { tokens } = await this.session.refresh(request, response);
 *   return { expires_at: tokens.expires_at };
 * }
 *
 * @Post('logout')
 * async logout(@Req() request: object, @Res({ passthrough: true }) response: object) {
 *   const { user } = (await this.session.read(request)) ?? {};
 *   const url = await this.session.endSessionUrl(request);
 *   await this.session.end(request, response);
 *   return { user, url: url ?? '/' };
 * }
 *
 * @Post('logout-everywhere')
 * async everywhere(@CurrentUser() user: OidcUser) {
 *   await this.session.endAll(user.sub, { revoke: true });
 * }
 * ```
 */
export class OidcSession<User = JsonValue> {
  readonly #sessions: ClientSessions;
  readonly #client: OidcClient;
  readonly #responses: Responses;

  constructor(sessions: ClientSessions, client: OidcClient, responses: Responses) {
    this.#sessions = sessions;
    this.#client = client;
    this.#responses = responses;
  }

  /**
   * The session of this request; undefined if there is none, or if it has ended or was tampered with. Await it: a session
   * in cookies is read at once, others may need a call to a store.
   *
   * @throws {OidcException} 503: the store of sessions can't be reached
   */
  read(request: unknown): Awaitable<SessionContent<User> | undefined>;
  read(request: unknown): Awaitable<SessionContent<unknown> | undefined> {
    return recover(
      () => this.#sessions.read(request),
      (error) => this.#throw(error, storeRefusal, this.#sessions.responseTo(request)),
    );
  }

  /**
   * Refreshes the tokens of the session now, whatever is left of them, and writes it.
   *
   * @returns the session with new tokens
   * @throws {OidcException} 401 with the code `SESSION_MISSING`; `ACCESS_TOKEN_EXPIRED`: it has no refresh token; `SESSION_ENDED`:
   *   the provider takes the refresh token no more, and the session is over
   * @throws {OidcException} 503, 504, 502: the provider or the store is down, is slow, or answers wrong. It passes, and the
   *   session is as good as before
   * @throws {SessionError} `ACCESS_TOKEN_MISSING`: sessions keep no tokens, see `session.tokens`
   */
  refresh(request: unknown, response: unknown): Promise<SessionContent<User>>;
  async refresh(request: unknown, response: unknown): Promise<SessionContent<unknown>> {
    try {
      const renewed = await this.#sessions.renew(request);
      this.#responses.deliver(response, [['Set-Cookie', renewed.setCookies]]);
      const session = await this.#sessions.read(request);
      if (session === undefined) {
        throw new SessionError('SESSION_ENDED', 'The application does not accept the user of the session any more.');
      }
      return session;
    } catch (error) {
      if (error instanceof SessionError && error.code === 'SESSION_ENDED') {
        await this.end(request, response);
      }
      this.#sessions.refresh.report(error);
      return this.#throw(error, tokensRefusal, response);
    }
  }

  /**
   * An access token of the session that is good for ten seconds at least, to call an API in the user's name. It is refreshed
   * where it has to be.
   *
   * @param response left out: that of the guard that found the session
   * @throws {OidcException} and {SessionError} as {@link refresh}
   */
  async accessToken(request: unknown, response?: unknown): Promise<string> {
    const answer = response ?? this.#sessions.responseTo(request);
    const session = await this.read(request);
    if (session === undefined) {
      throw refuse(loginRequired(), answer, this.#responses);
    }
    const { tokens } = session;
    const known = this.#sessions.refresh.isGood(tokens) ? tokens.access_token : undefined;
    if (known !== undefined) {
      return known;
    }
    if (answer === undefined) {
      throw new Error(
        'OidcSession.accessToken needs the response where no OidcSessionGuard ran: new tokens are written there',
      );
    }
    const { tokens: renewed } = await this.refresh(request, answer);
    return requireAccessToken(renewed).access_token;
  }

  /**
   * Ends the session: clears its cookies, deletes it from the store, and evicts its access token, if it has one, from the
   * token caches.
   *
   * @throws {OidcException} 503: the store can't be reached. It may have the session until that expires, or replicas the token
   *   in their cache. The cookies are cleared all the same
   * @throws {Error} the answer has begun: the session has ended in the store, and the browser keeps its cookie
   */
  async end(request: unknown, response: unknown): Promise<void> {
    const keeper = this.#sessions.keeper();
    let session: KeptSession | undefined;
    try {
      try {
        session = await this.#sessions.kept(request);
        this.#sessions.forget(request);
        await keeper.end(request);
        await (session?.tokens.access_token && this.#client.forget(session.tokens.access_token, session.identity));
      } finally {
        const setCookies = [...keeper.clear(request), ...this.#sessions.silentLogins.tried(request)];
        this.#responses.deliver(response, [['Set-Cookie', setCookies], ...PRIVATE_ANSWER]);
      }
    } catch (error) {
      auditFailure('logout', this.#client, error, session?.identity);
      this.#throw(error, logoutRefusal, response);
    }
    if (session !== undefined) {
      audit('logout', this.#client, session.identity);
    }
  }

  /**
   * Signs a user out everywhere: ends all their sessions with this client, at all replicas, and evicts their access tokens
   * from the token caches. It needs a `store`.
   *
   * @param sub the user's `sub` at the provider
   * @param options `revoke: true` also revokes their refresh tokens at the server
   * @throws {ConfigError} there is no `store`
   * @throws {OidcException} 503: the store can't be reached. Another try ends the sessions that are left
   * @throws {OidcException} 503, 504, 502: the server does not revoke a token; the sessions have ended, and another try revokes again
   */
  async endAll(sub: string, { revoke = false }: { readonly revoke?: boolean } = {}): Promise<void> {
    try {
      await this.#sessions.endAll({ sub }, { revoke });
      audit('logout', this.#client, { sub });
    } catch (error) {
      auditFailure('logout', this.#client, error, { sub });
      this.#throw(error, logoutRefusal, undefined);
    }
  }

  /**
   * Where to send the browser so that the provider ends its session too (OpenID Connect RP-Initiated Logout 1.0),
   * back to the first registered `post_logout_redirect_uris` of this request's domain, else to the first of all. Undefined when
   * the provider has no such endpoint. An ID token of more than 2,048 bytes is left out, because proxies refuse such a redirect:
   * then the provider may ask the user.
   *
   * @param options its `state` comes back with the browser
   * @throws {OidcException} 503, 504, 502: the provider's metadata can't be loaded, or the store can't be reached
   */
  async endSessionUrl(request: unknown, options: Pick<EndSessionOptions, 'state'> = {}): Promise<string | undefined> {
    try {
      return await this.#endSessionUrl(request, options);
    } catch (error) {
      return this.#throw(error, logoutRefusal, this.#sessions.responseTo(request));
    }
  }

  async #endSessionUrl(request: unknown, options: Pick<EndSessionOptions, 'state'>): Promise<string | undefined> {
    const session = await this.#sessions.kept(request);
    const { post_logout_redirect_uris = [] } = this.#client.metadata;
    const { origin } = Sites.of(this.#client).at(request);
    return this.#client.endSessionUrl({
      ...options,
      id_token_hint: session && idTokenHint(session),
      post_logout_redirect_uri: post_logout_redirect_uris.find((uri) => new URL(uri).origin === origin),
    });
  }

  #throw(error: unknown, refusalOf: (error: unknown) => Refusal | undefined, response: unknown): never {
    const refusal = refusalOf(error);
    throw refusal === undefined ? error : refuse(refusal, response, this.#responses);
  }
}

function storeRefusal(error: unknown): Refusal | undefined {
  return error instanceof StoreError ? sessionUnavailable(error) : undefined;
}
