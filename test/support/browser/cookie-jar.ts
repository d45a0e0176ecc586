import type { TestClock } from '../clock.js';

export interface StoredCookie {
  readonly name: string;
  readonly value: string;
  /** Host, or with `domain` everything below it too. */
  readonly host: string;
  readonly isHostOnly: boolean;
  readonly path: string;
  readonly secure: boolean;
  readonly httpOnly: boolean;
  readonly sameSite: 'strict' | 'lax' | 'none';
  /** Seconds since the epoch; undefined: until the browser ends. */
  readonly expiresAt: number | undefined;
}

/** What a request looks like to the rules of `SameSite`. */
export interface RequestContext {
  readonly isCrossSite: boolean;
  readonly isSafe: boolean;
}

/** As Chromium on loopback: plain http to the machine itself counts as secure. */
function isTrustworthy({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || /^(localhost|.+\.localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname);
}

/**
 * The cookies of one browser, by the rules of RFC 6265bis. Like a real one it does not tell ports apart.
 *
 * ```ts
 * browser.jar.get('oidc-session')?.value;
 * browser.jar.plant('oidc-session', 'forged', app.url);
 * const stolen = browser.jar.copy();
 * ```
 */
export class CookieJar {
  #cookies: readonly StoredCookie[] = [];

  constructor(private readonly clock: TestClock) {}

  /** Those that are not over, in the order in which they were first set. */
  get all(): readonly StoredCookie[] {
    this.#cookies = this.#cookies.filter(({ expiresAt }) => expiresAt === undefined || expiresAt > this.clock.seconds);
    return this.#cookies;
  }

  get names(): readonly string[] {
    return this.all.map(({ name }) => name);
  }

  /** The first cookie with this name. */
  get(name: string): StoredCookie | undefined {
    return this.all.find((cookie) => cookie.name === name);
  }

  /** Those whose names begin like this. */
  startingWith(prefix: string): readonly StoredCookie[] {
    return this.all.filter(({ name }) => name.startsWith(prefix));
  }

  /** Puts a cookie there as it is, past all rules. In place of one with the same name, host and path. */
  plant(name: string, value: string, url: string, attributes: Partial<StoredCookie> = {}): void {
    const { hostname: host, protocol } = new URL(url);
    this.#put({
      name,
      value,
      host,
      isHostOnly: true,
      path: '/',
      secure: protocol === 'https:',
      httpOnly: true,
      sameSite: 'lax',
      expiresAt: undefined,
      ...attributes,
    });
  }

  /** Changes the value of a cookie that is there. */
  change(name: string, value: (old: string) => string): void {
    const cookie = this.get(name);
    if (cookie === undefined) {
      throw new Error(`No cookie ${name} among ${this.names.join(', ')}`);
    }
    this.#put({ ...cookie, value: value(cookie.value) });
  }

  remove(name: string): void {
    this.#cookies = this.#cookies.filter((cookie) => cookie.name !== name);
  }

  clear(): void {
    this.#cookies = [];
  }

  /** The browser is closed and opened again: what has no end is gone. */
  restart(): void {
    this.#cookies = this.#cookies.filter(({ expiresAt }) => expiresAt !== undefined);
  }

  copy(): CookieJar {
    const copy = new CookieJar(this.clock);
    copy.#cookies = this.#cookies;
    return copy;
  }

  /** Takes a `Set-Cookie` line of an answer. @returns false when a browser would not */
  accept(line: string, url: string): boolean {
    const cookie = parse(line, new URL(url), this.clock.seconds);
    if (cookie === undefined) {
      return false;
    }
    if (cookie.expiresAt !== undefined && cookie.expiresAt <= this.clock.seconds) {
      this.#cookies = this.#cookies.filter((known) => !isSame(known, cookie));
    } else {
      this.#put(cookie);
    }
    return true;
  }

  /** The `Cookie` header of a request. */
  header(url: string, { isCrossSite, isSafe }: RequestContext): string | undefined {
    const target = new URL(url);
    const sent = this.all
      .filter((cookie) => isFor(cookie, target))
      .filter(({ sameSite }) => !isCrossSite || sameSite === 'none' || (sameSite === 'lax' && isSafe))
      .toSorted((one, other) => other.path.length - one.path.length);
    return sent.length === 0 ? undefined : sent.map(({ name, value }) => `${name}=${value}`).join('; ');
  }

  #put(cookie: StoredCookie): void {
    const index = this.#cookies.findIndex((known) => isSame(known, cookie));
    this.#cookies = index < 0 ? [...this.#cookies, cookie] : this.#cookies.with(index, cookie);
  }
}

function isSame(one: StoredCookie, other: StoredCookie): boolean {
  return one.name === other.name && one.host === other.host && one.path === other.path;
}

function isFor({ host, isHostOnly, path, secure }: StoredCookie, target: URL): boolean {
  const fitsHost = target.hostname === host || (!isHostOnly && target.hostname.endsWith(`.${host}`));
  const fitsPath = target.pathname === path || target.pathname.startsWith(path.endsWith('/') ? path : `${path}/`);
  return fitsHost && fitsPath && (!secure || isTrustworthy(target));
}

/** RFC 6265bis, sections 5.6 and 5.7. */
function parse(line: string, url: URL, now: number): StoredCookie | undefined {
  const [pair = '', ...rest] = line.split(';');
  const [name, value] = split(pair);
  const attributes = new Map(rest.map(split).map(([key, text]) => [key.toLowerCase(), text]));
  const domain = attributes.get('domain')?.replace(/^\./, '').toLowerCase() ?? '';
  const path = attributes.get('path') ?? '';
  const sameSite = attributes.get('samesite')?.toLowerCase();
  const cookie: StoredCookie = {
    name,
    value,
    host: domain || url.hostname,
    isHostOnly: domain === '',
    path: path.startsWith('/') ? path : url.pathname.replace(/\/[^/]*$/, '') || '/',
    secure: attributes.has('secure'),
    httpOnly: attributes.has('httponly'),
    sameSite: sameSite === 'strict' || sameSite === 'none' ? sameSite : 'lax',
    expiresAt: expiryOf(attributes, now),
  };
  return isAcceptable(cookie, url) ? cookie : undefined;
}

function split(pair: string): [string, string] {
  const index = pair.indexOf('=');
  return index < 0 ? [pair.trim(), ''] : [pair.slice(0, index).trim(), pair.slice(index + 1).trim()];
}

function expiryOf(attributes: ReadonlyMap<string, string>, now: number): number | undefined {
  const maxAge = attributes.get('max-age');
  if (maxAge !== undefined && /^-?\d+$/.test(maxAge)) {
    return now + Number(maxAge);
  }
  const expires = Date.parse(attributes.get('expires') ?? '');
  return Number.isNaN(expires) ? undefined : expires / 1000;
}

function isAcceptable(cookie: StoredCookie, url: URL): boolean {
  const { name, value, host, isHostOnly, path, secure, sameSite } = cookie;
  return (
    name !== '' &&
    name.length + value.length <= 4096 &&
    // oxlint-disable-next-line no-control-regex -- browsers refuse them
    !/[\u0000-\u0008\u000a-\u001f\u007f]/.test(name + value) &&
    (url.hostname === host || url.hostname.endsWith(`.${host}`)) &&
    (!secure || isTrustworthy(url)) &&
    (sameSite !== 'none' || secure) &&
    (!name.startsWith('__Secure-') || secure) &&
    (!name.startsWith('__Host-') || (secure && isHostOnly && path === '/'))
  );
}
