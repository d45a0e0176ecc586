/** Where a browser may be sent after a login. */
export interface ReturnRule {
  /** The application's own origin. */
  readonly origin: string;
  /** Where to go instead; a path of that origin. */
  readonly fallback: string;
  /** Paths of the login itself: to return there would go round in circles. */
  readonly excluded: readonly string[];
}

const MAX_LENGTH = 2048;

/** Browsers read a backslash as a slash and skip tabs and line breaks; a server may read what is encoded. */
// oxlint-disable-next-line no-control-regex -- to refuse them is the point
const TRICKS = /[\\\u0000-\u001f\u007f]|%(0|1|7f)|%(?![\da-f]{2})/i;

/** A path, or an absolute URL that names its host: `https:evil.test` is something else to every parser. */
const FORM = /^(\/(?!\/)|https?:\/\/(?!\/))/i;

/** A sign-out right after the sign-in is nobody's wish. */
const LOGOUT = /\/logout$/;

/**
 * The one function between a value that a stranger may have written and a redirect of ours.
 *
 * @param value where the browser wants to go: a path, or an absolute URL of our own origin
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

/** What a browser makes of the value, if it stays with us; dot segments may still make two slashes of one. */
function ownPath(value: string, origin: string): string | undefined {
  if (!URL.canParse(value, origin)) {
    return undefined;
  }
  const url = new URL(value, origin);
  const isOwn = url.origin === origin && url.username === '' && url.password === '';
  return isOwn ? url.pathname + url.search + url.hash : undefined;
}

/** As loosely as a router may read a path. */
function asRouted(path: string): string {
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
