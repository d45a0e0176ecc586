import { parsedUrl } from '../../values/url.js';

/** More levels of percent-encoding are no path of a browser. */
const MOST_ENCODINGS = 3;

/** The end of the control characters, and DEL. */
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const CONTROL = /[\u0000-\u001f\u007f]/;

/**
 * The URL at the API for what stands below the route's path.
 *
 * @param to base URL of the API, without a slash at the end
 * @param path what follows the route's path, as it was written: `/orders/1`, or nothing
 * @param query without its question mark
 * @returns undefined: it would not stay below `to`, or some server might read it so
 */
export function targetOf(
  to: string,
  { path, query }: { readonly path: string; readonly query: string },
): URL | undefined {
  const written = to + path + (query === '' ? '' : `?${query}`);
  const target = staysBelow(path) ? parsedUrl(written) : undefined;
  return target !== undefined && isBelow(target, new URL(to)) ? target : undefined;
}

/**
 * The `Location` of the API's answer for the browser: what is below `to` becomes the route's path, else it names the API.
 *
 * @param mount the path of the route, as the browser asked for it
 */
export function locationFor(location: string, target: URL, to: string, mount: string): string {
  const url = parsedUrl(location, target.href);
  if (url === undefined) {
    return location;
  }
  const base = new URL(to);
  return isBelow(url, base)
    ? mount + url.pathname.slice(withoutSlash(base.pathname).length) + url.search + url.hash
    : url.href;
}

function isBelow(url: URL, base: URL): boolean {
  const path = withoutSlash(base.pathname);
  return url.origin === base.origin && (url.pathname === path || url.pathname.startsWith(`${path}/`));
}

function withoutSlash(path: string): string {
  return path.replace(/\/$/, '');
}

/** Where a segment of a path may end before its slash: at its parameters (RFC 3986, section 3.3), at a query, at a fragment. */
const ENDS = /[;?#]/;

/** Whether no server can find a way up in a path: however often it decodes, and whatever it takes for a slash. */
function staysBelow(path: string): boolean {
  if ((path !== '' && !/^\/(?!\/)/.test(path)) || !isEncoded(path)) {
    return false;
  }
  let decoded = path;
  for (let level = 0; level <= MOST_ENCODINGS; level += 1) {
    // Some servers cut parameters off a segment before they read it, and some read a decoded path as a URL once more.
    const segments = decoded.split(/[/\\]/).map((segment) => segment.split(ENDS, 1)[0]);
    if (decoded.includes('\\') || CONTROL.test(decoded) || segments.includes('.') || segments.includes('..')) {
      return false;
    }
    const next = decodedOnce(decoded);
    if (next === decoded) {
      return true;
    }
    decoded = next;
  }
  return false;
}

function isEncoded(path: string): boolean {
  try {
    return decodeURIComponent(path) !== undefined;
  } catch {
    return false;
  }
}

/**
 * Each code of ASCII is decoded by itself: only such characters lead up. A percent sign that was encoded once need not begin
 * another code, and must not hide the others.
 */
function decodedOnce(text: string): string {
  return text.replace(/%[0-7][\da-f]/gi, (code) => String.fromCharCode(Number.parseInt(code.slice(1), 16)));
}
