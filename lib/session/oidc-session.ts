import type { OidcClient } from '../client/oidc-client.js';
import { StoreError } from '../errors/errors.js';
import { PRIVATE_ANSWER } from '../nest/answer.js';
import { refuse } from '../nest/refusal.js';
import type { Responses } from '../nest/responses.js';
import { chain, type Awaitable } from '../values/awaitable.js';
import type { SessionContent } from './session-content.js';
import { logoutUnavailable } from './session-refusal.js';
import type { SessionKeeper, SessionPort } from './session.port.js';

/**
 * The local session of the browser, as the login left it.
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
   * The session of this request; undefined when there is none, when it is over, or when anything about its cookies is
   * not as we wrote it. Await it: sessions in cookies are read at once, others may need a call to a store.
   */
  read(request: unknown): Awaitable<SessionContent | undefined> {
    return chain(this.#keeper.find(request), ({ session }) => session);
  }

  /**
   * Ends the session: the answer to this request makes the browser forget it, and what is kept about its access token, if
   * the session has one, is forgotten.
   *
   * @throws {OidcException} 503: the store that replicas share can't be reached, and they may still keep the token for its
   *   time there; the browser forgets the session all the same
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
   * back to the first registered `post_logout_redirect_uris`. Undefined when the provider has no such endpoint.
   *
   * @throws {OidcError} the provider's metadata can't be had
   */
  async endSessionUrl(request: unknown): Promise<string | undefined> {
    const session = await this.read(request);
    return this.#client.endSessionUrl({ id_token_hint: session?.tokens.id_token });
  }

  get #keeper(): SessionKeeper {
    return this.#sessions.keeper();
  }
}
