import type { OperatorPort } from '../events/operator-events.js';
import * as requests from '../nest/requests.js';
import type { Sites } from '../nest/sites.js';
import { returnUrl } from './return-url.js';

/** Query parameter of a login that was sent here from another host: it is not sent again. */
export const RELOCATED = 'relocated';

/** A redirect is a GET, whatever it answers. */
const METHODS: readonly string[] = ['GET', 'HEAD'];

/** Where a login may begin. */
export interface LoginOrigin {
  readonly origin: string;
  /** The prefix of the public path that a proxy cuts off; undefined where nobody knows what it does to paths. */
  readonly cutPrefix: string | undefined;
}

/**
 * Relocation of a login that begins at a host which no redirect URI has, such as `localhost` for `127.0.0.1`. Its cookies
 * would not be found when the provider sends the browser back. The target is an origin of ours, whatever the request says.
 *
 * A browser is sent once. If the host is wrong after that as well, a proxy writes another one into each request: the login
 * goes on as at the right host. Anybody can write the mark into a link, and gains a login that fails.
 *
 * @returns the same URL at the right host; undefined where the login is to begin
 */
export function relocated(request: unknown, sites: Sites<LoginOrigin>, operator: OperatorPort): string | undefined {
  const seen = requests.host(request);
  if (seen === '' || sites.has(request)) {
    return undefined;
  }
  const { origin, cutPrefix } = sites.at(request);
  const query = requests.query(request);
  if (new URLSearchParams(query).has(RELOCATED)) {
    operator.report({ kind: 'host-rewritten', seen, origin });
    return undefined;
  }
  if (cutPrefix === undefined || !METHODS.includes(requests.method(request))) {
    return undefined;
  }
  const path = cutPrefix + requests.path(request);
  const mark = `${RELOCATED}=1`;
  const target = ownTarget(path, [query, mark], origin) || ownTarget(path, [mark], origin);
  if (target === '') {
    return undefined;
  }
  operator.report({ kind: 'login-relocated', seen, origin });
  return origin + target;
}

/** Path and query, as for every redirect of ours; empty where they could lead a browser away. */
function ownTarget(path: string, query: readonly string[], origin: string): string {
  const target = `${path}?${query.filter((part) => part !== '').join('&')}`;
  return returnUrl(target, { origin, fallback: '', excluded: [] });
}

/** What a proxy cuts off the registered path; undefined where that path does not end as the application sees it. */
export function cutPrefixOf(registeredPath: string, callbackPath = registeredPath): string | undefined {
  return registeredPath.endsWith(callbackPath)
    ? registeredPath.slice(0, registeredPath.length - callbackPath.length)
    : undefined;
}
