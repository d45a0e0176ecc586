import type { CookieAttributes } from '../nest/cookies.js';
import { parsedUrl } from '../values/url.js';

/**
 * The application's own origins: a redirect URI has their host, or the cookie's domain does. Ports do not matter, as they do
 * not for cookies.
 */
export class OwnOrigins {
  readonly #redirectUris: readonly URL[];

  constructor(
    redirectUris: readonly string[] = [],
    private readonly domain?: CookieAttributes['domain'],
  ) {
    this.#redirectUris = redirectUris.map((uri) => new URL(uri));
  }

  has(origin: string): boolean {
    const { protocol, hostname } = parsedUrl(origin) ?? { protocol: '', hostname: '' };
    const { domain } = this;
    const isBelow = domain !== undefined && (hostname === domain || hostname.endsWith(`.${domain}`));
    return (
      (isBelow && protocol === 'https:') ||
      this.#redirectUris.some((own) => own.protocol === protocol && own.hostname === hostname)
    );
  }
}
