import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';

import type { OidcClient } from '../../client/oidc-client.js';
import { SessionError } from '../../errors/errors.js';
import { singleCookie, type CookieProfile, type Cookies } from '../../nest/cookies.js';
import * as requests from '../../nest/requests.js';
import { Sites } from '../../nest/sites.js';
import type { OidcStore } from '../../storage/oidc-store.js';
import type { Sealer } from '../../storage/sealer.js';
import { NoAccessToken, type LoginTokens } from '../../tokens/login-tokens.js';
import { chain, isPromise, type Awaitable } from '../../values/awaitable.js';
import { clientHash } from './client-hash.js';
import { fromStored, MAX_STORED_LENGTH, toStored } from '../session-content.js';
import { sessionCookieNames, type CookieSettings } from './session-cookies.js';
import { SessionIndex } from './session-index.js';
import { SessionLifetimes } from './session-lifetimes.js';
import type {
  FoundSession,
  InvalidateTokens,
  KeptSession,
  NewSession,
  SessionKeeper,
  SessionsOf,
} from '../session.port.js';

const LABEL = 'stored session';

/** Bytes: as many as no stranger guesses (RFC 6749, section 10.10, asks for 16), and a key of AES-256. */
const ID_LENGTH = 16;
const KEY_LENGTH = 32;

/** An id and a key in base64url. */
const VALUE = /^([\w-]{22})([\w-]{43})$/;

/** Milliseconds after which a session that is not there is looked for once more: a failover may lag behind a login. */
const SECOND_LOOK = 50;

/** What a browser knows of its session. */
interface Handle {
  /** Where the store has the session: a hash of its id. */
  readonly key: string;
  readonly sealer: Sealer;
  /** The cookie's value. */
  readonly value: string;
}

/** Where a session's id lies in a browser. */
interface Place {
  readonly profile: CookieProfile;
  readonly name: string;
  /** The continuations of a session in cookies, which may be left from before. */
  readonly others: readonly string[];
}

function placeOf(profile: CookieProfile): Place {
  const [name = '', ...others] = sessionCookieNames(profile);
  return { profile, name, others };
}

/**
 * Session keeper in a store. The cookie has the session's id and a key of its own; the store has the session, sealed with
 * that key and with `session.secret`. Who reads the store opens no session, and who writes to it makes none up.
 */
export class SessionStore implements SessionKeeper {
  readonly #places: Sites<Place>;
  readonly #lifetimes: SessionLifetimes;
  readonly #index: SessionIndex;

  /** @throws {ConfigError} the client's redirect URIs allow no safe cookie */
  constructor(
    private readonly client: OidcClient,
    private readonly settings: CookieSettings,
    private readonly sealer: Sealer,
    private readonly store: OidcStore,
  ) {
    this.#places = Sites.of(client)
      .map(({ cookies }) => cookies)
      .map((cookies) => placeOf(cookies.with(settings.cookie)));
    this.#lifetimes = new SessionLifetimes(settings, client.clock.now);
    this.#index = new SessionIndex(client, sealer, store);
  }

  find(request: unknown): Awaitable<FoundSession> {
    const handle = this.#handleIn(request);
    return handle === undefined
      ? { setCookies: this.clear(request) }
      : chain(this.#stored(handle.key), (stored) => this.#found(request, handle, stored));
  }

  async start(request: unknown, session: NewSession): Promise<readonly string[]> {
    const before = this.#handleIn(request);
    const handle = this.#handleOf(randomText(ID_LENGTH) + randomText(KEY_LENGTH));
    const started = this.#lifetimes.started(session);
    const lifetime = this.#lifetimes.left(started);
    await this.store.set(handle.key, this.#seal(handle, started), lifetime);
    if (session.identity !== undefined) {
      await this.#index.add(handle.key, session.identity, this.#kept(session.tokens), started.expiresAt);
    }
    if (before !== undefined) {
      await this.#delete(before);
    }
    return this.#setCookies(request, handle.value, started);
  }

  async renew(
    request: unknown,
    found: FoundSession,
    changes: Partial<NewSession>,
  ): Promise<readonly string[] | undefined> {
    const handle = this.#handleIn(request);
    if (handle === undefined || found.session === undefined) {
      return undefined;
    }
    const session = { ...found.session, ...changes };
    const written = await this.#replace(handle, found, session);
    if (written !== undefined && session.identity !== undefined) {
      await this.#index.update(handle.key, this.#kept(session.tokens), session.expiresAt);
    }
    return written === undefined ? undefined : [];
  }

  async end(request: unknown): Promise<void> {
    const handle = this.#handleIn(request);
    if (handle !== undefined) {
      await this.#delete(handle);
    }
  }

  endAll(of: SessionsOf, invalidate: InvalidateTokens): Promise<void> {
    return this.#index.end(of, invalidate);
  }

  knows(sid: string): Promise<boolean> {
    return this.#index.has({ sid });
  }

  clear(request: unknown): readonly string[] {
    const place = this.#places.at(request);
    return cleared(place, [place.name, ...place.others], requests.cookies(request));
  }

  #stored(key: string): Awaitable<string | undefined> {
    const stored = this.store.get(key);
    return isPromise(stored) ? this.#lookTwice(key, stored) : stored;
  }

  async #lookTwice(key: string, first: Promise<string | undefined>): Promise<string | undefined> {
    const stored = await first;
    if (stored !== undefined) {
      return stored;
    }
    await setTimeout(SECOND_LOOK);
    return this.store.get(key);
  }

