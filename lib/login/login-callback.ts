import { readResponse } from '../authorization/authorization-response.js';
import { AuthorizationResponseError, SessionError, StoreError } from '../errors/errors.js';
import { audit, auditFailure } from '../events/audit.js';
import { setCookieBytes, type Cookies } from '../nest/cookies.js';
import type { Parameters } from '../nest/parameters.js';
import * as requests from '../nest/requests.js';
import type { NewSession, SessionIdentity } from '../session/session.port.js';
import type { LoginTokens } from '../tokens/login-tokens.js';
import type { JsonObject, JsonValue } from '../values/json.js';
import { text } from '../values/member.js';
import { CallbackFlight } from './callback-flight.js';
import type { Outcome, Redirect } from './ending.js';
import { extraOf, type LoginExtra } from './login-extra.js';
import type { LoginParts, LoginPlan, LoginSite } from './login-plan.js';
import { isForFragmentPage, receivedParameters, sessionStateOf, stateOf } from './login-response.js';
import type { LoginStart } from './login-start.js';
import { stateHash, type LoginTransaction } from './login-transaction.js';
import { returnUrl } from './return-url.js';
import { isPassedOver, needsPerson } from './silent-login.js';

/** Bytes of `Set-Cookie` above which a warning is logged: nginx accepts 4 KB of headers by default. */
const MAX_SET_COOKIE = 4000;

/** What becomes of who has logged in. */
export interface Admission {
  /** Whether a local session starts. */
  readonly startsSession: boolean;
  /** Makes the application's user: `OidcStrategy.validate`. */
  readonly validate: (claims: JsonObject, tokens: LoginTokens, extra: LoginExtra) => unknown;
}

/** The authorization response to a login that this browser has begun. */
interface LoginResponse {
  /** The domain where it came. */
  readonly site: LoginSite;
  /** The parameters as they came. */
  readonly sent: Parameters;
  /** The same, or those in their JWT (JARM). Not verified. */
  readonly parameters: Parameters;
  readonly state: string;
  readonly cookies: Cookies;
  /** The name of the login's cookie. */
  readonly cookie: string;
}

/** A completed login. */
interface LoggedIn {
  readonly claims: JsonObject;
  readonly extra: LoginExtra;
  readonly returnTo: string;
  /** The session that it starts, without the application's user. */
  readonly session: Omit<NewSession, 'user'>;
}

/** The end of a login: the authorization response, the tokens, the application's user and the session. */
export class LoginCallback {
  readonly #flight: CallbackFlight<Outcome>;
  #hasReportedSize = false;

  constructor(
    private readonly parts: Pick<LoginParts, 'client' | 'server' | 'operator' | 'settings'>,
    private readonly plan: () => LoginPlan,
    private readonly loginStart: LoginStart,
  ) {
    this.#flight = new CallbackFlight(parts.client.clock.now);
  }

  /**
   * Ends the login that a request answers: once, even if the browser sends the same response twice (see {@link CallbackFlight}).
   *
   * @throws {AuthorizationResponseError} it answers no login of this browser
   */
  async end(request: unknown, admission: Admission): Promise<Outcome> {
    const { sites, requested, delivery } = this.plan();
    if (isForFragmentPage(request, delivery)) {
      return { kind: 'page', setCookies: [] };
    }
    const site = sites.at(request);
    const sent = await receivedParameters(request, delivery);
    const parameters = await readResponse(this.parts.server, sent, requested.response_mode);
    const cookies = requests.cookies(request);
    const state = stateOf(parameters);
    const cookie = site.cookies.nameOf(cookies, state);
    if (cookie === undefined) {
      return this.#withoutTransaction(request, site, state);
    }
    const response = { site, sent, parameters, state, cookies, cookie };
    const brought = [site.redirect_uri, cookie, ...(cookies.get(cookie) ?? []), ...[...sent].flat()];
    return this.#flight.join(brought, () => this.#complete(request, response, admission));
  }

  /** Handles a callback without transaction. With a session it is a reload or the back button; else it is refused. */
  async #withoutTransaction(request: unknown, site: LoginSite, state: string): Promise<Redirect> {
    const { session } = await this.plan().keeper.find(request);
    if (session !== undefined) {
      const { startedBy } = session;
      const returnTo = startedBy?.login === stateHash(state) ? startedBy.returnTo : undefined;
      return { kind: 'redirect', location: this.#returnUrl(site, returnTo), setCookies: [] };
    }
    throw site.cookies.hasAny(requests.cookies(request))
      ? new AuthorizationResponseError('STATE_MISMATCH', 'The response answers no login of this browser')
      : new AuthorizationResponseError('NO_TRANSACTION', 'This browser has begun no login');
  }

