import { hash } from 'node:crypto';

import { PRIVATE_ANSWER, type ResponseHeader } from '../nest/answer.js';

/** Field of the page's form: the fragment as it came, so that the one parameter reader parses it. */
export const FRAGMENT = 'fragment';

/**
 * Posts the fragment to the callback and takes it out of the history. It runs before the page is loaded: so the answer to the
 * form stands in the history in place of this page.
 */
const SCRIPT = `
const [form] = document.forms;
form.elements.${FRAGMENT}.value = location.hash.slice(1);
history.replaceState(null, '', location.pathname + location.search);
form.submit();
`;

/**
 * The page at the callback for a response in the fragment, which the browser does not send (OAuth 2.0 Multiple Response Type
 * Encoding Practices, section 2.1). Nothing in it comes from the request. Anybody may open it, and post anything: a response is
 * good for the browser alone that has the transaction of its `state`.
 */
export const FRAGMENT_PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Sign in</title>
<form method="post"><input type="hidden" name="${FRAGMENT}"></form>
<noscript><p>The sign-in ends here with JavaScript only. Please switch it on and sign in again.</p></noscript>
<script>${SCRIPT}</script>
</html>
`;

/**
 * Headers of the page. Its own script may run, its form may go to this application, and no other site's frame may show it: our
 * own logs in silently. Browsers hold the answer to the form to `form-action` too: it must not send them to another site.
 */
export const FRAGMENT_PAGE_HEADERS: readonly ResponseHeader[] = [
  ...PRIVATE_ANSWER,
  [
    'Content-Security-Policy',
    [
      "default-src 'none'",
      `script-src 'sha256-${hash('sha256', SCRIPT, 'base64')}'`,
      "form-action 'self'",
      "base-uri 'none'",
      "frame-ancestors 'self'",
    ].join('; '),
  ],
];
