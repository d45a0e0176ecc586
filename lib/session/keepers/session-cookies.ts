import type { OidcClient } from '../../client/oidc-client.js';
import { ConfigError } from '../../errors/errors.js';
import {
  setCookieBytes,
  singleCookie,
  type CookieAttributes,
  type CookieProfile,
  type Cookies,
} from '../../nest/cookies.js';
import * as requests from '../../nest/requests.js';
import { Sites } from '../../nest/sites.js';
import { MAX_PARTS, openParts, sealParts, type SealedPlace } from '../../storage/sealed-parts.js';
import type { Sealer } from '../../storage/sealer.js';
import { NoAccessToken } from '../../tokens/login-tokens.js';
import { fromStored, toStored } from '../session-content.js';
import { SessionLifetimes, type LifetimeSettings } from './session-lifetimes.js';
import type { FoundSession, KeptSession, NewSession, SessionKeeper } from '../session.port.js';

const LABEL = 'session';
const BASE_NAME = 'oidc-session';

/** Maximum bytes of `Set-Cookie` with the ID token: nginx accepts 4 KB of headers (`proxy_buffer_size`). */
const MAX_WITH_ID_TOKEN = 3600;

/** Bytes of these that clear the login's own cookie. */
const LOGIN_COOKIE = 250;

/** Whether an ID token has room beside the rest of a session, as JSON in base64url. */
function hasRoomFor(idToken: string, lines: readonly string[]): boolean {
  const added = Math.ceil((',"id_token":""'.length + idToken.length) * (4 / 3));
  return setCookieBytes(lines) + added + LOGIN_COOKIE <= MAX_WITH_ID_TOKEN;
}

/** Settings of the cookie keeper. */
export interface CookieSettings extends LifetimeSettings {
  readonly tokens: boolean;
  readonly cookie: CookieAttributes;
}

/** The names of a session's cookie and its continuations. */
export function sessionCookieNames(profile: CookieProfile): readonly string[] {
  const name = profile.name(BASE_NAME);
  return Array.from({ length: MAX_PARTS }, (_, index) => (index === 0 ? name : `${name}.${index}`));
}

/** Where a session lies in a browser. */
interface Place {
  readonly profile: CookieProfile;
  /** The cookie and its continuations. */
  readonly names: readonly string[];
  readonly sealed: SealedPlace;
}

/** A session is sealed for one client at one provider: another one may use the same secret, and know others by the same `sub`. */
function placeOf(profile: CookieProfile, { issuer, metadata }: OidcClient): Place {
  const name = JSON.stringify([profile.name(BASE_NAME), issuer, metadata.client_id]);
  return { profile, names: sessionCookieNames(profile), sealed: { label: LABEL, name } };
}

/** Session keeper in cookies: a session is stored in the browser only, sealed into at most three cookies. */
export class SessionCookies implements SessionKeeper {
  readonly #places: Sites<Place>;
  readonly #lifetimes: SessionLifetimes;

  /** @throws {ConfigError} the client's redirect URIs allow no safe cookie */
  constructor(
    private readonly client: OidcClient,
    private readonly settings: CookieSettings,
    private readonly sealer: Sealer,
  ) {
    this.#places = Sites.of(client)
      .map(({ cookies }) => cookies)
      .map((cookies) => placeOf(cookies.with(settings.cookie), client));
    this.#lifetimes = new SessionLifetimes(settings, client.clock.now);
  }

  /** Finds the session. Invalid cookies are cleared; cookies of an older secret are sealed anew. */
  find(request: unknown): FoundSession {
    const { names, sealed } = this.#places.at(request);
    const cookies = requests.cookies(request);
    const present = names.filter((name) => cookies.has(name));
    if (present.length === 0) {
      return { setCookies: [] };
    }
    const parts = names.slice(0, present.length).flatMap((name) => singleCookie(cookies, name) ?? []);
    const opened =
      parts.length === present.length ? openParts(this.sealer, sealed, parts, this.client.clock.now()) : undefined;
    const session = opened?.status === 'open' ? fromStored(opened.value, opened.expiresAt) : undefined;
    if (session === undefined || this.#lifetimes.left(session) <= 0) {
      return { setCookies: this.clear(request) };
    }
    const isStale = opened?.status === 'open' && opened.stale;
    return { session, setCookies: isStale || this.#lifetimes.isDue(session) ? this.#write(request, session) : [] };
  }

  start(request: unknown, session: NewSession): readonly string[] {
    return this.#write(request, this.#lifetimes.started(session));
  }

  renew(request: unknown, { session }: FoundSession, changes: Partial<NewSession>): readonly string[] | undefined {
    return session && this.#write(request, { ...session, ...changes });
  }

  end(): void {}

  endAll(): never {
    throw new ConfigError('INVALID_CONFIG', 'store', 'is required to end sessions without their cookies');
  }

  knows(): boolean {
    return false;
  }

  clear(request: unknown): readonly string[] {
    const { profile, names } = this.#places.at(request);
    const cookies = requests.cookies(request);
    return names.filter((name) => cookies.has(name)).map((name) => profile.clear(name));
  }

  /** Writes a session, as used now. */
  #write(request: unknown, written: KeptSession): readonly string[] {
    const place = this.#places.at(request);
    const cookies = requests.cookies(request);
    const session = this.#lifetimes.used(written);
    if (this.settings.tokens) {
      return this.#seal(place, session, cookies);
    }
    const { scope, id_token } = session.tokens;
    const without = this.#seal(place, { ...session, tokens: new NoAccessToken({ scope }) }, cookies);
    return id_token === undefined || !hasRoomFor(id_token, without)
      ? without
      : this.#seal(place, { ...session, tokens: new NoAccessToken({ scope, id_token }) }, cookies);
  }

  /** Writes the parts, and clears surplus parts of an earlier, larger session. */
  #seal({ profile, names, sealed }: Place, session: KeptSession, cookies: Cookies): readonly string[] {
    const parts = sealParts(this.sealer, sealed, toStored(session), session.expiresAt);
    const attributes = this.#lifetimes.ofCookie(session);
    return names.flatMap((name, index) => {
      const part = parts[index];
      if (part !== undefined) {
        return profile.set(name, part, attributes);
      }
      return cookies.has(name) ? profile.clear(name) : [];
    });
  }
}
