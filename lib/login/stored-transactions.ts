import { hash, randomBytes } from 'node:crypto';

import { AuthorizationResponseError } from '../errors/errors.js';
import { singleCookie, type Cookies } from '../nest/cookies.js';
import type { OidcStore } from '../storage/oidc-store.js';
import type { LoginTransaction } from './login-transaction.js';
import type { TransactionCookies, Transactions } from './transaction-cookies.js';

/** Bytes of a transaction's id, which nobody guesses (RFC 6749, section 10.10). */
const ID_LENGTH = 16;

/**
 * Login transactions in a store, sealed as in a cookie. The cookie has a random id, and stays as small whatever the return
 * URL. The store is asked by a hash of the id. Each transaction is taken out, so that it is good for one response only.
 */
export class StoredTransactions implements Transactions {
  constructor(
    private readonly cookies: TransactionCookies,
    private readonly store: OidcStore,
  ) {}

  async begin(cookies: Cookies, transaction: LoginTransaction): Promise<readonly string[]> {
    const { name, value } = this.cookies.seal(transaction);
    const id = randomBytes(ID_LENGTH).toString('base64url');
    await this.store.set(keyOf(name, id), value, this.cookies.maxAge * 1000);
    return this.cookies.set(cookies, name, id);
  }

  async open(cookies: Cookies, name: string): Promise<LoginTransaction> {
    const value = await this.store.take(keyOf(name, singleCookie(cookies, name) ?? ''));
    if (value === undefined) {
      throw new AuthorizationResponseError('TRANSACTION_CONSUMED', 'The login was not begun here, or has ended');
    }
    return this.cookies.unseal(name, value);
  }
}

function keyOf(name: string, id: string): string {
  return `login:${hash('sha256', `${name} ${id}`, 'base64url')}`;
}
