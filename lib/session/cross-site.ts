import * as requests from '../nest/requests.js';

/** RFC 9110, section 9.2.1. */
const SAFE_METHODS: readonly string[] = ['GET', 'HEAD', 'OPTIONS', 'TRACE'];

/** Whether another site would change something by a request (Fetch Metadata Request Headers, section 2.3). */
export function isCrossSiteChange(request: object): boolean {
  return (
    requests.header(request, 'sec-fetch-site') === 'cross-site' && !SAFE_METHODS.includes(requests.method(request))
  );
}

/**
 * Whether a page that is not the application's own opened a socket. What comes over it later has no headers, so that any such
 * socket counts, whatever its method. Nor does anything keep a page of a neighbour in the same site from reading what comes, as
 * it is kept from the answers to its requests. Some browsers send no `Sec-Fetch-Site` with it, but all of them send `Origin`
 * (RFC 6455, section 10.2).
 */
export function isForeignSocket(upgrade: object, sessions: { isOwnOrigin(origin: string): boolean }): boolean {
  const site = requests.header(upgrade, 'sec-fetch-site');
  const origin = requests.header(upgrade, 'origin');
  return site === 'cross-site' || (site !== 'same-origin' && origin !== undefined && !sessions.isOwnOrigin(origin));
}
