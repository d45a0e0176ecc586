import type { Server } from '../authorization-server/server.js';
import { readResponse } from '../authorization/authorization-response.js';
import type { OidcClient } from '../client/oidc-client.js';
import { AuthorizationResponseError } from '../errors/errors.js';
import type { OperatorPort } from '../events/operator-events.js';
import { setCookieBytes, type Cookies } from '../nest/cookies.js';
import type { Parameters } from '../nest/parameters.js';
import * as requests from '../nest/requests.js';
import type { Responses } from '../nest/responses.js';
import type { Routes } from '../nest/routes.js';
import type { NewSession, SessionIdentity, SessionPort } from '../session/session.port.js';
import type { Sealer } from '../storage/sealer.js';
import type { LoginTokens } from '../tokens/login-tokens.js';
import type { Awaitable } from '../values/awaitable.js';
import type { JsonObject } from '../values/json.js';
import { text } from '../values/member.js';
import { CallbackFlight } from './callback-flight.js';
import type { Outcome } from './ending.js';
import { extraOf, type LoginExtra } from './login-extra.js';
import { planLogin, requestedDelivery, type LoginPlan, type LoginSite } from './login-plan.js';
import { isForFragmentPage, receivedParameters, sessionStateOf, stateOf } from './login-response.js';
import { LoginStart, type BegunLogin } from './login-start.js';
import type { LoginSettings } from './login.options.js';
import { returnUrl } from './return-url.js';
import { isPassedOver } from './silent-login.js';
import { stateHash, type LoginTransaction } from './transaction-cookies.js';

/** Bytes of `Set-Cookie` above which a warning is logged: nginx accepts 4 KB of headers by default. */
const MAX_SET_COOKIE = 4000;

/** The authorization response to a login that this browser has begun. */
export interface LoginResponse {
  /** The domain where it came. */
  readonly site: LoginSite;
  /** The parameters as they came. */
  readonly sent: Parameters;
  /** The same, or those in their JWT (JARM). Not verified. */
  readonly parameters: Parameters;
  readonly cookies: Cookies;
  /** The name of the login's cookie. */
  readonly transaction: string;
  /** Hash of the login's `state`, for the session. */
  readonly login: string;
}

/** A login in place of a session. */
export interface SilentLogin {
  readonly returnTo: string;
  /** Whether its session outlives the browser. */
  readonly remember: true | undefined;
  /** Of the person whom the provider shall log in again. */
  readonly idToken: string | undefined;
}

/** A completed login, and its return URL. */
export interface LoggedIn {
  readonly claims: JsonObject;
  readonly tokens: LoginTokens;
  readonly identity: SessionIdentity;
  readonly remember: true | undefined;
  readonly extra: LoginExtra;
  readonly returnTo: string;
}

/** The browser has the response in its fragment, and needs the page that posts it. */
export interface InFragment {
  readonly page: 'fragment';
}

/** A callback that was used before, and its return URL. */
export interface AlreadyLoggedIn {
  readonly alreadyAt: string;
}

/**
 * Login without Passport: {@link start} sends the browser to the provider, {@link receive} and {@link finish} handle the
 * callback.
 *
 * The options are checked when the first login guard or strategy is made, so that other applications need none.
 */
export class Login {
  readonly strategyName: string;
  #hasReportedSize = false;
  readonly #flight: CallbackFlight<Outcome>;
  readonly #loginStart: LoginStart;
  #planned: LoginPlan | undefined;

  constructor(
    readonly client: OidcClient,
    private readonly server: Server,
    readonly operator: OperatorPort,
    private readonly settings: LoginSettings,
    private readonly sessions: SessionPort,
    private readonly sealer: Sealer,
    readonly responses: Responses,
    private readonly routes: Routes,
  ) {
    this.#flight = new CallbackFlight(client.clock.now);
    this.#loginStart = new LoginStart(client, server, operator, settings, sessions.silentLogins, () => this.#plan());
    this.strategyName = client.name === undefined ? 'oidc' : `oidc-${client.name}`;
  }

