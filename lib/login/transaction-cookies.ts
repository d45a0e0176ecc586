import { createHash } from 'node:crypto';

import * as v from 'valibot';

import type { AuthorizationTransaction } from '../client/authorization-request.js';
import type { Now } from '../clock/clock.js';
import { AuthorizationResponseError, SessionError } from '../errors/errors.js';
import { singleCookie, type CookieProfile, type Cookies, type SameSite } from '../nest/cookies.js';
import type { Sealer } from '../storage/sealer.js';

const PURPOSE = 'login transaction';
const BASE_NAME = 'oidc-login';

/** Milliseconds: RFC 9700, section 2.1.1 wants it short; a person may have to find a second factor. */
const LIFETIME = 600_000;

/** Tabs of one browser that log in at once. */
const MAX_TRANSACTIONS = 5;

/** Characters that all of them may take in a request: a stock Node server refuses more than 16 KB of headers. */
const MAX_TOTAL_LENGTH = 4096;

/** What browsers keep in one cookie, less its name and attributes. */
const MAX_VALUE_LENGTH = 3800;

/** A login that has begun: what the protocol remembers, and where the browser wants to go. */
export interface LoginTransaction {
  readonly authorization: AuthorizationTransaction;
  readonly returnTo: string;
}

const sealedSchema = v.object({
  authorization: v.object({
    issuer: v.string(),
    state: v.string(),
    nonce: v.string(),
    code_verifier: v.string(),
    redirect_uri: v.string(),
    scope: v.string(),
    response_mode: v.picklist(['query', 'form_post']),
    max_age: v.exactOptional(v.number()),
    dpop_jwk: v.exactOptional(v.record(v.string(), v.string())),
    started_at: v.number(),
  }),
  returnTo: v.string(),
});

/**
 * The logins that a browser has begun: one sealed cookie each, so that tabs don't disturb each other.
 *
 * The cookie's name carries when the login began and a hash of its `state`. So the right one is found without opening
 * any, and a stranger who does not know a `state` can neither use nor use up a transaction.
 */
export class TransactionCookies {
  readonly #prefix: string;

  /** @param sameSite `none` where the response comes as a cross-site POST */
  constructor(
    private readonly sealer: Sealer,
    private readonly profile: CookieProfile,
    private readonly sameSite: SameSite,
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
  begin(cookies: Cookies, transaction: LoginTransaction): readonly string[] {
    const { state, started_at } = transaction.authorization;
    const name = `${this.#prefix}${Math.floor(started_at)}.${hashOf(state)}`;
    const value = this.sealer.seal(PURPOSE, name, transaction, this.now() + LIFETIME);
    if (value.length > MAX_VALUE_LENGTH) {
      throw new SessionError('SESSION_TOO_LARGE', 'The login does not fit into a cookie');
    }
    return [
      ...this.superfluous(cookies, name.length + value.length).map((old) => this.clear(old)),
      this.profile.set(name, value, { sameSite: this.sameSite, maxAge: LIFETIME / 1000 }),
    ];
  }

  /** The cookie of the login with this `state`. */
  nameOf(cookies: Cookies, state: string): string | undefined {
    const hash = hashOf(state);
    return this.names(cookies).find((name) => name.endsWith(`.${hash}`));
  }

  /** Whether the browser has begun any login. */
  hasAny(cookies: Cookies): boolean {
    return this.names(cookies).length > 0;
  }

  /** @throws {AuthorizationResponseError} `TRANSACTION_EXPIRED`, `TRANSACTION_INVALID` */
  open(cookies: Cookies, name: string): LoginTransaction {
    const opened = this.sealer.open(PURPOSE, name, singleCookie(cookies, name) ?? '', this.now());
    if (opened.status === 'expired') {
      throw new AuthorizationResponseError('TRANSACTION_EXPIRED', 'The login took too long');
    }
    const parsed = opened.status === 'open' ? v.safeParse(sealedSchema, opened.value) : undefined;
    if (parsed?.success !== true) {
      throw new AuthorizationResponseError('TRANSACTION_INVALID', 'The login was not begun here');
    }
    return parsed.output;
  }

  /** The `Set-Cookie` line that ends a login, whatever came of it. */
  clear(name: string): string {
    return this.profile.clear(name, this.sameSite);
  }

  /** What does not fit beside a new one of this length: the oldest. */
  private superfluous(cookies: Cookies, length: number): readonly string[] {
    let count = 1;
    let total = length;
    return this.names(cookies)
      .toSorted((one, other) => startOf(other) - startOf(one))
      .filter((name) => {
        count += 1;
        total += name.length + (cookies.get(name)?.join('').length ?? 0);
        return count > MAX_TRANSACTIONS || total > MAX_TOTAL_LENGTH;
      });
  }

  private names(cookies: Cookies): readonly string[] {
    return [...cookies.keys()].filter(
      (name) => name.startsWith(this.#prefix) && /^\d{1,16}\.[\w-]{16}$/.test(name.slice(this.#prefix.length)),
    );
  }
}

function hashOf(state: string): string {
  return createHash('sha256').update(state).digest('base64url').slice(0, 16);
}

function startOf(name: string): number {
  return Number(name.split('.').at(-2));
}
