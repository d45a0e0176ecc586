import * as v from 'valibot';

import { isSafeUrl, parsedUrl, PLAIN_PATH } from '../../values/url.js';

const NO_BASE = 'must be an https URL (http on loopback) with a plain path: no query, fragment or credentials';

/** Whether a URL is the base of an API as it stands there, so that nothing has to be normalised. */
function isBase(url: string): boolean {
  const parsed = parsedUrl(url);
  if (!isSafeUrl(parsed)) {
    return false;
  }
  const { origin, pathname } = parsed;
  const path = url.slice(origin.length);
  return url.startsWith(origin) && (/^\/?$/.test(path) || (path === pathname && isPlain(path)));
}

function isPlain(path: string): boolean {
  return PLAIN_PATH.test(path.replace(/\/$/, '')) && !/\/\.\.?(?:\/|$)/.test(path);
}

const proxySchema = v.strictObject({
  /** The path of the application below which requests are forwarded, such as `/api`. */
  path: v.pipe(v.string(), v.check(isPlain, 'must be a plain path such as /api')),
  /** The base URL of the API: `https://api.example.com/v1`. What stands below `path` is appended. */
  to: v.pipe(
    v.string(),
    v.check(isBase, NO_BASE),
    v.transform((url) => url.replace(/\/$/, '')),
  ),
  /** Milliseconds until the API begins to answer. Default 30000. */
  timeout: v.optional(
    v.pipe(v.number(), v.integer('must be a whole number'), v.minValue(1, 'must be at least 1')),
    30_000,
  ),
});

/** The APIs to which requests of the browser are forwarded, each below a path of its own. */
export const proxiesSchema = v.pipe(
  v.array(proxySchema, 'must be a list of { path, to }'),
  v.check((proxies) => new Set(proxies.map(({ path }) => path)).size === proxies.length, 'must have different paths'),
);

/** One API, with its defaults. */
export type ProxySettings = v.InferOutput<typeof proxySchema>;
