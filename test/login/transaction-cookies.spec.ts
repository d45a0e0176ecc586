import { describe, expect, it } from '@jest/globals';

import { TransactionCookies, type LoginTransaction } from '../../lib/login/transaction-cookies.js';
import { CookieProfile, parseCookies } from '../../lib/nest/cookies.js';
import { Sealer } from '../../lib/storage/sealer.js';

const T = 1_800_000_000_000;

function browser(secrets = ['a'.repeat(32)], sameSite: 'lax' | 'none' = 'lax', client?: string) {
  const time = { now: T };
  const profile = CookieProfile.of(['https://app.test/auth/callback'], client);
  return { time, transactions: new TransactionCookies(new Sealer(secrets), profile, sameSite, () => time.now) };
}

const transaction = (state: string, started_at = T, returnTo = '/'): LoginTransaction => ({
  authorization: {
    issuer: 'https://op.test',
    state,
    nonce: 'n'.repeat(43),
    code_verifier: 'v'.repeat(43),
    redirect_uri: 'https://app.test/auth/callback',
    scope: 'openid',
    response_mode: 'query',
    started_at,
  },
  returnTo,
});

/** What the browser keeps after these `Set-Cookie` lines. */
function keep(jar: Map<string, string>, lines: readonly string[]): Map<string, string> {
  for (const line of lines) {
    const [name = '', value = ''] = (line.split(';')[0] ?? '').split('=');
    if (line.includes('Max-Age=0')) {
      jar.delete(name);
    } else {
      jar.set(name, value);
    }
  }
  return jar;
}

const sent = (jar: ReadonlyMap<string, string>) => parseCookies([...jar].map((entry) => entry.join('=')).join('; '));
const NOTHING = parseCookies('');

