import type { IncomingMessage } from 'node:http';

/**
 * Whether a request names the host of the issuer. A page of a stranger whose name leads to this machine (DNS rebinding)
 * sends its own.
 */
export function isForHost({ headers }: IncomingMessage, { host }: URL): boolean {
  return headers.host?.toLowerCase() === host;
}

/**
 * Whether a form was sent by a page of the provider itself. Browsers say from where a form comes, and no page can choose
 * what they say (Fetch, section 3.2; Fetch Metadata Request Headers, section 2.3).
 */
export function isOwnForm({ headers }: IncomingMessage, { origin }: URL): boolean {
  return headers.origin === origin && (headers['sec-fetch-site'] ?? 'same-origin') === 'same-origin';
}
