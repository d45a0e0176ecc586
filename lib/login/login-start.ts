import { AuthorizationResponseError } from '../errors/errors.js';
import * as requests from '../nest/requests.js';
import type { Redirect } from './ending.js';
import {
  linkReader,
  ownParameters,
  REMEMBER,
  requestedParameters,
  RETURN_TO,
  type LoginParameters,
} from './login-parameters.js';
import type { LoginParts, LoginPlan, LoginSite } from './login-plan.js';
import { readableState } from './login-response.js';
import { mayRepeat, type LoginTransaction } from './login-transaction.js';
import { relocated } from './relocation.js';
import { returnUrl } from './return-url.js';
import { isPassedOver } from './silent-login.js';

/** What a login keeps until its response. */
type Kept = Omit<LoginTransaction, 'authorization'>;

/** The start of a login: the authorization request, and the transaction that waits for the response. */
export class LoginStart {
  constructor(
    private readonly parts: Pick<LoginParts, 'client' | 'server' | 'operator' | 'settings' | 'sessions'>,
    private readonly plan: () => LoginPlan,
  ) {}

  /**
   * Begins a login.
   *
   * @param own the application's parameters for this login
   * @returns the way to the provider; or to the same login at the host where it has to begin
   * @throws {AuthorizationResponseError} `CALLBACK_PATH_MISMATCH` the request is the response to a login of this browser
   */
  async start(request: unknown, own: () => unknown = () => ({})): Promise<Redirect> {
    const { operator, sessions } = this.parts;
    const { sites, initiated } = this.plan();
    if (!initiated.includes(request)) {
      await this.#refuseResponse(request);
    }
    const elsewhere = relocated(request, sites, operator);
    if (elsewhere !== undefined) {
      return { kind: 'redirect', location: elsewhere, setCookies: [] };
    }
    const site = sites.at(request);
    const { parameters, ...kept } = await this.#asked(request, site, own);
    try {
      return await this.begin(request, site, parameters, kept);
    } catch (error) {
      // A browser that keeps no cookies would come back at once, and so for ever.
      if (sessions.silentLogins.wasTried(request) && isPassedOver(kept, error, operator)) {
        return { kind: 'redirect', location: kept.returnTo, setCookies: [] };
      }
      throw error;
    }
  }

  /**
   * Begins a login at the provider.
   *
   * @param own parameters of this login, beside the configured ones
   * @param kept what the transaction keeps until the response
   */
  async begin(request: unknown, site: LoginSite, own: LoginParameters, kept: Kept): Promise<Redirect> {
    const { client, settings } = this.parts;
    const { scope, requested } = this.plan();
    const { url, transaction: authorization } = await client.authorizationUrl({
      redirect_uri: site.redirect_uri,
      scope,
      parameters: { ...settings.parameters, ...own },
      ...requested,
    });
    const setCookies = await site.transactions.begin(requests.cookies(request), { authorization, ...kept });
    return { kind: 'redirect', location: url, setCookies };
  }

  /** What a request for a login asks for, as far as it may. */
  async #asked(
    request: unknown,
    { origin }: LoginSite,
    own: () => unknown,
  ): Promise<Kept & { readonly parameters: LoginParameters }> {
    const { client, settings, sessions } = this.parts;
    const { callbackPaths, initiated, delivery } = this.plan();
    const isInitiated = initiated.includes(request);
    const read = isInitiated ? await initiated.read(request) : linkReader(request);
    const requested = requestedParameters(read, {
      allow: settings.allow,
      isInitiated,
      maySilently: sessions.silentLogins.areOn,
      isFresh: client.metadata.default_max_age === 0,
    });
    const parameters = { ...requested, ...ownParameters(await own()) };
    const returnTo = returnUrl(read(RETURN_TO), {
      origin,
      fallback: settings.defaultReturnTo,
      excluded: [...callbackPaths, requests.path(request)],
    });
    const remember = read(REMEMBER) === 'true' || undefined;
    // One that the application always wants silent would come back to a route that requires a session, and loop.
    const silent = (requested['prompt'] === 'none' && parameters['prompt'] === 'none') || undefined;
    // The answer to the fragment page's form can send the browser to no other site.
    const repeatWith = silent || delivery === 'fragment' ? undefined : mayRepeat(parameters, returnTo);
    return { parameters, returnTo, remember, silent, repeatWith };
  }

  /**
   * Refuses a response at another path than the callback's. To begin a login there would loop, because the provider sends
   * the browser back at once. Only a `state` of this browser counts: a stranger can put any other into a link.
   */
  async #refuseResponse(request: unknown): Promise<void> {
    const { sites, callbackPaths, ...expected } = this.plan();
    const site = sites.at(request);
    const cookies = requests.cookies(request);
    if (!site.cookies.hasAny(cookies)) {
      return;
    }
    const state = await readableState(request, this.parts.server, expected);
    if (state !== undefined && site.cookies.nameOf(cookies, state) !== undefined) {
      throw new AuthorizationResponseError(
        'CALLBACK_PATH_MISMATCH',
        'The response came to another path than the callback. Mend the route or the proxy, or set login.callbackPath.',
        { facts: { callback: callbackPaths, seen: requests.path(request) } },
      );
    }
  }
}
