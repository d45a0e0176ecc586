import * as requests from '../nest/requests.js';

/** RFC 9110, section 9.2.1. */
const SAFE_METHODS: readonly string[] = ['GET', 'HEAD', 'OPTIONS', 'TRACE'];

/** Whether another site would change something by a request (Fetch Metadata Request Headers, section 2.3). */
export function isCrossSiteChange(request: object): boolean {
  return (
    requests.header(request, 'sec-fetch-site') === 'cross-site' && !SAFE_METHODS.includes(requests.method(request))
  );
}