describe('TransactionCookies', () => {
  it('names a cookie by the time and a hash of the state, for ten minutes', () => {
    const [line, ...more] = browser().transactions.begin(NOTHING, transaction('s1'));
    expect(line).toMatch(
      /^__Host-oidc-login\.1800000000000\.6LwWPILu4YczKIx9=[\w-]+; Max-Age=600; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    );
    expect(more).toEqual([]);
  });

  it('AUTHZ-26 comes along with a cross-site form', () => {
    const { transactions } = browser(undefined, 'none');
    const [line = ''] = transactions.begin(NOTHING, transaction('s1'));
    expect(line).toMatch(/; Secure; SameSite=None$/);
    expect(transactions.clear('__Host-x')).toBe('__Host-x=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=None');
  });

  it('TXN-10 keeps the logins of two tabs apart, each with its own return URL', () => {
    const { transactions } = browser();
    const jar = keep(new Map(), transactions.begin(NOTHING, transaction('s1', T, '/one')));
    keep(jar, transactions.begin(sent(jar), transaction('s2', T, '/two')));
    for (const [state, returnTo] of [
      ['s2', '/two'],
      ['s1', '/one'],
    ] as const) {
      const name = transactions.nameOf(sent(jar), state) ?? '';
      expect(transactions.open(sent(jar), name)).toEqual(transaction(state, T, returnTo));
      keep(jar, [transactions.clear(name)]);
    }
    expect(transactions.hasAny(sent(jar))).toBe(false);
  });

  it('AUTHZ-03 AUTHZ-04 another state finds nothing', () => {
    const { transactions } = browser();
    const jar = keep(new Map(), transactions.begin(NOTHING, transaction('abc')));
    for (const state of ['', 'ABC', 'abc ', 'abc+', 'abc\u0000', 'ab', 'xyz']) {
      expect(transactions.nameOf(sent(jar), state)).toBeUndefined();
    }
    expect(transactions.hasAny(sent(jar))).toBe(true);
  });

  it('TXN-06 expires after ten minutes, by the time that is sealed in it', () => {
    const { transactions, time } = browser();
    const jar = keep(new Map(), transactions.begin(NOTHING, transaction('s1')));
    const name = transactions.nameOf(sent(jar), 's1') ?? '';
    time.now = T + 599_999;
    expect(transactions.open(sent(jar), name).authorization.state).toBe('s1');
    time.now = T + 600_000;
    expect(() => transactions.open(sent(jar), name)).toThrow(expect.objectContaining({ code: 'TRANSACTION_EXPIRED' }));
  });

  it('TXN-07 REDIR-23 is invalid once a byte of it was changed', () => {
    const { transactions } = browser();
    const jar = keep(new Map(), transactions.begin(NOTHING, transaction('s1')));
    const name = transactions.nameOf(sent(jar), 's1') ?? '';
    const value = jar.get(name) ?? '';
    for (const other of ['', 'x', `${value}A`, value.slice(1), `B${value.slice(1)}`, value.replace(/.$/, '!')]) {
      expect(() => transactions.open(sent(new Map([[name, other]])), name)).toThrow(
        expect.objectContaining({ code: 'TRANSACTION_INVALID' }),
      );
    }
    expect(() => transactions.open(parseCookies(`${name}=${value}; ${name}=${value}`), name)).toThrow(
      expect.objectContaining({ code: 'TRANSACTION_INVALID' }),
    );
  });

  it('does not open under the name of another transaction', () => {
    const { transactions } = browser();
    const jar = keep(new Map(), transactions.begin(NOTHING, transaction('s1')));
    const other = keep(new Map(), transactions.begin(NOTHING, transaction('s2')));
    const swapped = new Map([...jar.keys()].map((name) => [name, [...other.values()][0] ?? '']));
    expect(() => transactions.open(sent(swapped), [...jar.keys()][0] ?? '')).toThrow(
      expect.objectContaining({ code: 'TRANSACTION_INVALID' }),
    );
  });

  it('TXN-11 keeps five, and drops the oldest', () => {
    const { transactions } = browser();
    const jar = new Map<string, string>();
    for (let index = 0; index < 50; index += 1) {
      keep(jar, transactions.begin(sent(jar), transaction(`s${index}`, T + index)));
      expect([...jar].join('; ').length).toBeLessThan(8192);
    }
    expect(jar.size).toBe(5);
    const times = [...jar.keys()].map((name) => name.split('.')[1]);
    expect(times.toSorted()).toEqual([45, 46, 47, 48, 49].map((index) => String(T + index)));
  });

  it('TXN-11 keeps fewer where their return URLs are long', () => {
    const { transactions } = browser();
    const jar = new Map<string, string>();
    for (let index = 0; index < 10; index += 1) {
      keep(jar, transactions.begin(sent(jar), transaction(`s${index}`, T + index, `/${'a'.repeat(2047)}`)));
      expect([...jar].join('; ').length).toBeLessThan(4300);
    }
    expect([...jar.keys()].map((name) => name.split('.')[1])).toEqual([String(T + 9)]);
  });

  it('TXN-28 opens what an older secret sealed, until that is removed', () => {
    const [older, newer] = ['a'.repeat(32), 'b'.repeat(32)];
    const jar = keep(new Map(), browser([older]).transactions.begin(NOTHING, transaction('s1')));
    const [name = ''] = jar.keys();
    expect(browser([newer, older]).transactions.open(sent(jar), name).returnTo).toBe('/');
    expect(() => browser([newer]).transactions.open(sent(jar), name)).toThrow(
      expect.objectContaining({ code: 'TRANSACTION_INVALID' }),
    );
  });

  it('NEST-15 does not touch the transactions of another client, nor other cookies', () => {
    const one = browser().transactions;
    const two = browser(undefined, undefined, 'two').transactions;
    const jar = keep(new Map([['__Host-oidc-login.x.y', '1']]), one.begin(NOTHING, transaction('s1')));
    keep(jar, two.begin(sent(jar), transaction('s2')));
    expect(one.nameOf(sent(jar), 's2')).toBeUndefined();
    expect(two.nameOf(sent(jar), 's1')).toBeUndefined();
    for (let index = 0; index < 9; index += 1) {
      keep(jar, one.begin(sent(jar), transaction(`t${index}`, T + 1 + index)));
    }
    expect(two.nameOf(sent(jar), 's2')).toMatch(/^__Host-oidc-login-two\./);
    expect(jar.has('__Host-oidc-login.x.y')).toBe(true);
  });

  it('refuses what no cookie can hold', () => {
    expect(() => browser().transactions.begin(NOTHING, transaction('s'.repeat(4000)))).toThrow(
      expect.objectContaining({ code: 'SESSION_TOO_LARGE' }),
    );
  });
});
