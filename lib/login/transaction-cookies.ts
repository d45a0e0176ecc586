import { createHash } from 'node:crypto';

import * as v from 'valibot';

import {
  authorizationTransactionSchema,
  derivedFrom,
  type AuthorizationTransaction,
} from '../authorization/authorization-request.js';
import type { Now } from '../clock/clock.js';
import { AuthorizationResponseError, SessionError } from '../errors/errors.js';
import { singleCookie, type CookieProfile, type Cookies, type SameSite } from '../nest/cookies.js';
import { MAX_PART_LENGTH } from '../storage/sealed-parts.js';
import type { Sealer } from '../storage/sealer.js';
import type { Complete } from '../values/complete.js';

const LABEL = 'login transaction';
const BASE_NAME = 'oidc-login';

/** Milliseconds: RFC 9700, section 2.1.1 wants it short; a person may have to find a second factor. */
const LIFETIME = 600_000;

/** Tabs of one browser that log in at once, such as those that it opens again after a restart. */
const MAX_TRANSACTIONS = 30;

/** nginx refuses a longer header line (`large_client_header_buffers`, 8 KB), and Node 16 KB of headers. */
const MAX_COOKIE_HEADER = 8000;

/** What logins have of it, whatever other cookies there are: beside the largest session Node still takes it. */
const MIN_ROOM = 4096;

/** To clear a cookie takes 120 bytes of an answer, of which nginx takes 4 KB; the next answer clears more. */
const MAX_CLEARED = 8;

/** Bytes: RFC 7636, section 4.1. */
const VERIFIER_LENGTH = 32;

export const loginTransactionSchema = v.object({
  /** What the protocol remembers. */
  authorization: authorizationTransactionSchema,
  /** Where the browser wants to go. */
  returnTo: v.string(),
});

/** A login that has begun. */
export type LoginTransaction = Readonly<v.InferOutput<typeof loginTransactionSchema>>;

/** The members that the configuration decides: they are authenticated with the cookie and not in it. */
const CONFIGURED = ['issuer', 'redirect_uri', 'scope', 'response_mode', 'max_age'] as const;

/** The configuration that all logins of a client have in common. */
export type AuthorizationSettings = Pick<AuthorizationTransaction, (typeof CONFIGURED)[number]>;

/** The members that the cookie has elsewhere: as configured, derived from the code verifier, before it, or in the name. */
const KEPT_ELSEWHERE = [...CONFIGURED, 'state', 'nonce', 'code_verifier', 'started_at'] as const;

const othersSchema = v.omit(authorizationTransactionSchema, KEPT_ELSEWHERE);

/** What is sealed behind the code verifier: the return URL, and the other members where there are any. */
const sealedSchema = v.tuple([v.string(), v.optional(othersSchema, {})]);

/**
 * The logins that a browser has begun: one sealed cookie each, so that tabs don't disturb each other.
 *
 * The cookie's name carries when the login began and a hash of its `state`. So the right one is found without opening
 * any, and a stranger who does not know a `state` can neither use nor use up a transaction.
 *
 * The cookie holds only what differs from login to login. `state` and `nonce` follow from the code verifier, the start
 * stands in the name, and what was configured at the start is authenticated: after a change of it the login is invalid.
 */
export class TransactionCookies {
  readonly #prefix: string;

  /** @param sameSite `none` where the response comes as a cross-site POST */
  constructor(
    private readonly sealer: Sealer,
    private readonly profile: CookieProfile,
    private readonly sameSite: SameSite,
    private readonly settings: AuthorizationSettings,
    private readonly now: Now,
  ) {
    this.#prefix = `${profile.name(BASE_NAME)}.`;
  }

  /**
   * Begins a login. The oldest others make room for it.
   *
   * @returns its `Set-Cookie` lines
   * @throws {SessionError} `SESSION_TOO_LARGE` the configuration makes it larger than a cookie can be
   */
  begin(cookies: Cookies, { authorization, returnTo }: LoginTransaction): readonly string[] {
    const { state, started_at, code_verifier } = authorization;
    const name = `${this.#prefix}${Math.floor(started_at)}.${stateHash(state)}`;
    const bytes = Buffer.concat([Buffer.from(code_verifier, 'base64url'), sealedBytes(authorization, returnTo)]);
    const value = this.sealer.sealBytes(LABEL, placeOf(name, authorization), bytes);
    if (value.length > MAX_PART_LENGTH) {
      throw new SessionError('SESSION_TOO_LARGE', 'The login does not fit into a cookie');
    }
    const maxAge = LIFETIME / 1000;
    return [
      ...this.clearSurplus(cookies, [name, value]),
      this.profile.set(name, value, { sameSite: this.sameSite, maxAge }),
    ];
  }

