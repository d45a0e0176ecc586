import type { Server } from '../authorization-server/server.js';
import type { OidcClient } from '../client/oidc-client.js';
import { AuthorizationResponseError } from '../errors/errors.js';
import type { OperatorPort } from '../events/operator-events.js';
import { setCookieBytes, type Cookies } from '../nest/cookies.js';
import { singleParameter, type Parameters } from '../nest/parameters.js';
import * as requests from '../nest/requests.js';
import type { Responses } from '../nest/responses.js';
import type { Routes } from '../nest/routes.js';
import type { NewSession, SessionIdentity, SessionPort } from '../session/session.port.js';
import type { Sealer } from '../storage/sealer.js';
import type { TokenResponse } from '../tokens/token-response.js';
import type { Awaitable } from '../values/awaitable.js';
import type { JsonObject } from '../values/json.js';
import { text } from '../values/member.js';
import { CallbackFlight } from './callback-flight.js';
import type { Outcome } from './ending.js';
import { extraOf, type LoginExtra } from './login-extra.js';
import { ownParameters, REMEMBER, requestedParameters, RETURN_TO, type LoginParameters } from './login-parameters.js';
import { planLogin, type LoginPlan, type LoginSite } from './login-plan.js';
import { isResponse, readableParameters, readResponse, stateOf } from './login-response.js';
import type { LoginSettings } from './login.options.js';
import { relocated } from './relocation.js';
import { returnUrl } from './return-url.js';
import { mayRepeat, stateHash, type LoginTransaction } from './transaction-cookies.js';

/** Bytes of `Set-Cookie` above which a warning is logged: nginx accepts 4 KB of headers by default. */
const MAX_SET_COOKIE = 4000;

/** A login that has begun, with its cookies. */
export interface BegunLogin {
  /** The provider's URL for the browser; or the same login at the host where it has to begin. */
  readonly location: string;
  readonly setCookies: readonly string[];
}

/** The authorization response to a login that this browser has begun. */
export interface LoginResponse {
  /** The domain where it came. */
  readonly site: LoginSite;
  readonly parameters: Parameters;
  readonly cookies: Cookies;
  /** The name of the login's cookie. */
  readonly transaction: string;
  /** Hash of the login's `state`, for the session. */
  readonly login: string;
}

/** A completed login, and its return URL. */
export interface LoggedIn {
  readonly claims: JsonObject;
  readonly tokens: TokenResponse;
  readonly identity: SessionIdentity;
  readonly remember: true | undefined;
  readonly extra: LoginExtra;
  readonly returnTo: string;
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
  #planned: LoginPlan | undefined;

  constructor(
    private readonly client: OidcClient,
    private readonly server: Server,
    readonly operator: OperatorPort,
    private readonly settings: LoginSettings,
    private readonly sessions: SessionPort,
    private readonly sealer: Sealer,
    readonly responses: Responses,
    private readonly routes: Routes,
  ) {
    this.#flight = new CallbackFlight(client.clock.now);
    this.strategyName = client.name === undefined ? 'oidc' : `oidc-${client.name}`;
  }

  /** Checks the options. @throws {ConfigError} they allow no login */
  require(): void {
    this.#plan();
  }

  /** Makes Fastify parse form bodies for `form_post`, even with `bodyParser: false`. Call it before the first request. */
  acceptResponses(): void {
    if (this.settings.responseMode === 'form_post') {
      this.routes.acceptForms();
    }
  }

  /** Whether a request is a callback. Only its path counts, because anybody can write parameters. */
  isCallback(request: unknown): boolean {
    return this.#plan().callbackPaths.includes(requests.path(request));
  }

  /**
   * Begins a login.
   *
   * @param own the application's parameters for this login
   * @throws {AuthorizationResponseError} `CALLBACK_PATH_MISMATCH` the request is the response to a login of this browser
   */
  async start(request: unknown, own: () => unknown = () => ({})): Promise<BegunLogin> {
    await this.#refuseResponse(request);
    const { sites, callbackPaths } = this.#plan();
    const elsewhere = relocated(request, sites, this.operator);
    if (elsewhere !== undefined) {
      return { location: elsewhere, setCookies: [] };
    }
    const site = sites.at(request);
    const query = requests.query(request);
    const isFresh = this.client.metadata.default_max_age === 0;
    const requested = requestedParameters(query, this.settings.allow, isFresh);
    const parameters = { ...requested, ...ownParameters(await own()) };
    const wanted = singleParameter(query, RETURN_TO);
    const returnTo = this.#returnUrl(site, wanted, [...callbackPaths, requests.path(request)]);
    const remember = singleParameter(requests.query(request), REMEMBER) === 'true' || undefined;
    return this.#begin(request, site, parameters, { returnTo, remember, repeatWith: mayRepeat(parameters, returnTo) });
  }

