import { ConfigError } from '../errors/errors.js';
import { parsedUrl } from '../values/url.js';

/** The proxies that the environment names, as URLs; an empty text is none. */
export interface Proxies {
  /** For plain http. Without another one for https, undici takes it there too. */
  readonly httpProxy: string;
  readonly httpsProxy: string;
  /** Hosts that are called directly, with commas or blanks between them; `*` is every one. */
  readonly noProxy: string;
}

/** Variables of the environment. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`; in lower case they count first, as everywhere.
 *
 * @returns undefined: no proxy is named
 * @throws {ConfigError} one of them is no URL of a proxy; it is not printed, because it may hold a password
 */
export function proxiesOf(environment: Environment): Proxies | undefined {
  const [httpProxy, httpsProxy] = [proxyIn(environment, 'HTTP_PROXY'), proxyIn(environment, 'HTTPS_PROXY')];
  const [, noProxy] = variable(environment, 'NO_PROXY');
  return httpProxy === '' && httpsProxy === '' ? undefined : { httpProxy, httpsProxy, noProxy };
}

function proxyIn(environment: Environment, variableName: string): string {
  const [name, value] = variable(environment, variableName);
  if (value === '') {
    return '';
  }
  // Other programs take a host and a port as well.
  const url = parsedUrl(value.includes('://') ? value : `http://${value}`);
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new ConfigError('INVALID_CONFIG', name, 'must be the URL of a proxy, such as http://proxy.example.com:3128');
  }
  // Only the origin counts, and undici takes nothing else.
  const { protocol, username, password, host } = url;
  const credentials = username === '' ? '' : `${username}:${password}@`;
  return `${protocol}//${credentials}${host}`;
}

/** The variable that counts: its name as it stands there, and its value. */
function variable(environment: Environment, name: string): readonly [name: string, value: string] {
  const lower = name.toLowerCase();
  return environment[lower] === undefined ? [name, environment[name] ?? ''] : [lower, environment[lower]];
}