  /** The cookie of the login with this `state`. */
  nameOf(cookies: Cookies, state: string): string | undefined {
    const hash = stateHash(state);
    return this.#names(cookies).find((name) => name.endsWith(`.${hash}`));
  }

  /** Whether the browser has begun any login. */
  hasAny(cookies: Cookies): boolean {
    return this.#names(cookies).length > 0;
  }

  /** @throws {AuthorizationResponseError} `TRANSACTION_EXPIRED`, `TRANSACTION_INVALID` */
  open(cookies: Cookies, name: string): LoginTransaction {
    const sealed = singleCookie(cookies, name) ?? '';
    const bytes = this.sealer.openBytes(LABEL, placeOf(name, this.settings), sealed)?.bytes;
    const rest = bytes && restOf(bytes.subarray(VERIFIER_LENGTH));
    if (bytes === undefined || rest === undefined) {
      throw new AuthorizationResponseError('TRANSACTION_INVALID', 'The login was not begun here');
    }
    const started_at = startOf(name);
    if (this.now() >= started_at + LIFETIME) {
      throw new AuthorizationResponseError('TRANSACTION_EXPIRED', 'The login took too long');
    }
    const code_verifier = bytes.subarray(0, VERIFIER_LENGTH).toString('base64url');
    const [returnTo, others] = rest;
    const authorization = { ...this.settings, ...derivedFrom(code_verifier), code_verifier, started_at, ...others };
    return { authorization, returnTo } satisfies Complete<LoginTransaction>;
  }

  /** The `Set-Cookie` line that ends a login, whatever came of it. */
  clear(name: string): string {
    return this.profile.clear(name, this.sameSite);
  }

  /**
   * The `Set-Cookie` lines that clear the oldest logins of too many, for whatever answer comes next: tabs that begin at once
   * don't know of each other.
   *
   * @param added name and value of a cookie that comes to them
   */
  clearSurplus(cookies: Cookies, added?: readonly [name: string, value: string]): readonly string[] {
    const names = this.#names(cookies);
    if (names.length === 0) {
      return [];
    }
    let total = added === undefined ? 0 : lengthOf(...added);
    let count = added === undefined ? 0 : 1;
    const room = Math.max(MAX_COOKIE_HEADER - lengthWithout(names, cookies), MIN_ROOM);
    // Browsers send the oldest first (RFC 6265, section 5.4): that decides between those of the same time.
    return names
      .toReversed()
      .toSorted((one, other) => startOf(other) - startOf(one))
      .filter((name) => {
        count += 1;
        total += lengthIn(cookies, name);
        return count > MAX_TRANSACTIONS || total > room;
      })
      .slice(-MAX_CLEARED)
      .map((name) => this.clear(name));
  }

  #names(cookies: Cookies): readonly string[] {
    return [...cookies.keys()].filter(
      (name) => name.startsWith(this.#prefix) && /^\d{1,16}\.[\w-]{16}$/.test(name.slice(this.#prefix.length)),
    );
  }
}

/** What is authenticated with a login's cookie beside its value. */
function placeOf(name: string, settings: AuthorizationSettings): string {
  return JSON.stringify([name, ...CONFIGURED.map((member) => settings[member])]);
}

function sealedBytes(authorization: AuthorizationTransaction, returnTo: string): Buffer {
  const others = v.parse(othersSchema, authorization);
  return Buffer.from(JSON.stringify(Object.keys(others).length === 0 ? [returnTo] : [returnTo, others]), 'utf8');
}

/** Undefined where another version of this library sealed it. */
function restOf(bytes: Buffer): v.InferOutput<typeof sealedSchema> | undefined {
  const { success, output } = v.safeParse(sealedSchema, JSON.parse(bytes.toString('utf8')));
  return success ? output : undefined;
}

/** What a login is known by where its `state` itself is not kept. */
export function stateHash(state: string): string {
  return createHash('sha256').update(state).digest('base64url').slice(0, 16);
}

function startOf(name: string): number {
  return Number(name.split('.').at(-2));
}

function lengthWithout(names: readonly string[], cookies: Cookies): number {
  return [...cookies.keys()]
    .filter((name) => !names.includes(name))
    .reduce((sum, name) => sum + lengthIn(cookies, name), 0);
}

function lengthIn(cookies: Cookies, name: string): number {
  return (cookies.get(name) ?? []).reduce((sum, value) => sum + lengthOf(name, value), 0);
}

/** In a `Cookie` header, with what separates it from the next. */
function lengthOf(name: string, value: string): number {
  return `${name}=${value}; `.length;
}
