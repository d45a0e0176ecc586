import { hash } from 'node:crypto';

import * as v from 'valibot';

import {
  authorizationTransactionSchema,
  derivedFrom,
  type AuthorizationTransaction,
} from '../authorization/transaction.js';
import type { Now } from '../clock/clock.js';
import { AuthorizationResponseError, SessionError } from '../errors/errors.js';
import { singleCookie, type CookieProfile, type Cookies, type SameSite } from '../nest/cookies.js';
import { MAX_PART_LENGTH } from '../storage/sealed-parts.js';
import type { Sealer } from '../storage/sealer.js';
import type { Awaitable } from '../values/awaitable.js';
import type { Complete } from '../values/complete.js';
import type { LoginParameters } from './login-parameters.js';

const LABEL = 'login transaction';
const BASE_NAME = 'oidc-login';

/** Seconds that a transaction outlives its login: who comes late is sent to a new login with the same return URL. */
const AFTERWARDS = 3600;

/** Bytes of parameters that a cookie keeps for a new login, and of them with the return URL: that one comes first. */
const MAX_PARAMETERS = 512;
const MAX_KEPT = 2050;

/** Maximum number of logins at once in one browser, for example in tabs that are restored after a restart. */
const MAX_TRANSACTIONS = 30;

/** Maximum bytes of the `Cookie` header. nginx refuses 8 KB (`large_client_header_buffers`), Node 16 KB of headers. */
const MAX_COOKIE_HEADER = 8000;

/** Bytes of it that logins always have. Together with the largest session Node still accepts it. */
const MIN_ROOM = 4096;

/** Maximum number of cookies cleared in one answer: each takes 120 bytes of nginx's 4 KB. The next answer clears more. */
const MAX_CLEARED = 8;

/** Bytes of a code verifier (RFC 7636, section 4.1). */
const VERIFIER_LENGTH = 32;

export const loginTransactionSchema = v.object({
  /** The transaction of the protocol. */
  authorization: authorizationTransactionSchema,
  /** The return URL. */
  returnTo: v.string(),
  /** Whether the user asked for a session that outlives the browser. */
  remember: v.optional(v.literal(true)),
  /** Whether the provider was asked to show no page: OpenID Connect Core 1.0, section 3.1.2.1, `prompt`. */
  silent: v.optional(v.literal(true)),
  /** Parameters, beside the configured ones, to begin again with after too long; undefined: it is not begun again. */
  repeatWith: v.optional(v.record(v.string(), v.string())),
});

/** A login that has begun. */
export type LoginTransaction = Readonly<v.InferOutput<typeof loginTransactionSchema>>;

/** Members from the configuration. They are not in the cookie, but authenticated with it. */
const CONFIGURED = ['issuer', 'redirect_uri', 'scope', 'response_type', 'response_mode', 'max_age'] as const;

/** The settings that all logins of a client share. */
export type AuthorizationSettings = Pick<AuthorizationTransaction, (typeof CONFIGURED)[number]>;

/** Members that are true or left out. The sealed tuple lists the names of those that are true. */
const FLAGS = ['remember', 'silent'] as const;

/** Members outside the sealed tuple: configured, derived from the code verifier, the verifier itself, or in the name. */
const KEPT_ELSEWHERE = [...CONFIGURED, 'state', 'nonce', 'code_verifier', 'started_at'] as const;

const othersSchema = v.omit(authorizationTransactionSchema, KEPT_ELSEWHERE);

/**
 * The sealed tuple after the code verifier: the return URL, the other members if there are any, the parameters to begin again
 * with (`null`: it is not begun again), and the flags.
 */
const sealedSchema = v.tuple([
  v.string(),
  v.optional(othersSchema, {}),
  v.optional(v.nullable(v.record(v.string(), v.string())), {}),
  v.optional(v.array(v.picklist(FLAGS)), []),
]);

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
 * The cookie holds only the values that differ between logins. `state` and `nonce` are derived from the code verifier, the
 * start is in the name. The configuration is authenticated: after a change of it the login is invalid.
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
    const { authorization } = transaction;
    const { state, started_at, code_verifier } = authorization;
    const name = `${this.#prefix}${Math.floor(started_at)}.${stateHash(state)}`;
    const bytes = Buffer.concat([Buffer.from(code_verifier, 'base64url'), sealedBytes(transaction)]);
    const value = this.sealer.sealBytes(LABEL, placeOf(name, authorization), bytes);
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
    const bytes = this.sealer.openBytes(LABEL, placeOf(name, this.settings), value)?.bytes;
    const rest = bytes && restOf(bytes.subarray(VERIFIER_LENGTH));
    if (bytes === undefined || rest === undefined) {
      throw new AuthorizationResponseError('TRANSACTION_INVALID', 'The login was not begun here');
    }
    const started_at = startOf(name);
    const code_verifier = bytes.subarray(0, VERIFIER_LENGTH).toString('base64url');
    const [returnTo, others, again, flags] = rest;
    const [remember, silent] = FLAGS.map((flag) => flags.includes(flag) || undefined);
    const authorization = { ...this.settings, ...derivedFrom(code_verifier), code_verifier, started_at, ...others };
    return {
      authorization,
      returnTo,
      remember,
      silent,
      repeatWith: again ?? undefined,
    } satisfies Complete<LoginTransaction>;
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

/** The additional authenticated data of a login's cookie: its name and the settings. */
function placeOf(name: string, settings: AuthorizationSettings): string {
  return JSON.stringify([name, ...CONFIGURED.map((member) => settings[member])]);
}

function sealedBytes({ authorization, returnTo, repeatWith, ...flags }: LoginTransaction): Buffer {
  const others = v.parse(othersSchema, authorization);
  const members = [returnTo, others, repeatWith ?? null, FLAGS.filter((flag) => flags[flag])];
  // Empty members at the end are left out: most cookies need none.
  const length = members.findLastIndex((member) => member === null || Object.keys(member).length > 0) + 1;
  return Buffer.from(JSON.stringify(members.slice(0, Math.max(length, 1))), 'utf8');
}

/** The parameters, where they are short enough to be kept for a login that begins again. */
export function mayRepeat(parameters: LoginParameters, returnTo: string): LoginParameters | undefined {
  const bytes = Buffer.byteLength(JSON.stringify(parameters));
  return bytes <= MAX_PARAMETERS && bytes + returnTo.length <= MAX_KEPT ? parameters : undefined;
}

/** Reads the sealed tuple; undefined if another version of this library sealed it. */
function restOf(bytes: Buffer): v.InferOutput<typeof sealedSchema> | undefined {
  const { success, output } = v.safeParse(sealedSchema, JSON.parse(bytes.toString('utf8')));
  return success ? output : undefined;
}

/** Hash of a `state`, for places that must not keep the `state` itself. */
export function stateHash(state: string): string {
  return hash('sha256', state, 'base64url').slice(0, 16);
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
