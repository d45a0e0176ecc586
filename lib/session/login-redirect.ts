import { isNavigation } from '../nest/navigation.js';
import * as requests from '../nest/requests.js';

/** URL of a login that brings the browser back to a path; undefined: there is none. */
export type LoginUrl = (returnTo: string) => string | undefined;

/** Where a browser without a session is sent: to the mounted login, and back to where it was. */
export class LoginRedirect {
  #login: LoginUrl = () => undefined;

  /** @param isOn `session.redirectToLogin` */
  constructor(private readonly isOn = true) {}

  /** Tells where a login begins. */
  beginsAt(login: LoginUrl): void {
    this.#login = login;
  }

  /** The URL for a browser that navigates; undefined: the request gets 401. */
  for(request: object): string | undefined {
    if (!this.isOn || !isNavigation(request)) {
      return undefined;
    }
    const query = requests.query(request);
    return this.#login(requests.path(request) + (query === '' ? '' : `?${query}`));
  }
}
