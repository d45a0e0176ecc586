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

/**
 * Whether a browser says itself that it navigates, and that it does so for a person who is there. Robots say nothing, and who
 * fetches a page ahead (Fetch Metadata Request Headers, `Sec-Purpose`) may never show it.
 */
export function isStatedNavigation(request: object): boolean {
  return (
    requests.header(request, 'sec-fetch-mode') === 'navigate' &&
    requests.header(request, 'sec-purpose') === undefined &&
    requests.method(request) === 'GET'
  );
}
