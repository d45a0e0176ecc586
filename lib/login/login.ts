import type { Server } from '../authorization-server/server.js';
import type { OidcClient } from '../client/oidc-client.js';
import { AuthorizationResponseError } from '../errors/errors.js';
import type { OperatorPort } from '../events/operator-events.js';
import { setCookieBytes, type Cookies } from '../nest/cookies.js';
import { singleParameter, parseParameters, type Parameters } from '../nest/parameters.js';
import * as requests from '../nest/requests.js';
import type { Responses } from '../nest/responses.js';
import type { Routes } from '../nest/routes.js';
import type { NewSession, SessionIdentity, SessionPort } from '../session/session.port.js';
import type { Sealer } from '../storage/sealer.js';
import type { TokenResponse } from '../tokens/token-response.js';
import type { Awaitable } from '../values/awaitable.js';
import type { JsonObject, JsonValue } from '../values/json.js';
import { text } from '../values/member.js';
import { CallbackFlight } from './callback-flight.js';
import { planLogin, type LoginPlan, type LoginSite } from './login-plan.js';
import { ownParameters, requestedParameters, RETURN_TO } from './login-parameters.js';
import type { LoginSettings } from './login.options.js';
import { relocated } from './relocation.js';
import { returnUrl } from './return-url.js';
import { stateHash, type LoginTransaction } from './transaction-cookies.js';

/** Query parameter of a login whose session shall outlive the browser: see `session.persistent`. */
const REMEMBER = 'remember';

/** Bytes of `Set-Cookie` above which a warning is logged: nginx accepts 4 KB of headers by default. */
const MAX_SET_COOKIE = 4000;

/** Each authorization response has one of these parameters (RFC 6749, section 4.1.2; JARM, section 2.3.1). */
const RESPONSE_PARAMETERS = ['code', 'error', 'response'] as const;

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
  readonly returnTo: string;
}

/** A callback that was used before, and its return URL. */
export interface AlreadyLoggedIn {
  readonly alreadyAt: string;
}

