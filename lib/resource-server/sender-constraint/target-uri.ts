/** An http URI without userinfo, query and fragment: scheme, host, port and path (RFC 3986, section 3; RFC 9110, section 4.2). */
const TARGET = /^(https?):\/\/(\[[\da-f:.]+\]|[\w.~%-]+)(?::(\d*))?(\/[!-~]*)?$/i;

const DEFAULT_PORTS: Readonly<Record<string, string>> = { http: '80', https: '443' };

/** Unreserved characters (RFC 3986, section 2.3). */
const UNRESERVED = /[\w.~-]/;

/**
 * Normalizes a target URI: removes query and fragment, then applies syntax-based and scheme-based normalization (RFC 3986,
 * sections 6.2.2 and 6.2.3). Nothing else is made equal: `%2F` is not `/`, a second slash counts, and `\` is no slash,
 * though it is one for a browser. `dpop-proof.ts` compares `htu` with it.
 *
 * @returns undefined for anything but an http or https URI without userinfo
 */
export function normalizedTargetUri(uri: string): string | undefined {
  const [target = ''] = uri.split(/[?#]/, 1);
  const [, scheme, host, port, path] = TARGET.exec(target) ?? [];
  if (scheme === undefined || host === undefined) {
    return undefined;
  }
  const lowerScheme = scheme.toLowerCase();
  const lowerHost = normalizePercents(host).toLowerCase();
  const normalizedPath = removeDotSegments(normalizePercents(path ?? '/'));
  // No host that is reached by HTTP has other characters, and a percent sign begins an octet.
  if (lowerHost.includes('%') || /%(?![\dA-F]{2})/.test(normalizedPath)) {
    return undefined;
  }
  const suffix = port === undefined || port === '' || port === DEFAULT_PORTS[lowerScheme] ? '' : `:${port}`;
  return `${lowerScheme}://${lowerHost}${suffix}${normalizedPath}`;
}

/** Case and percent-encoding normalization (RFC 3986, sections 6.2.2.1 and 6.2.2.2). */
function normalizePercents(text: string): string {
  return text.replace(/%[\da-f]{2}/gi, (encoded) => {
    const character = String.fromCharCode(Number.parseInt(encoded.slice(1), 16));
    return UNRESERVED.test(character) ? character : encoded.toUpperCase();
  });
}

/** Removes `.` and `..` from a path that begins with a slash (RFC 3986, section 5.2.4). */
function removeDotSegments(path: string): string {
  const segments = path.slice(1).split('/');
  const kept: string[] = [];
  for (const [index, segment] of segments.entries()) {
    const isDots = segment === '.' || segment === '..';
    if (segment === '..') {
      kept.pop();
    }
    if (!isDots) {
      kept.push(segment);
    } else if (index === segments.length - 1) {
      kept.push('');
    }
  }
  return `/${kept.join('/')}`;
}
