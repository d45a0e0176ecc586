import { parsedUrl } from '../values/url.js';

/** Rule for return URLs: the allowed targets of the redirect after a login. */
export interface ReturnRule {
  /** The application's own origin. */
  readonly origin: string;
  /** The return URL for a refused value; a path of that origin. */
  readonly fallback: string;
  /** Paths of the login itself. A return to one of them would loop. */
  readonly excluded: readonly string[];
}

const MAX_LENGTH = 2048;

/** Forbidden characters. Browsers read a backslash as a slash and skip tabs and line breaks; servers may decode the rest. */
// oxlint-disable-next-line no-control-regex -- to refuse them is the point
const TRICKS = /[\\\u0000-\u001f\u007f]|%(0|1|7f)|%(?![\da-f]{2})/i;

/** A path, or an absolute URL with a host. Parsers disagree about `https:evil.test`. */
const FORM = /^(\/(?!\/)|https?:\/\/(?!\/))/i;

/** Paths that would log the user out right after the login. */
const LOGOUT = /\/logout$/;

/**
 * The safe return URL: the only way from a stranger's value to a redirect of ours (open redirects: RFC 9700, section 4.11).
 *
 * @param value the requested return URL: a path, or an absolute URL of our own origin
 * @returns a path of our own origin, as printable ASCII, never longer than 2 KB and never read as another host by any
 *   browser; the fallback for everything else
 */
export function returnUrl(value: string | undefined, { origin, fallback, excluded }: ReturnRule): string {
  if (value === undefined || value.length > MAX_LENGTH || !FORM.test(value) || TRICKS.test(value)) {
    return fallback;
  }
  const path = ownPath(value, origin);
  if (path === undefined || path.length > MAX_LENGTH || !FORM.test(path) || ownPath(path, origin) !== path) {
    return fallback;
  }
  const routed = asRouted(path);
  return LOGOUT.test(routed) || excluded.some((own) => asRouted(own) === routed) ? fallback : path;
}

/** The path that a browser would go to, if it is of our origin. Dot segments may still leave two slashes in front. */
function ownPath(value: string, origin: string): string | undefined {
  const url = parsedUrl(value, origin);
  const isOwn = url?.origin === origin && url.username === '' && url.password === '';
  return isOwn ? url.pathname + url.search + url.hash : undefined;
}

/** A path as the most lenient router reads it. */
export function asRouted(path: string): string {
  const [bare = ''] = path.split(/[?#]/, 1);
  return decoded(bare).toLowerCase().replace(/\/+/g, '/').replace(/\/$/, '');
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