  #found(request: unknown, handle: Handle, stored: string | undefined): Awaitable<FoundSession> {
    const none: FoundSession = { setCookies: this.clear(request) };
    if (stored === undefined) {
      return none;
    }
    const opened = handle.sealer.open(LABEL, handle.key, stored, this.client.clock.now());
    const session = opened.status === 'open' ? fromStored(opened.value, opened.expiresAt) : undefined;
    if (session === undefined || this.#lifetimes.left(session) <= 0) {
      return chain(this.store.delete(handle.key), () => none);
    }
    const found: FoundSession = { session, stored, setCookies: [] };
    const isStale = opened.status === 'open' && opened.stale;
    return isStale || this.#lifetimes.isDue(session)
      ? chain(this.#replace(handle, found, session), (written) => ({ ...found, stored: written ?? stored }))
      : found;
  }

  /** Writes a session, used now; undefined where another wrote it or ended it meanwhile. */
  #replace(handle: Handle, found: FoundSession, session: KeptSession): Awaitable<string | undefined> {
    const used = this.#lifetimes.used(session);
    const sealed = this.#seal(handle, used);
    const isWritten = this.store.replace(handle.key, found.stored ?? '', sealed, this.#lifetimes.left(used));
    return chain(isWritten, (written) => (written ? sealed : undefined));
  }

  #seal({ sealer, key }: Handle, { expiresAt, ...session }: KeptSession): string {
    const sealed = sealer.seal(LABEL, key, toStored({ ...session, tokens: this.#kept(session.tokens) }), expiresAt);
    if (sealed.length > MAX_STORED_LENGTH) {
      throw new SessionError(
        'SESSION_TOO_LARGE',
        `The session is larger than the ${MAX_STORED_LENGTH} characters of a store`,
      );
    }
    return sealed;
  }

  #kept(tokens: LoginTokens): LoginTokens {
    const { scope, id_token } = tokens;
    return this.settings.tokens ? tokens : new NoAccessToken({ scope, id_token });
  }

  async #delete({ key }: Handle): Promise<void> {
    await this.store.delete(key);
    await this.#index.remove(key);
  }

  /** Sets the cookie, and clears what a session in cookies left. */
  #setCookies(request: unknown, value: string, session: KeptSession): readonly string[] {
    const place = this.#places.at(request);
    const line = place.profile.set(place.name, value, this.#lifetimes.ofCookie(session));
    return [line, ...cleared(place, place.others, requests.cookies(request))];
  }

  #handleIn(request: unknown): Handle | undefined {
    const value = singleCookie(requests.cookies(request), this.#places.at(request).name) ?? '';
    return VALUE.test(value) ? this.#handleOf(value) : undefined;
  }

  #handleOf(value: string): Handle {
    const [, id, key = ''] = VALUE.exec(value) ?? [];
    return { key: `session:${clientHash(this.client, [id])}`, sealer: this.sealer.with(key, MAX_STORED_LENGTH), value };
  }
}

function randomText(bytes: number): string {
  return randomBytes(bytes).toString('base64url');
}

function cleared({ profile }: Place, names: readonly string[], cookies: Cookies): readonly string[] {
  return names.filter((name) => cookies.has(name)).map((name) => profile.clear(name));
}
