import { ConfigError } from '../errors/errors.js';
import { isSafeUrl, parsedUrl } from '../values/url.js';
import { CookieProfile } from './cookies.js';
import * as requests from './requests.js';

/** A domain of the application: where browsers reach it, as a registered redirect URI says. */
export interface Site {
  /** The redirect URI of logins there. */
  readonly redirect_uri: string;
  readonly origin: string;
  readonly cookies: CookieProfile;
}

/** The client whose redirect URIs say where the application is. */
interface SitesOwner {
  readonly name?: string | undefined;
  readonly metadata: { readonly redirect_uris?: readonly string[] | undefined };
}

const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'https:': '443', 'http:': '80' };

/**
 * Domains of the application, one for each host among the registered redirect URIs. Where a host has several, the first
 * counts. A host that no redirect URI has is never believed, so that no request decides where we send a browser.
 *
 * @typeParam Place what is kept for each of them
 */
export class Sites<Place = Site> {
  readonly #isOne: boolean;

  /** @param byHost by host with its port, and by host alone */
  private constructor(
    private readonly first: Place,
    private readonly byHost: ReadonlyMap<string, Place>,
  ) {
    this.#isOne = new Set(byHost.values()).size === 1;
  }

  /** @throws {ConfigError} there is no redirect URI, or one is neither https nor http on loopback */
  static of({ name, metadata: { redirect_uris = [] } }: SitesOwner): Sites {
    const profiles = { secure: new CookieProfile(true, name), plain: new CookieProfile(false, name) };
    const uris = redirect_uris.map((uri) => ({ uri, url: safeRedirectUri(uri) }));
    const sites = uris.map(({ uri, url }) => ({
      url,
      site: {
        redirect_uri: uri,
        origin: url.origin,
        cookies: url.protocol === 'https:' ? profiles.secure : profiles.plain,
      },
    }));
    const [first] = sites;
    if (first === undefined) {
      throw new ConfigError('INVALID_CONFIG', 'client.redirect_uris', 'is required for login and session');
    }
    const byHost = new Map<string, Site>();
    const keys = [
      ({ host }: URL) => host,
      ({ hostname, port, protocol }: URL) => `${hostname}:${port || DEFAULT_PORTS[protocol]}`,
      ({ hostname }: URL) => hostname,
    ];
    for (const key of keys) {
      for (const { url, site } of sites) {
        byHost.set(key(url), byHost.get(key(url)) ?? site);
      }
    }
    return new Sites(first.site, byHost);
  }

  /** Each of them once. */
  all(): readonly Place[] {
    return [...new Set([this.first, ...this.byHost.values()])];
  }

  /** The same domains, with something else for each. What is the same for two of them is made once. */
  map<Other>(make: (place: Place) => Other): Sites<Other> {
    const made = new Map<Place, Other>();
    const other = (place: Place): Other => {
      const known = made.get(place) ?? make(place);
      made.set(place, known);
      return known;
    };
    return new Sites(other(this.first), new Map([...this.byHost].map(([host, place]) => [host, other(place)])));
  }

  /** That of the request's host. Where there is none: that with or without `www.`, else the first. */
  at(request: unknown): Place {
    if (this.#isOne) {
      return this.first;
    }
    const host = hostOf(request);
    return this.#named(host) ?? this.byHost.get(twinOf(withoutPort(host))) ?? this.first;
  }

  /** Whether a redirect URI has the request's host. Ports do not matter, as they do not for cookies. */
  has(request: unknown): boolean {
    return this.#named(hostOf(request)) !== undefined;
  }

  #named(host: string): Place | undefined {
    return this.byHost.get(host) ?? this.byHost.get(withoutPort(host));
  }
}

function hostOf(request: unknown): string {
  return requests.host(request).toLowerCase();
}

function withoutPort(host: string): string {
  return host.replace(/:\d*$/, '');
}

function twinOf(hostname: string): string {
  return hostname.startsWith('www.') ? hostname.slice('www.'.length) : `www.${hostname}`;
}

/** A redirect URI that is https, or http on loopback, which needs no TLS (RFC 8252, section 7.3). */
function safeRedirectUri(uri: string): URL {
  const url = parsedUrl(uri);
  if (isSafeUrl(url)) {
    return url;
  }
  throw new ConfigError('INVALID_CONFIG', 'client.redirect_uris', 'must be https, or http on loopback');
}