  /** Completes a login. Never rejects, because its transaction is used up even after an error. */
  async #complete(request: unknown, response: LoginResponse, admission: Admission): Promise<Outcome> {
    const { client } = this.parts;
    const { site, cookies, cookie } = response;
    const used = site.cookies.clear(cookie);
    let transaction: LoginTransaction | undefined;
    let identity: SessionIdentity | undefined;
    try {
      transaction = await site.transactions.open(cookies, cookie);
      if (site.cookies.isLate(transaction)) {
        const again = await this.#afterTooLong(request, response, transaction);
        return { ...again, setCookies: [used, ...again.setCookies] };
      }
      const loggedIn = await this.#redeem(response, transaction);
      identity = loggedIn.session.identity;
      const { user, setCookies } = await this.#admit(request, loggedIn, admission);
      this.#reportSize([used, ...setCookies]);
      audit('login', client, identity);
      return { kind: 'user', user, returnTo: loggedIn.returnTo, setCookies: [used, ...setCookies] };
    } catch (error) {
      // A store that could not give the transaction out still has it.
      const isUnused = transaction === undefined && error instanceof StoreError;
      const setCookies = isUnused ? [] : [used];
      const location = transaction && this.#passOver(site, transaction, error);
      if (location === undefined || !needsPerson(error)) {
        auditFailure('login', client, error, identity);
      }
      return location === undefined ? { kind: 'error', error, setCookies } : { kind: 'redirect', location, setCookies };
    }
  }

  /**
   * A login that took too long begins again, once: with the same return URL and parameters, and at a provider that knows the
   * person by now. Who is signed in already goes where the login wanted to go.
   */
  async #afterTooLong(
    request: unknown,
    { site, parameters }: LoginResponse,
    { returnTo, remember, repeatWith }: LoginTransaction,
  ): Promise<Redirect> {
    const { session } = await this.plan().keeper.find(request);
    if (session !== undefined) {
      return { kind: 'redirect', location: this.#returnUrl(site, returnTo), setCookies: [] };
    }
    // Who cancelled does not want to log in any more. Other errors may tell that the provider found it too long itself, as
    // Keycloak's temporarily_unavailable.
    if (repeatWith === undefined || parameters.get('error') === 'access_denied') {
      throw new AuthorizationResponseError('TRANSACTION_EXPIRED', 'The login took too long');
    }
    return this.loginStart.begin(request, site, repeatWith, { returnTo, remember, repeatWith: undefined });
  }

  /** Redeems the response for tokens. @throws {OidcError} it is not valid for the login */
  async #redeem(
    { site, sent, parameters, state }: LoginResponse,
    { authorization, returnTo: wanted, remember }: LoginTransaction,
  ): Promise<LoggedIn> {
    const { client, settings } = this.parts;
    const { userinfo, trustedAudiences, nonce } = settings;
    const result = await client.callback(sent, authorization, { userinfo, trustedAudiences, nonce });
    const { sub, claims } = result.idToken;
    const returnTo = this.#returnUrl(site, wanted);
    return {
      // Signed claims win over the others.
      claims: { ...result.userinfo, ...claims },
      extra: extraOf(parameters),
      returnTo,
      session: {
        tokens: result.tokens,
        startedBy: { login: stateHash(state), returnTo },
        identity: { sub, sid: text(claims['sid']), session_state: sessionStateOf(parameters) },
        isPersistent: remember,
      },
    };
  }

  /** Has the application accept who logged in, and starts their session. */
  async #admit(
    request: unknown,
    { claims, extra, session }: LoggedIn,
    { validate, startsSession }: Admission,
  ): Promise<{ readonly user: JsonValue; readonly setCookies: readonly string[] }> {
    try {
      const user = asJson(await validate(claims, session.tokens, extra));
      if (!user) {
        throw new SessionError('USER_REFUSED', 'The application does not accept who logged in');
      }
      return { user, setCookies: startsSession ? await this.plan().keeper.start(request, { user, ...session }) : [] };
    } catch (error) {
      this.#discard(session.tokens);
      throw error;
    }
  }

  /** Revokes the refresh token of a login that was refused, in the background. */
  #discard({ refresh_token }: LoginTokens): void {
    if (refresh_token !== undefined) {
      this.parts.client.revoke(refresh_token, 'refresh_token').catch(() => undefined);
    }
  }

  /** Where the browser goes after a silent login that failed; undefined: the login is refused. */
  #passOver(site: LoginSite, transaction: LoginTransaction, error: unknown): string | undefined {
    const isPassed = isPassedOver(transaction, error, this.parts.operator);
    return isPassed ? this.#returnUrl(site, transaction.returnTo) : undefined;
  }

  #returnUrl({ origin }: LoginSite, value: string | undefined): string {
    const { callbackPaths: excluded } = this.plan();
    return returnUrl(value, { origin, fallback: this.parts.settings.defaultReturnTo, excluded });
  }

  /** Reports once that a login's cookies may be too large for a proxy. */
  #reportSize(setCookies: readonly string[]): void {
    const bytes = setCookieBytes(setCookies);
    if (bytes > MAX_SET_COOKIE && !this.#hasReportedSize) {
      this.#hasReportedSize = true;
      const cookies = setCookies.map((line) => `${line.split('=', 1)[0]} ${line.length}`);
      this.parts.operator.report({ kind: 'large-cookies', bytes, cookies });
    }
  }
}

/** The user as JSON, as in every later request. */
function asJson(user: unknown): JsonValue | undefined {
  const json = user ? stringify(user) : undefined;
  return json === undefined ? undefined : JSON.parse(json);
}

function stringify(user: unknown): string {
  const json = JSON.stringify(user);
  if (json === undefined) {
    throw new TypeError('OidcStrategy.validate returned what JSON can not hold');
  }
  return json;
}
