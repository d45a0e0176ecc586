import * as requests from './requests.js';

const ACCEPTS_HTML = /(?:^|,)\s*text\/html\s*(?:[;,]|$)/i;

/**
 * Whether a browser navigates by a request, so that a person sees the answer: it says so (Fetch Metadata Request Headers,
 * section 2.2), or it is a browser that has no such header and wants HTML. All others are calls of scripts.
 */
export function isNavigation(request: object): boolean {
  const mode = requests.header(request, 'sec-fetch-mode');
  const isPage = mode === undefined ? ACCEPTS_HTML.test(requests.header(request, 'accept') ?? '') : mode === 'navigate';
  return isPage && requests.method(request) === 'GET';
}