/** Outcome of an attempt, with its `Set-Cookie` lines. */
export type Outcome = { readonly setCookies: readonly string[] } & (
  { readonly location: string } | { readonly user: JsonValue; readonly returnTo: string } | { readonly error: unknown }
);

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
    const { scope, sites, callbackPaths } = this.#plan();
    const elsewhere = relocated(request, sites, this.operator);
    if (elsewhere !== undefined) {
      return { location: elsewhere, setCookies: [] };
    }
    const site = sites.at(request);
    const { redirect_uri } = site;
    const { responseMode: response_mode, allow } = this.settings;
    const query = requests.query(request);
    const isFresh = this.client.metadata.default_max_age === 0;
    const parameters = {
      ...this.settings.parameters,
      ...requestedParameters(query, allow, isFresh),
      ...ownParameters(await own()),
    };
    const { url, transaction } = await this.client.authorizationUrl({ redirect_uri, scope, parameters, response_mode });
    const wanted = singleParameter(query, RETURN_TO);
    const returnTo = this.#returnUrl(site, wanted, [...callbackPaths, requests.path(request)]);
    const remember = singleParameter(requests.query(request), REMEMBER) === 'true' || undefined;
    const begun: LoginTransaction = { authorization: transaction, returnTo, remember };
    const setCookies = site.transactions.begin(requests.cookies(request), begun);
    return { location: url, setCookies };
  }

  /**
   * Reads the authorization response. The login's transaction stays unused.
   *
   * @throws {AuthorizationResponseError} it belongs to no login of this browser
   */
  async receive(request: unknown): Promise<LoginResponse | AlreadyLoggedIn> {
    const site = this.#plan().sites.at(request);
    const parameters = await this.#response(request);
    const cookies = requests.cookies(request);
    const state = stateOf(parameters);
    const transaction = site.transactions.nameOf(cookies, state);
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
   * Ends a login. Its transaction is used up even if this fails: see {@link used}.
   *
   * @throws {OidcError} the response is not valid for the login
   */
  async finish({ site, parameters, cookies, transaction }: LoginResponse): Promise<LoggedIn> {
    const { authorization, returnTo, remember } = site.transactions.open(cookies, transaction);
    const { userinfo, trustedAudiences, nonce } = this.settings;
    const result = await this.client.callback(parameters, authorization, { userinfo, trustedAudiences, nonce });
    return {
      // Signed claims win over the others.
      claims: { ...result.userinfo, ...result.idToken.claims },
      tokens: result.tokens,
      remember,
      identity: { sub: result.idToken.sub, sid: text(result.idToken.claims['sid']) },
      returnTo: this.#returnUrl(site, returnTo, this.#plan().callbackPaths),
    };
  }

  /** The `Set-Cookie` line that clears a used transaction. */
  used({ site, transaction }: LoginResponse): string {
    return site.transactions.clear(transaction);
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

  /** Reads the response by the requested response mode only (OAuth 2.0 Form Post Response Mode). */
  #response(request: unknown): Parameters | Promise<Parameters> {
    const method = requests.method(request);
    if (method !== (this.settings.responseMode === 'form_post' ? 'POST' : 'GET')) {
      throw new AuthorizationResponseError('RESPONSE_MODE', 'The response came in another way than was asked for');
    }
    return this.#parameters(request);
  }

  #parameters(request: unknown): Parameters | Promise<Parameters> {
    return requests.method(request) === 'POST' && this.settings.responseMode === 'form_post'
      ? requests.form(request)
      : parseParameters(requests.query(request));
  }

  /**
   * Refuses a response at another path than the callback's. To begin a login there would loop, because the provider sends
   * the browser back at once. Only a `state` of this browser counts: a stranger can put any other into a link.
   */
  async #refuseResponse(request: unknown): Promise<void> {
    const { sites, callbackPaths } = this.#plan();
    const { transactions } = sites.at(request);
    const cookies = requests.cookies(request);
    if (!transactions.hasAny(cookies)) {
      return;
    }
    const parameters = await this.#readableParameters(request);
    const isResponse = RESPONSE_PARAMETERS.some((name) => parameters.has(name));
    if (isResponse && transactions.nameOf(cookies, parameters.get('state') ?? '') !== undefined) {
      throw new AuthorizationResponseError(
        'CALLBACK_PATH_MISMATCH',
        'The response came to another path than the callback. Mend the route or the proxy, or set login.callbackPath.',
        { facts: { callback: callbackPaths, seen: requests.path(request) } },
      );
    }
  }

  /** The parameters, or none if they can't be read: beginning a login needs none. */
  async #readableParameters(request: unknown): Promise<Parameters> {
    try {
      return await this.#parameters(request);
    } catch {
      return new Map();
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
    throw site.transactions.hasAny(requests.cookies(request))
      ? new AuthorizationResponseError('STATE_MISMATCH', 'The response answers no login of this browser')
      : new AuthorizationResponseError('NO_TRANSACTION', 'This browser has begun no login');
  }

  #returnUrl({ origin }: LoginSite, value: string | undefined, excluded: readonly string[]): string {
    return returnUrl(value, { origin, fallback: this.settings.defaultReturnTo, excluded });
  }

  #plan(): LoginPlan {
    if (this.#planned === undefined) {
      const plan = planLogin(
        this.client,
        this.server,
        this.operator,
        this.settings,
        this.sessions.keeper(),
        this.sealer,
        this.sessions.cookie,
      );
      this.sessions.alsoSet((request) => plan.sites.at(request).transactions.clearSurplus(requests.cookies(request)));
      this.#planned = plan;
    }
    return this.#planned;
  }
}

function stateOf(parameters: Parameters): string {
  const state = parameters.get('state');
  if (state === undefined) {
    throw parameters.size === 0
      ? new AuthorizationResponseError('MISSING_RESPONSE', 'The request carries no authorization response')
      : new AuthorizationResponseError('STATE_MISSING', 'The response has no state');
  }
  return state;
}