  /**
   * Reads the authorization response. The login's transaction stays unused.
   *
   * @throws {AuthorizationResponseError} it belongs to no login of this browser
   */
  async receive(request: unknown): Promise<LoginResponse | AlreadyLoggedIn> {
    const site = this.#plan().sites.at(request);
    const parameters = await readResponse(request, this.settings.responseMode);
    const cookies = requests.cookies(request);
    const state = stateOf(parameters);
    const transaction = site.cookies.nameOf(cookies, state);
    return transaction === undefined
      ? this.#withoutTransaction(request, site, state)
      : { site, parameters, cookies, transaction, login: stateHash(state) };
  }

  /** Completes a login only once, even if the browser sends the same response twice: see {@link CallbackFlight}. */
  once({ site, cookies, transaction, parameters }: LoginResponse, complete: () => Promise<Outcome>): Promise<Outcome> {
    const brought = [site.redirect_uri, transaction, ...(cookies.get(transaction) ?? []), ...[...parameters].flat()];
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
    const { site, parameters } = response;
    if (site.cookies.isLate(transaction)) {
      return this.#afterTooLong(request, response, transaction);
    }
    const { authorization, returnTo, remember } = transaction;
    const { userinfo, trustedAudiences, nonce } = this.settings;
    const result = await this.client.callback(parameters, authorization, { userinfo, trustedAudiences, nonce });
    return {
      // Signed claims win over the others.
      claims: { ...result.userinfo, ...result.idToken.claims },
      tokens: result.tokens,
      remember,
      identity: { sub: result.idToken.sub, sid: text(result.idToken.claims['sid']) },
      extra: extraOf(parameters),
      returnTo: this.#returnUrl(site, returnTo, this.#plan().callbackPaths),
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
    const { keeper, callbackPaths } = this.#plan();
    const { session } = await keeper.find(request);
    if (session !== undefined) {
      return { location: this.#returnUrl(site, returnTo, callbackPaths), setCookies: [] };
    }
    // Who cancelled does not want to log in any more. Other errors may tell that the provider found it too long itself, as
    // Keycloak's temporarily_unavailable.
    if (repeatWith === undefined || parameters.get('error') === 'access_denied') {
      throw new AuthorizationResponseError('TRANSACTION_EXPIRED', 'The login took too long');
    }
    return this.#begin(request, site, repeatWith, { returnTo, remember, repeatWith: undefined });
  }

  async #begin(
    request: unknown,
    site: LoginSite,
    own: LoginParameters,
    kept: Omit<LoginTransaction, 'authorization'>,
  ): Promise<BegunLogin> {
    const { responseMode: response_mode } = this.settings;
    const { url, transaction: authorization } = await this.client.authorizationUrl({
      redirect_uri: site.redirect_uri,
      scope: this.#plan().scope,
      parameters: { ...this.settings.parameters, ...own },
      response_mode,
    });
    const setCookies = await site.transactions.begin(requests.cookies(request), { authorization, ...kept });
    return { location: url, setCookies };
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
  discard({ refresh_token }: TokenResponse): void {
    if (refresh_token !== undefined) {
      this.client.revoke(refresh_token, 'refresh_token').catch(() => undefined);
    }
  }

  /**
   * Refuses a response at another path than the callback's. To begin a login there would loop, because the provider sends
   * the browser back at once. Only a `state` of this browser counts: a stranger can put any other into a link.
   */
  async #refuseResponse(request: unknown): Promise<void> {
    const { sites, callbackPaths } = this.#plan();
    const site = sites.at(request);
    const cookies = requests.cookies(request);
    if (!site.cookies.hasAny(cookies)) {
      return;
    }
    const parameters = await readableParameters(request, this.settings.responseMode);
    if (isResponse(parameters) && site.cookies.nameOf(cookies, parameters.get('state') ?? '') !== undefined) {
      throw new AuthorizationResponseError(
        'CALLBACK_PATH_MISMATCH',
        'The response came to another path than the callback. Mend the route or the proxy, or set login.callbackPath.',
        { facts: { callback: callbackPaths, seen: requests.path(request) } },
      );
    }
  }

  /** Handles a callback without transaction. With a session it is a reload or the back button; else it is refused. */
  async #withoutTransaction(request: unknown, site: LoginSite, state: string): Promise<AlreadyLoggedIn> {
    const { session } = await this.#plan().keeper.find(request);
    if (session !== undefined) {
      const { startedBy } = session;
      const returnTo = startedBy?.login === stateHash(state) ? startedBy.returnTo : undefined;
      return { alreadyAt: this.#returnUrl(site, returnTo, this.#plan().callbackPaths) };
    }
    throw site.cookies.hasAny(requests.cookies(request))
      ? new AuthorizationResponseError('STATE_MISMATCH', 'The response answers no login of this browser')
      : new AuthorizationResponseError('NO_TRANSACTION', 'This browser has begun no login');
  }

  #returnUrl({ origin }: LoginSite, value: string | undefined, excluded: readonly string[]): string {
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
