import type { EndSessionOptions } from '../authorization/end-session.js';
import type { OidcClient } from '../client/oidc-client.js';
import { StoreError } from '../errors/errors.js';
import { PRIVATE_ANSWER } from '../nest/answer.js';
import { refuse } from '../nest/refusal.js';
import type { Responses } from '../nest/responses.js';
import { Sites } from '../nest/sites.js';
import { chain, type Awaitable } from '../values/awaitable.js';
import type { SessionContent } from './session-content.js';
import { logoutUnavailable } from './session-refusal.js';
import type { SessionKeeper, SessionPort } from './session.port.js';

/**
 * The browser's local session: reads it, ends it, and makes the URL for logout at the provider.
 *
 * ```ts
 * @Post('logout')
 * async logout(@Req() request: object, @Res({ passthrough: true }) response: object) {
 *   const { user } = (await this.session.read(request)) ?? {};
 *   const url = await this.session.endSessionUrl(request);
 *   await this.session.end(request, response);
 *   return { user, url: url ?? '/' };
 * }
 * ```
 */
export class OidcSession {
  readonly #sessions: Pick<SessionPort, 'keeper'>;
  readonly #client: OidcClient;
  readonly #responses: Responses;

  constructor(sessions: Pick<SessionPort, 'keeper'>, client: OidcClient, responses: Responses) {
    this.#sessions = sessions;
    this.#client = client;
    this.#responses = responses;
  }

  /**
   * The session of this request; undefined if there is none, or if it has ended or was tampered with. Await it: a session
   * in cookies is read at once, others may need a call to a store.
   */
  read(request: unknown): Awaitable<SessionContent | undefined> {
    return chain(this.#keeper.find(request), ({ session }) => session);
  }

  /**
   * Ends the session: clears its cookies, and evicts its access token, if it has one, from the token caches.
   *
   * @throws {OidcException} 503: the shared store can't be reached, so replicas may have the token in their cache until it
   *   expires there. The cookies are cleared all the same
   */
  async end(request: unknown, response: unknown): Promise<void> {
    const token = (await this.read(request))?.tokens.access_token;
    const setCookies = await this.#keeper.end(request);
    this.#responses.deliver(response, [...PRIVATE_ANSWER, ['Set-Cookie', setCookies]]);
    try {
      await (token && this.#client.forget(token));
    } catch (error) {
      if (!(error instanceof StoreError)) {
        throw error;
      }
      throw refuse(logoutUnavailable(error), { kind: 'http', response }, this.#responses);
    }
  }

  /**
   * Where to send the browser so that the provider ends its session too (OpenID Connect RP-Initiated Logout 1.0),
   * back to the first registered `post_logout_redirect_uris` of this request's domain, else to the first of all. Undefined when
   * the provider has no such endpoint.
   *
   * @param options its `state` comes back with the browser
   * @throws {OidcError} the provider's metadata can't be loaded
   */
  async endSessionUrl(request: unknown, options: Pick<EndSessionOptions, 'state'> = {}): Promise<string | undefined> {
    const session = await this.read(request);
    const { redirect_uris, post_logout_redirect_uris = [] } = this.#client.metadata;
    const { origin } = Sites.of(redirect_uris, this.#client.name).at(request);
    return this.#client.endSessionUrl({
      ...options,
      id_token_hint: session?.tokens.id_token,
      post_logout_redirect_uri: post_logout_redirect_uris.find((uri) => new URL(uri).origin === origin),
    });
  }

  get #keeper(): SessionKeeper {
    return this.#sessions.keeper();
  }
}
