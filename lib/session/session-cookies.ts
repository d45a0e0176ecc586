import type { OidcClient } from '../client/oidc-client.js';
import { ConfigError } from '../errors/errors.js';
import { CookieProfile, setCookieBytes, singleCookie, type Cookies } from '../nest/cookies.js';
import * as requests from '../nest/requests.js';
import { MAX_PARTS, openParts, sealParts, type SealedPlace } from '../storage/sealed-parts.js';
import { Sealer } from '../storage/sealer.js';
import { fromStored, toStored, type KeptSession } from './session-content.js';
import { TokensNotKept } from './session-tokens.js';
import type { SessionSettings } from './session.options.js';
import type { NewSession, SessionPort, StartedBy } from './session.port.js';

const LABEL = 'session';
const BASE_NAME = 'oidc-session';

/** Bytes that a login's answer may set with the ID token: nginx takes 4 KB of headers (`proxy_buffer_size`). */
const MAX_WITH_ID_TOKEN = 3600;

/** Of them, those that clear the login's own cookie. */
const LOGIN_COOKIE = 250;

/** What was found in the browser, and the `Set-Cookie` lines that put right what was wrong with it. */
export interface FoundSession {
  readonly session?: KeptSession;
  readonly setCookies: readonly string[];
}

/** What is decided at boot. */
interface Plan {
  readonly sealer: Sealer;
  readonly profile: CookieProfile;
  /** The cookie and its continuations. */
  readonly names: readonly string[];
  readonly place: SealedPlace;
  /** Milliseconds. */
  readonly lifetime: number;
  readonly keepsTokens: boolean;
}

/** Whether it fits in beside the rest of a session, as JSON in base64url. */
function hasRoomFor(idToken: string, lines: readonly string[]): boolean {
  const added = Math.ceil((',"id_token":""'.length + idToken.length) * (4 / 3));
  return setCookieBytes(lines) + added + LOGIN_COOKIE <= MAX_WITH_ID_TOKEN;
}

/** Sessions that live in the browser alone, sealed into at most three cookies. */
export class SessionCookies implements SessionPort {
  #areRead = false;
  #plan: Plan | undefined;
  #beside: (cookies: Cookies) => readonly string[] = () => [];

  constructor(
    private readonly client: OidcClient,
    private readonly settings: SessionSettings | undefined,
  ) {}

  get areRead(): boolean {
    return this.#areRead;
  }

  /** For a guard that reads sessions, at boot. @throws {ConfigError} no session can be kept with this configuration */
  require(): void {
    this.plan();
    this.#areRead = true;
  }

  sealer(): Sealer {
    return this.plan().sealer;
  }

  start(request: unknown, session: NewSession): readonly string[] {
    const { lifetime, keepsTokens } = this.plan();
    const expiresAt = this.client.clock.now() + lifetime;
    const cookies = requests.cookies(request);
    if (keepsTokens) {
      return this.seal(toStored(session), expiresAt, cookies);
    }
    const { scope, id_token } = session.tokens;
    const without = this.seal(toStored({ ...session, tokens: new TokensNotKept({ scope }) }), expiresAt, cookies);
    return id_token === undefined || !hasRoomFor(id_token, without)
      ? without
      : this.seal(toStored({ ...session, tokens: new TokensNotKept({ scope, id_token }) }), expiresAt, cookies);
  }

  alsoSet(lines: (cookies: Cookies) => readonly string[]): void {
    this.#beside = lines;
  }

  exists(request: unknown): boolean {
    return this.find(request).session !== undefined;
  }

  startedBy(request: unknown): StartedBy | undefined {
    return this.find(request).session?.startedBy;
  }

  /** The `Set-Cookie` lines of others than the session, for an answer to this request. */
  beside(request: unknown): readonly string[] {
    return this.#beside(requests.cookies(request));
  }

  /** Reads the browser's session. What is no session is to be cleared, what an older secret sealed is sealed anew. */
  find(request: unknown): FoundSession {
    const { sealer, names, place } = this.plan();
    const cookies = requests.cookies(request);
    const present = names.filter((name) => cookies.has(name));
    if (present.length === 0) {
      return { setCookies: [] };
    }
    const parts = names.slice(0, present.length).flatMap((name) => singleCookie(cookies, name) ?? []);
    const opened =
      parts.length === present.length ? openParts(sealer, place, parts, this.client.clock.now()) : undefined;
    const session = opened?.status === 'open' ? fromStored(opened.value, opened.expiresAt) : undefined;
    if (session === undefined) {
      return { setCookies: this.clear(request) };
    }
    const isStale = opened?.status === 'open' && opened.stale;
    return { session, setCookies: isStale ? this.seal(toStored(session), session.expiresAt, cookies) : [] };
  }

  /** The `Set-Cookie` lines that end the browser's session. */
  clear(request: unknown): readonly string[] {
    const { profile, names } = this.plan();
    const cookies = requests.cookies(request);
    return names.filter((name) => cookies.has(name)).map((name) => profile.clear(name));
  }

  /** Writes the parts, and clears those of a larger session before. */
  private seal(value: unknown, expiresAt: number, cookies: Cookies): readonly string[] {
    const { sealer, profile, names, place } = this.plan();
    const parts = sealParts(sealer, place, value, expiresAt);
    return names.flatMap((name, index) => {
      const part = parts[index];
      if (part !== undefined) {
        return profile.set(name, part);
      }
      return cookies.has(name) ? profile.clear(name) : [];
    });
  }

  private plan(): Plan {
    this.#plan ??= makePlan(this.client, this.settings);
    return this.#plan;
  }
}

function makePlan({ name: client, metadata }: OidcClient, settings: SessionSettings | undefined): Plan {
  if (settings === undefined) {
    throw new ConfigError('INVALID_CONFIG', 'session.secret', 'is required for login and session');
  }
  const profile = CookieProfile.of(metadata.redirect_uris, client);
  const name = profile.name(BASE_NAME);
  return {
    sealer: new Sealer(settings.secret.map((secret) => secret.reveal())),
    profile,
    names: Array.from({ length: MAX_PARTS }, (_, index) => (index === 0 ? name : `${name}.${index}`)),
    place: { label: LABEL, name },
    lifetime: settings.absoluteLifetime * 1000,
    keepsTokens: settings.tokens,
  };
}
