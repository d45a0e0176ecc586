import { TRACE_HEADERS } from '../../events/trace-context.js';

/** Headers of one connection, which end there (RFC 9110, section 7.6.1), and their older kin. */
const HOP_BY_HOP: readonly string[] = [
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

/** What the API must not learn from the browser, or must not believe it. */
const NOT_SENT: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  // Credentials of the browser. The session's tokens come in their place.
  'authorization',
  'cookie',
  'cookie2',
  'dpop',
  'x-csrf',
  // We answer it, and undici does not send it.
  'expect',
  // Where the API is, and which resource is meant, the configuration and the path alone say.
  'forwarded',
  'host',
  'x-host',
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
  'x-original-host',
  'x-original-url',
  'x-real-ip',
  'x-rewrite-url',
  // What a browser says of its page.
  'origin',
  'referer',
  // The trace of a call begins in this process, and whoever traces it writes it. The browser's would pass for ours: it could
  // join the traces of others, or have all of its own recorded.
  'b3',
  'baggage',
  ...TRACE_HEADERS,
  'uber-trace-id',
  'x-amzn-trace-id',
  'x-cloud-trace-context',
]);
/** Beginnings of names that the API must not get from the browser either. */
const NOT_SENT_FAMILIES = beginningWith([
  'access-control-',
  'sec-',
  'x-b3-',
  'x-datadog-',
  'x-forwarded-',
  // What gateways before an API say to it: who calls, with which certificate, from which address. This application stands where a
  // gateway would, so that an API may believe what comes from it (RFC 9440, section 4; RFC 8705, section 6.5).
  // RFC 9440, and what proxies that end TLS write in its place.
  'client-cert',
  'ssl-',
  'x-amzn-mtls-',
  'x-arr-',
  'x-client-cert',
  'x-client-dn',
  'x-client-verify',
  'x-ssl-',
  // The address.
  'cf-',
  'fastly-client-ip',
  'true-client-ip',
  'x-appengine-',
  'x-azure-',
  'x-client-ip',
  'x-cluster-client-ip',
  'x-envoy-',
  // The person or the application that a gateway has authenticated.
  'remote-',
  'x-amzn-oidc-',
  'x-anonymous-consumer',
  'x-auth-request-',
  'x-authenticated-',
  'x-authentik-',
  'x-consumer-',
  'x-credential-',
  'x-goog-authenticated-user-',
  'x-goog-iap-',
  'x-ms-client-principal',
  'x-pomerium-',
  'x-remote-',
  'x-webauth-',
]);

/** What counts for the origin of the application, or for who holds the token: the API decides neither. */
const NOT_ANSWERED: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  'set-cookie',
  'set-cookie2',
  'dpop-nonce',
  // Written for the browser by themselves.
  'content-type',
  'location',
  // A policy for the API's own origin.
  'alt-svc',
  'clear-site-data',
  'nel',
  'public-key-pins',
  'report-to',
  'reporting-endpoints',
  'strict-transport-security',
  // The API wrote them for requests with `Authorization`, which shared caches do not keep (RFC 9111, section 3.5).
  'age',
  'edge-control',
  'expires',
  'pragma',
  'surrogate-control',
  // The server before the application would send files or other answers of its own in place of this one.
  'x-litespeed-location',
  'x-reproxy-url',
  'x-sendfile',
  'x-sendfile2',
]);

/**
 * `Cache-Control`, and the same for one cache alone (RFC 9213). nginx obeys `X-Accel-*`. Only `X-Accel-Buffering` passes:
 * event streams need it.
 */
const NOT_ANSWERED_FAMILIES = /^access-control-|(?:^|-)cache-control$|^x-accel-(?!buffering$)|^x-lighttpd-/;

/** A header, by its name in lower case. */
type Header = readonly [name: string, value: string];

/**
 * The headers of the browser that the API gets. A name with underscores counts as the one with hyphens: many servers hand both to
 * the application under one name (RFC 3875, section 4.1.18).
 *
 * @param lines names and values in turn, as Node has them
 * @param body whether the body is forwarded as it came: else its length and encoding are others
 */
export function requestHeaders(
  lines: readonly string[],
  { isAsItCame }: { readonly isAsItCame: boolean },
): readonly Header[] {
  const headers = lines.flatMap((name, index) =>
    index % 2 === 0 ? [[name.toLowerCase(), lines[index + 1] ?? ''] as const] : [],
  );
  const ends = namedByConnection(headers.filter(([name]) => name === 'connection').map(([, value]) => value));
  return headers.filter(([written]) => {
    const name = hyphenated(written);
    return (
      !NOT_SENT.has(name) &&
      !NOT_SENT_FAMILIES.test(name) &&
      !ends.has(name) &&
      (isAsItCame || !['content-length', 'content-encoding'].includes(name))
    );
  });
}

/** The headers of the API's answer that the browser gets, beside its media type and location. */
export function responseHeaders(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
): readonly (readonly [name: string, value: string | readonly string[]])[] {
  const ends = namedByConnection([headers['connection'] ?? []].flat());
  return Object.entries(headers).flatMap(([written, value]) => {
    const name = hyphenated(written);
    return value === undefined || NOT_ANSWERED.has(name) || NOT_ANSWERED_FAMILIES.test(name) || ends.has(name)
      ? []
      : [[written, value] as const];
  });
}

/** The headers that `Connection` names: they end at this connection too. The length of the body can't. */
function namedByConnection(values: readonly string[]): ReadonlySet<string> {
  const names = values.flatMap((value) => hyphenated(value.toLowerCase()).split(/[\s,]+/));
  return new Set(names.filter((name) => name !== 'content-length'));
}

function beginningWith(beginnings: readonly string[]): RegExp {
  return new RegExp(`^(?:${beginnings.join('|')})`);
}

function hyphenated(name: string): string {
  return name.replaceAll('_', '-');
}
