/**
 * The origin of an absolute URL: scheme, host and port (RFC 6454, section 4). Cut out of the text, because a `URL` of each
 * call would cost more than the rest of it.
 */
export function originOf(url: string): string {
  const [origin = url] = /^[^:]+:\/\/[^/?]*/.exec(url) ?? [];
  return origin;
}

/**
 * A URL, or a reference to be resolved against a base; undefined where the text is neither. `URL.canParse` must not decide it:
 * once a caller runs often, it refuses hosts with letters such as `ü` in Node 20 and 22.
 */
export function parsedUrl(text: string, base?: string): URL | undefined {
  try {
    return new URL(text, base);
  } catch {
    return undefined;
  }
}

/** Whether a text is an absolute URI without a fragment, as resource indicators are (RFC 8707, section 2). */
export function isAbsoluteUri(text: string): boolean {
  return parsedUrl(text) !== undefined && !text.includes('#');
}

/** Whether a text is a URL of http or https. */
export function isWebUrl(text: string): boolean {
  return /^https?:$/.test(parsedUrl(text)?.protocol ?? '');
}

/** Whether what is sent to a URL is safe on its way: by TLS, or on this machine. */
export function isSafeUrl(url: URL | undefined): url is URL {
  return url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname));
}

/** A URL as a log may show it: without user information, query and fragment. */
export function locationOf(url: string): string | undefined {
  const parsed = parsedUrl(url);
  return parsed === undefined ? undefined : parsed.origin + parsed.pathname;
}

/** Whether a host is this machine: `localhost` and its subdomains, 127.0.0.0/8, ::1 (RFC 6761, section 6.3; RFC 5735). */
export function isLoopback(hostname: string): boolean {
  return /^(localhost|.+\.localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname);
}

/** Letters, digits and `-._~` between slashes: what no router reads as a pattern (RFC 3986, section 2.3). */
export const PLAIN_PATH = /^(?:\/[\w.~-]+)+$/;
