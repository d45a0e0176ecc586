import { parseCookie, stringifySetCookie } from 'cookie';

import { ConfigError } from '../errors/errors.js';

/** The cookies of a request: every value of each name, because another host may have planted a second one. */
export type Cookies = ReadonlyMap<string, readonly string[]>;

/** Parses a `Cookie` header. Values are not decoded: ours need no decoding. */
export function parseCookies(header: string | undefined): Cookies {
  const cookies = new Map<string, string[]>();
  for (const pair of header?.split(';') ?? []) {
    for (const [name, value] of Object.entries(parseCookie(pair, { decode: (text) => text }))) {
      const values = cookies.get(name) ?? [];
      values.push(value ?? '');
      cookies.set(name, values);
    }
  }
  return cookies;
}

/**
 * The value of the cookie called `name`. Two cookies of one name count as none, because an attacker may have planted one
 * (RFC 6265, section 8.6) and can choose their order.
 */
export function singleCookie(cookies: Cookies, name: string): string | undefined {
  const values = cookies.get(name) ?? [];
  return values.length === 1 ? values[0] : undefined;
}

/** The bytes of these `Set-Cookie` lines in a response's headers. */
export function setCookieBytes(lines: readonly string[]): number {
  return lines.reduce((sum, line) => sum + 'set-cookie: \r\n'.length + line.length, 0);
}

export type SameSite = 'strict' | 'lax' | 'none';

/** Attributes of a cookie that an application may choose. */
export interface CookieAttributes {
  /** Default `lax`. */
  readonly sameSite?: SameSite | undefined;
  /** The cookie is for this host and all below it; left out: for the host alone that set it. */
  readonly domain?: string | undefined;
  /** In a frame, the cookie is for this application within that site alone (CHIPS). */
  readonly partitioned?: boolean | undefined;
}

/** The characters of a client's name. It stands in cookie names, where a dot separates our own additions. */
const CLIENT_NAME = /^[\w-]{1,64}$/;

/**
 * Names and attributes of our cookies. The scheme of a registered redirect URI decides them. A request never does: what a
 * proxy or a browser says about the scheme does not matter.
 */
export class CookieProfile {
  /**
   * @param secure whether the redirect URI is https
   * @param client the client's name, when it has one
   * @param attributes of all its cookies, unless one says otherwise
   * @throws {ConfigError} the name can't stand in a cookie's
   */
  constructor(
    readonly secure: boolean,
    private readonly client?: string,
    private readonly attributes: CookieAttributes = {},
  ) {
    if (client !== undefined && !CLIENT_NAME.test(client)) {
      throw new ConfigError('INVALID_CONFIG', 'name', 'must be at most 64 letters, digits, "_" or "-"');
    }
  }

  /** The same profile with other attributes. */
  with(attributes: CookieAttributes): CookieProfile {
    return new CookieProfile(this.secure, this.client, attributes);
  }

  /**
   * The cookie's name. With `__Host-` the browser refuses a cookie that another host or plain http tries to plant. A cookie
   * with a domain can only have `__Secure-`, which keeps plain http away (RFC 6265bis, section 4.1.3).
   */
  name(base: string): string {
    const own = this.client === undefined ? base : `${base}-${this.client}`;
    const prefix = this.attributes.domain === undefined ? '__Host-' : '__Secure-';
    return this.secure ? prefix + own : own;
  }

  /** The `Set-Cookie` line. Without `maxAge`, in seconds, the cookie ends with the browser. */
  set(
    name: string,
    value: string,
    { sameSite = this.attributes.sameSite ?? 'lax', maxAge }: { sameSite?: SameSite; maxAge?: number } = {},
  ): string {
    const { domain, partitioned } = this.attributes;
    return stringifySetCookie(
      {
        name,
        value,
        path: '/',
        httpOnly: true,
        secure: this.secure,
        sameSite,
        ...(maxAge !== undefined && { maxAge }),
        ...(domain !== undefined && { domain }),
        ...(partitioned !== undefined && { partitioned }),
      },
      { encode: (text) => text },
    );
  }

  /** The `Set-Cookie` line that clears the cookie. */
  clear(name: string, sameSite?: SameSite): string {
    return this.set(name, '', { maxAge: 0, ...(sameSite !== undefined && { sameSite }) });
  }
}