  /** Checks the options. @throws {ConfigError} they allow no login */
  require(): void {
    this.#plan();
  }

  /**
   * Makes Fastify hand over posted responses and the forms of other sites that initiate logins, even with `bodyParser: false`. Call it
   * before the first request.
   */
  acceptForms(): void {
    const { metadata } = this.client;
    if (requestedDelivery(metadata, this.settings) !== 'query' || metadata.initiate_login_uri !== undefined) {
      this.routes.acceptForms();
    }
  }

  /** Whether a request is a callback. Only its path counts, because anybody can write parameters. */
  isCallback(request: unknown): boolean {
    return this.#plan().callbackPaths.includes(requests.path(request));
  }

  /** Begins a login: see {@link LoginStart.start}. */
  start(request: unknown, own?: () => unknown): Promise<BegunLogin> {
    return this.#loginStart.start(request, own);
  }

  /** Begins a login at which the provider shows no page. Where it fails, the browser comes back without. */
  startSilently(request: unknown, { returnTo, remember, idToken }: SilentLogin): Promise<BegunLogin> {
    const parameters = { prompt: 'none', ...(idToken !== undefined && { id_token_hint: idToken }) };
    const kept = { returnTo, remember, silent: true, repeatWith: undefined } as const;
    return this.#loginStart.begin(request, this.#plan().sites.at(request), parameters, kept);
  }

  /**
   * Reads the authorization response. The login's transaction stays unused.
   *
   * @throws {AuthorizationResponseError} it belongs to no login of this browser
   */
  async receive(request: unknown): Promise<LoginResponse | AlreadyLoggedIn | InFragment> {
    const { sites, requested, delivery } = this.#plan();
    if (isForFragmentPage(request, delivery)) {
      return { page: 'fragment' };
    }
    const site = sites.at(request);
    const sent = await receivedParameters(request, delivery);
    const parameters = await readResponse(this.server, sent, requested.response_mode);
    const cookies = requests.cookies(request);
    const state = stateOf(parameters);
    const transaction = site.cookies.nameOf(cookies, state);
    return transaction === undefined
      ? this.#withoutTransaction(request, site, state)
      : { site, sent, parameters, cookies, transaction, login: stateHash(state) };
  }

  /** Completes a login only once, even if the browser sends the same response twice: see {@link CallbackFlight}. */
  once({ site, cookies, transaction, sent }: LoginResponse, complete: () => Promise<Outcome>): Promise<Outcome> {
    const brought = [site.redirect_uri, transaction, ...(cookies.get(transaction) ?? []), ...[...sent].flat()];
    return this.#flight.join(brought, complete);
  }

  /**
   * Opens the login's transaction. From here on it is used up, even if the login fails: see {@link used}.
   *
   * @throws {AuthorizationResponseError} it is not of this browser, or was used before
   * @throws {StoreError} the store can't be reached; it still has the transaction
   */
  open({ site, cookies, transaction }: LoginResponse): Awaitable<LoginTransaction> {
    return site.transactions.open(cookies, transaction);
  }

  /**
   * Ends a login.
   *
   * @returns the completed login, or where to go after a login that took too long
   * @throws {OidcError} the response is not valid for the login
   */
  async finish(
    request: unknown,
    response: LoginResponse,
    transaction: LoginTransaction,
  ): Promise<LoggedIn | BegunLogin> {
    const { site, sent, parameters } = response;
    if (site.cookies.isLate(transaction)) {
      return this.#afterTooLong(request, response, transaction);
    }
    const { authorization, returnTo, remember } = transaction;
    const { userinfo, trustedAudiences, nonce } = this.settings;
    const result = await this.client.callback(sent, authorization, { userinfo, trustedAudiences, nonce });
    return {
      // Signed claims win over the others.
      claims: { ...result.userinfo, ...result.idToken.claims },
      tokens: result.tokens,
      remember,
      identity: {
        sub: result.idToken.sub,
        sid: text(result.idToken.claims['sid']),
        session_state: sessionStateOf(parameters),
      },
      extra: extraOf(parameters),
      returnTo: this.#returnUrl(site, returnTo),
    };
  }

