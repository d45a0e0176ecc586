import type { Now } from '../clock/clock.js';
import { SessionError } from '../errors/errors.js';
import { singleCookie, type CookieProfile, type Cookies, type SameSite } from '../nest/cookies.js';
import { MAX_PART_LENGTH } from '../storage/sealed-parts.js';
import type { Sealer } from '../storage/sealer.js';
import type { Awaitable } from '../values/awaitable.js';
import {
  openTransaction,
  sealTransaction,
  stateHash,
  type AuthorizationSettings,
  type LoginTransaction,
} from './login-transaction.js';

const BASE_NAME = 'oidc-login';

/** Seconds that a transaction outlives its login: who comes late is sent to a new login with the same return URL. */
const AFTERWARDS = 3600;

/** Maximum number of logins at once in one browser, for example in tabs that are restored after a restart. */
const MAX_TRANSACTIONS = 30;

/** Maximum bytes of the `Cookie` header. nginx refuses 8 KB (`large_client_header_buffers`), Node 16 KB of headers. */
const MAX_COOKIE_HEADER = 8000;

/** Bytes of it that logins always have. Together with the largest session Node still accepts it. */
const MIN_ROOM = 4096;

/** Maximum number of cookies cleared in one answer: each takes 120 bytes of nginx's 4 KB. The next answer clears more. */
const MAX_CLEARED = 8;

/** Where the transactions of logins are kept. */
export interface Transactions {
  /**
   * Begins a login. The oldest others are cleared if there are too many.
   *
   * @returns its `Set-Cookie` lines
   * @throws {SessionError} `SESSION_TOO_LARGE` it does not fit into a cookie
   * @throws {StoreError} the store can't be reached
   */
  begin(cookies: Cookies, transaction: LoginTransaction): Awaitable<readonly string[]>;

  /**
   * Opens a login's transaction. The login may be too old: see {@link TransactionCookies.isLate}.
   *
   * @param name of its cookie
   * @throws {AuthorizationResponseError} `TRANSACTION_INVALID`, `TRANSACTION_CONSUMED`
   * @throws {StoreError} the store can't be reached
   */
  open(cookies: Cookies, name: string): Awaitable<LoginTransaction>;
}

/**
 * Cookies of the logins that a browser has begun: one sealed cookie each, so that tabs don't disturb each other.
 *
 * The cookie's name has the start of the login and a hash of its `state`. So the right cookie is found without opening any,
 * and a stranger who does not know a `state` can neither use nor clear a transaction.
 *
 * It holds no more than has to be sealed: see {@link sealTransaction}.
 */
export class TransactionCookies implements Transactions {
  readonly #prefix: string;

  /** Seconds for which a transaction is kept: an hour longer than its login may take. */
  readonly maxAge: number;

  /**
   * @param sameSite `none` for a response by cross-site POST
   * @param lifetime seconds: short (RFC 9700, section 2.1.1), but long enough to find a second factor
   */
  constructor(
    private readonly sealer: Sealer,
    private readonly profile: CookieProfile,
    private readonly sameSite: SameSite,
    private readonly settings: AuthorizationSettings,
    private readonly now: Now,
    private readonly lifetime: number,
  ) {
    this.#prefix = `${profile.name(BASE_NAME)}.`;
    this.maxAge = lifetime + AFTERWARDS;
  }

  begin(cookies: Cookies, transaction: LoginTransaction): readonly string[] {
    const { name, value } = this.seal(transaction);
    return this.set(cookies, name, value);
  }

  /** Seals a transaction, for the cookie of this name or for a store. @throws {SessionError} `SESSION_TOO_LARGE` */
  seal(transaction: LoginTransaction): { readonly name: string; readonly value: string } {
    const { state, started_at } = transaction.authorization;
    const name = `${this.#prefix}${Math.floor(started_at)}.${stateHash(state)}`;
    const value = sealTransaction(this.sealer, name, transaction);
    if (value.length > MAX_PART_LENGTH) {
      throw new SessionError('SESSION_TOO_LARGE', 'The login does not fit into a cookie');
    }
    return { name, value };
  }

  /** The `Set-Cookie` lines of a new login's cookie, and those that clear surplus ones. */
  set(cookies: Cookies, name: string, value: string): readonly string[] {
    return [
      ...this.clearSurplus(cookies, [name, value]),
      this.profile.set(name, value, { sameSite: this.sameSite, maxAge: this.maxAge }),
    ];
  }

  /** The cookie of the login with this `state`. */
  nameOf(cookies: Cookies, state: string): string | undefined {
    const ending = `.${stateHash(state)}`;
    return this.#names(cookies).find((name) => name.endsWith(ending));
  }

  /** Whether the browser has a cookie of any login. */
  hasAny(cookies: Cookies): boolean {
    return this.#names(cookies).length > 0;
  }

  open(cookies: Cookies, name: string): LoginTransaction {
    return this.unseal(name, singleCookie(cookies, name) ?? '');
  }

  /** Opens what {@link seal} made. @throws {AuthorizationResponseError} `TRANSACTION_INVALID` */
  unseal(name: string, value: string): LoginTransaction {
    return openTransaction(this.sealer, { name, value }, this.settings, startOf(name));
  }

  /** Whether a login took too long: its response is not taken any more. */
  isLate({ authorization }: LoginTransaction): boolean {
    return this.now() >= authorization.started_at + this.lifetime * 1000;
  }

  /** The `Set-Cookie` line that clears a login's cookie. */
  clear(name: string): string {
    return this.profile.clear(name, this.sameSite);
  }

  /**
   * The `Set-Cookie` lines that clear surplus logins, the oldest first. The next answer sets them, whatever it is: tabs that
   * begin logins at once don't know of each other.
   *
   * @param added name and value of a new cookie
   */
  clearSurplus(cookies: Cookies, added?: readonly [name: string, value: string]): readonly string[] {
    const names = this.#names(cookies);
    if (names.length === 0) {
      return [];
    }
    let total = added === undefined ? 0 : lengthOf(...added);
    let count = added === undefined ? 0 : 1;
    const room = Math.max(MAX_COOKIE_HEADER - lengthWithout(names, cookies), MIN_ROOM);
    // For equal times the order of the header counts: browsers send the oldest first (RFC 6265, section 5.4).
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

/** Bytes of a cookie in the `Cookie` header, with the separator. */
function lengthOf(name: string, value: string): number {
  return `${name}=${value}; `.length;
}
