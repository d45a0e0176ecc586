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

  /** @param isOn `session.redirectToLogin` */
  constructor(
    private readonly isOn = true,
    private readonly silentLogins: SilentLogins,
  ) {}

  /** Tells where a login begins. */
  beginsAt(login: LoginUrl): void {
    this.#login = login;
  }

  /** For a browser that navigates to a route that requires a session; undefined: the request gets 401. */
  toSignIn(request: object): Redirect | undefined {
    const location = this.isOn && isNavigation(request) ? this.#login(target(request)) : undefined;
    return location === undefined ? undefined : { location, setCookies: [] };
  }

  /** For a browser that navigates to a route that anybody may see: silently, and once; undefined: it sees the route. */
  toSignInSilently(request: object): Redirect | undefined {
    const location = this.silentLogins.isDue(request) ? this.#login(target(request), 'none') : undefined;
    return location === undefined ? undefined : { location, setCookies: this.silentLogins.tried(request) };
  }
}

function target(request: object): string {
  const query = requests.query(request);
  return requests.path(request) + (query === '' ? '' : `?${query}`);
}
