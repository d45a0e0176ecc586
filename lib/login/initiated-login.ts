import { AuthorizationResponseError, SessionError } from '../errors/errors.js';
import { parseParameters } from '../nest/parameters.js';
import * as requests from '../nest/requests.js';
import { RETURN_TO, type ReadParameter } from './login-parameters.js';
import { asRouted } from './return-url.js';

/** Where the initiating site wants the browser to end. */
const TARGET_LINK_URI = 'target_link_uri';

/**
 * Logins that another site initiates, such as the provider's page of applications (OpenID Connect Core 1.0, section 4). It
 * sends the browser to the registered `initiate_login_uri`, by GET or by a form.
 */
export class InitiatedLogins {
  readonly #path: string | undefined;

  /**
   * @param path that of the registered URI, as this application sees it; undefined: none is registered
   * @param server knows the provider's names
   * @param inFrames whether the application is meant for frames of other sites (`session.cookie.sameSite` is `none`)
   */
  constructor(
    path: string | undefined,
    private readonly server: { isNamed(iss: string): boolean },
    private readonly inFrames: boolean,
  ) {
    this.#path = path === undefined ? undefined : asRouted(path);
  }

  /** Whether a request came to the registered URI. Only its path counts, because anybody can write parameters. */
  includes(request: unknown): boolean {
    return this.#path !== undefined && asRouted(requests.path(request)) === this.#path;
  }

  /**
   * Reads what the site asks for. Where no `iss` says that it is a site that asks, it is a link as to any other login.
   *
   * @throws {AuthorizationResponseError} `ISS_MISMATCH` the login is to be at a provider that is not ours; or the parameters
   *   can't be read
   * @throws {SessionError} `CROSS_SITE_REQUEST` nobody would see the login
   */
  async read(request: unknown): Promise<ReadParameter> {
    const parameters =
      requests.method(request) === 'POST' ? await requests.form(request) : parseParameters(requests.query(request));
    const iss = parameters.get('iss');
    if (iss !== undefined && !this.server.isNamed(iss)) {
      throw new AuthorizationResponseError('ISS_MISMATCH', 'The login is to be at another provider');
    }
    if (!this.#isSeen(request)) {
      throw new SessionError('CROSS_SITE_REQUEST', 'Another site would begin a login that nobody sees');
    }
    return (name) => (name === RETURN_TO ? parameters.get(TARGET_LINK_URI) : undefined) ?? parameters.get(name);
  }

  /**
   * Whether a person sees the login. Section 4 of the specification warns of sites that sign people in without their knowledge,
   * in a frame or as a picture (Fetch Metadata Request Headers, section 2.1).
   */
  #isSeen(request: unknown): boolean {
    const isNavigation = (requests.header(request, 'sec-fetch-mode') ?? 'navigate') === 'navigate';
    const isPage = (requests.header(request, 'sec-fetch-dest') ?? 'document') === 'document';
    return isNavigation && (isPage || this.inFrames);
  }
}