  /**
   * A login that took too long begins again, once: with the same return URL and parameters, and at a provider that knows the
   * person by now. Who is signed in already goes where the login wanted to go.
   */
  async #afterTooLong(
    request: unknown,
    { site, parameters }: LoginResponse,
    { returnTo, remember, repeatWith }: LoginTransaction,
  ): Promise<BegunLogin> {
    const { session } = await this.#plan().keeper.find(request);
    if (session !== undefined) {
      return { location: this.#returnUrl(site, returnTo), setCookies: [] };
    }
    // Who cancelled does not want to log in any more. Other errors may tell that the provider found it too long itself, as
    // Keycloak's temporarily_unavailable.
    if (repeatWith === undefined || parameters.get('error') === 'access_denied') {
      throw new AuthorizationResponseError('TRANSACTION_EXPIRED', 'The login took too long');
    }
    return this.#loginStart.begin(request, site, repeatWith, { returnTo, remember, repeatWith: undefined });
  }

  /** Where the browser goes after a silent login that failed; undefined: the login is refused. */
  passOver({ site }: LoginResponse, transaction: LoginTransaction, error: unknown): string | undefined {
    return isPassedOver(transaction, error, this.operator) ? this.#returnUrl(site, transaction.returnTo) : undefined;
  }

  /** The `Set-Cookie` line that clears a used transaction. */
  used({ site, transaction }: LoginResponse): string {
    return site.cookies.clear(transaction);
  }

  /** Whether the application uses a session guard. */
  get sessionsAreRead(): boolean {
    return this.sessions.areRead;
  }

  /** Starts the local session. @throws {SessionError} `SESSION_TOO_LARGE` */
  startSession(request: unknown, session: NewSession): Awaitable<readonly string[]> {
    return this.#plan().keeper.start(request, session);
  }

  /** Reports once that a login's cookies may be too large for a proxy. */
  reportSize(setCookies: readonly string[]): void {
    const bytes = setCookieBytes(setCookies);
    if (bytes > MAX_SET_COOKIE && !this.#hasReportedSize) {
      this.#hasReportedSize = true;
      const cookies = setCookies.map((line) => `${line.split('=', 1)[0]} ${line.length}`);
      this.operator.report({ kind: 'large-cookies', bytes, cookies });
    }
  }

  /** Revokes the refresh token of a login that was refused, in the background. */
  discard({ refresh_token }: LoginTokens): void {
    if (refresh_token !== undefined) {
      this.client.revoke(refresh_token, 'refresh_token').catch(() => undefined);
    }
  }

  /** Handles a callback without transaction. With a session it is a reload or the back button; else it is refused. */
  async #withoutTransaction(request: unknown, site: LoginSite, state: string): Promise<AlreadyLoggedIn> {
    const { session } = await this.#plan().keeper.find(request);
    if (session !== undefined) {
      const { startedBy } = session;
      const returnTo = startedBy?.login === stateHash(state) ? startedBy.returnTo : undefined;
      return { alreadyAt: this.#returnUrl(site, returnTo) };
    }
    throw site.cookies.hasAny(requests.cookies(request))
      ? new AuthorizationResponseError('STATE_MISMATCH', 'The response answers no login of this browser')
      : new AuthorizationResponseError('NO_TRANSACTION', 'This browser has begun no login');
  }

  #returnUrl({ origin }: LoginSite, value: string | undefined): string {
    const { callbackPaths: excluded } = this.#plan();
    return returnUrl(value, { origin, fallback: this.settings.defaultReturnTo, excluded });
  }

  #plan(): LoginPlan {
    if (this.#planned === undefined) {
      const plan = planLogin(this.client, this.server, this.operator, this.settings, this.sessions, this.sealer);
      this.sessions.alsoSet((request) => plan.sites.at(request).cookies.clearSurplus(requests.cookies(request)));
      this.#planned = plan;
    }
    return this.#planned;
  }
}
