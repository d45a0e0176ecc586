import type { ResponseHeader } from '../nest/answer.js';
import type { SameSite } from '../nest/cookies.js';
import { isNavigation } from '../nest/navigation.js';
import * as requests from '../nest/requests.js';
import type { SilentLogins } from './silent-logins.js';

/** URL of a login that brings the browser back to a path; undefined: there is none. */
export type LoginUrl = (returnTo: string, prompt?: 'none') => string | undefined;

/** Where a browser is sent, and the `Set-Cookie` lines of that answer. */
interface Redirect {
  readonly location: string;
  readonly setCookies: readonly string[];
}

/** Where a browser without a session is sent: to the mounted login, and back to where it was. */
export class LoginRedirect {
  #login: LoginUrl = () => undefined;

  /**
   * @param isOn `session.redirectToLogin`
   * @param sameSite of the session's cookie
   */
  constructor(
    private readonly isOn = true,
    private readonly silentLogins: SilentLogins,
    private readonly sameSite: SameSite = 'lax',
  ) {}

  /** Tells where a login begins. */
  beginsAt(login: LoginUrl): void {
    this.#login = login;
  }

  /** URL of the mounted login; undefined: there is none. */
  loginUrl(returnTo: string): string | undefined {
    return this.#login(returnTo);
  }

  /** For a browser that navigates to a route that requires a session; undefined: the request gets 401. */
  toSignIn(request: object): Redirect | undefined {
    const isSent = this.isOn && isNavigation(request) && !this.#mayHoldBack(request);
    const location = isSent ? this.#login(target(request)) : undefined;
    return location === undefined ? undefined : { location, setCookies: [] };
  }

  /**
   * Headers of a 401 by which a browser asks again at once (HTML, `Refresh`), now sent by a page of ours. It has to where it may
   * hold the session back, as after each login: sent to the login instead, it would go round in circles.
   */
  toAskAgain(request: object): readonly ResponseHeader[] {
    return this.#mayHoldBack(request) ? [['Refresh', '0']] : [];
  }

  /** For a browser that navigates to a route that anybody may see: silently, and once; undefined: it sees the route. */
  toSignInSilently(request: object): Redirect | undefined {
    const location = this.silentLogins.isDue(request) ? this.#login(target(request), 'none') : undefined;
    return location === undefined ? undefined : { location, setCookies: this.silentLogins.tried(request) };
  }

  /** Whether a browser may have a session though it sends none, because another site sent it here. */
  #mayHoldBack(request: object): boolean {
    return (
      this.sameSite === 'strict' && isNavigation(request) && requests.header(request, 'sec-fetch-site') === 'cross-site'
    );
  }
}

function target(request: object): string {
  const query = requests.query(request);
  return requests.path(request) + (query === '' ? '' : `?${query}`);
}
