import type { ResponseHeader } from '../nest/answer.js';
import { PRIVATE_ANSWER } from '../nest/answer.js';

/**
 * Headers of the page. Nothing but its own form may act in it, and no frame may show it: a click on it would sign out.
 * `form-action` is left out, because browsers would hold the provider's redirects to it as well.
 */
export const LOGOUT_PAGE_HEADERS: readonly ResponseHeader[] = [
  ...PRIVATE_ANSWER,
  ['Content-Type', 'text/html; charset=utf-8'],
  ['Content-Security-Policy', "default-src 'none'; base-uri 'none'; frame-ancestors 'none'"],
];

/** The page that asks before a sign-out: a link on another site can open it, and can't press its button. */
export const LOGOUT_PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Sign out</title>
<form method="post"><p>Do you want to sign out?</p><button>Sign out</button></form>
</html>
`;
