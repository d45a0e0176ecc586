import { createHash } from 'node:crypto';

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { derivedFrom, type AuthorizationTransaction } from '../../lib/authorization/transaction.js';
import { loginTransactionSchema, mayRepeat, type LoginTransaction } from '../../lib/login/login-transaction.js';
import { TransactionCookies } from '../../lib/login/transaction-cookies.js';
import { CookieProfile, parseCookies } from '../../lib/nest/cookies.js';
import { Sealer } from '../../lib/storage/sealer.js';
import { generated } from '../support/generated.js';

const T = 1_800_000_000_000;

const SETTINGS = {
  issuer: 'https://op.test',
  redirect_uri: 'https://app.test/auth/callback',
  scope: 'openid',
  response_type: 'code',
  response_mode: 'query',
} as const;

interface Setup {
  readonly secrets?: string[];
  readonly sameSite?: 'lax' | 'none';
  readonly client?: string;
  readonly settings?: Partial<AuthorizationTransaction>;
}

function browser({ secrets = ['a'.repeat(32)], sameSite = 'lax', client, settings = {} }: Setup = {}) {
  const time = { now: T };
  const profile = new CookieProfile(true, client);
  const all = { ...SETTINGS, ...settings };
  return {
    time,
    transactions: new TransactionCookies(new Sealer(secrets), profile, sameSite, all, () => time.now, 600),
  };
}

/** A code verifier for each name of a login. */
const verifier = (login: string) => createHash('sha256').update(login).digest('base64url');
const stateOf = (login: string) => derivedFrom(verifier(login)).state;

const transaction = (
  login: string,
  started_at = T,
  returnTo = '/',
  more = {},
  repeatWith: LoginTransaction['repeatWith'] = {},
): LoginTransaction => ({
  authorization: {
    ...SETTINGS,
    ...derivedFrom(verifier(login)),
    code_verifier: verifier(login),
    started_at,
    ...more,
  },
  returnTo,
  repeatWith,
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
  it('names a cookie by the time and a hash of the state, for ten minutes and an hour', () => {
    const [line, ...more] = browser().transactions.begin(NOTHING, transaction('s1'));
    expect(line).toMatch(
      /^__Host-oidc-login\.1800000000000\.[\w-]{16}=[\w-]+; Max-Age=4200; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    );
    expect(more).toEqual([]);
  });

  it('AUTHZ-26 comes along with a cross-site form', () => {
    const { transactions } = browser({ sameSite: 'none' });
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
      const name = transactions.nameOf(sent(jar), stateOf(state)) ?? '';
      expect(transactions.open(sent(jar), name)).toEqual(transaction(state, T, returnTo));
      keep(jar, [transactions.clear(name)]);
    }
    expect(transactions.hasAny(sent(jar))).toBe(false);
  });

  it('AUTHZ-03 AUTHZ-04 another state finds nothing', () => {
    const { transactions } = browser();
    const jar = keep(new Map(), transactions.begin(NOTHING, transaction('abc')));
    const good = stateOf('abc');
    expect(transactions.nameOf(sent(jar), good)).toMatch(/./);
    for (const state of ['', good.toLowerCase(), `${good} `, `${good}+`, `${good}\u0000`, good.slice(1), 'xyz']) {
      expect(transactions.nameOf(sent(jar), state)).toBeUndefined();
    }
    expect(transactions.hasAny(sent(jar))).toBe(true);
  });

  it('TXN-06 expires after ten minutes, by the time that is sealed in it', () => {
    const { transactions, time } = browser();
    const jar = keep(new Map(), transactions.begin(NOTHING, transaction('s1')));
    const name = transactions.nameOf(sent(jar), stateOf('s1')) ?? '';
    const opened = transactions.open(sent(jar), name);
    time.now = T + 599_999;
    expect(transactions.isLate(opened)).toBe(false);
    time.now = T + 600_000;
    expect(transactions.isLate(opened)).toBe(true);
  });

  it('TXN-07 REDIR-23 is invalid once a byte of it was changed', () => {
    const { transactions } = browser();
    const jar = keep(new Map(), transactions.begin(NOTHING, transaction('s1')));
    const name = transactions.nameOf(sent(jar), stateOf('s1')) ?? '';
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

  it('seals and opens every member of a login', () => {
    fc.assert(
      fc.property(generated(loginTransactionSchema), fc.stringMatching(/^[a-z]{1,9}$/), (made, login) => {
        const authorization = {
          ...made.authorization,
          ...derivedFrom(verifier(login)),
          code_verifier: verifier(login),
        };
        const begun = { ...made, authorization: { ...authorization, started_at: T } };
        const { transactions } = browser({ settings: authorization });
        const jar = keep(new Map(), transactions.begin(NOTHING, begun));
        const name = transactions.nameOf(sent(jar), authorization.state) ?? '';
        expect(transactions.open(sent(jar), name)).toEqual(begun);
      }),
    );
  });

  it.each<[string, Partial<AuthorizationTransaction>]>([
    ['issuer', { issuer: 'https://other.test' }],
    ['redirect URI', { redirect_uri: 'https://app.test/other' }],
    ['scope', { scope: 'openid email' }],
    ['response mode', { response_mode: 'form_post' }],
    ['max_age', { max_age: 60 }],
  ])('is invalid once another %s is configured', (_what, settings) => {
    const jar = keep(new Map(), browser().transactions.begin(NOTHING, transaction('s1')));
    const { transactions } = browser({ settings });
    expect(() => transactions.open(sent(jar), [...jar.keys()][0] ?? '')).toThrow(
      expect.objectContaining({ code: 'TRANSACTION_INVALID' }),
    );
  });

  it('keeps the parameters to begin again with, where they are short', () => {
    const { transactions } = browser();
    for (const repeatWith of [{ login_hint: 'a@app.test' }, {}, undefined]) {
      const begun = transaction('s1', T, '/', {}, repeatWith);
      const jar = keep(new Map(), transactions.begin(NOTHING, { ...begun, repeatWith }));
      expect(transactions.open(sent(jar), [...jar.keys()][0] ?? '').repeatWith).toEqual(repeatWith);
    }
    const longest = `/${'a'.repeat(2047)}`;
    expect(mayRepeat({ a: 'x'.repeat(504) }, '/')).toEqual({ a: 'x'.repeat(504) });
    expect(mayRepeat({ a: 'x'.repeat(505) }, '/')).toBeUndefined();
    expect([mayRepeat({}, longest), mayRepeat({ a: 'x' }, longest)]).toEqual([{}, undefined]);
  });

  it.each([
    ['/', 143],
    ['/orders?page=2', 160],
    [`/${'a'.repeat(80)}`, 249],
  ])('takes few bytes: for %p', (returnTo, length) => {
    const jar = keep(new Map(), browser().transactions.begin(NOTHING, transaction('s1', T, returnTo)));
    expect([...jar].map((entry) => entry.join('=').length)).toEqual([length]);
  });

  it('TXN-11 keeps thirty, and drops the oldest', () => {
    const { transactions } = browser();
    const jar = new Map<string, string>();
    for (let index = 0; index < 50; index += 1) {
      keep(jar, transactions.begin(sent(jar), transaction(`s${index}`, T + index)));
      expect([...jar].join('; ').length).toBeLessThan(8000);
    }
    const times = [...jar.keys()].map((name) => name.split('.')[1]);
    expect(times).toEqual(Array.from({ length: 30 }, (_, index) => String(T + 20 + index)));
  });

  it('TXN-11 clears what too many tabs began at once, some with each answer', () => {
    const { transactions } = browser();
    const jar = new Map<string, string>();
    for (let index = 0; index < 45; index += 1) {
      keep(jar, transactions.begin(NOTHING, transaction(`s${index}`, T + index)));
    }
    const sizes = [];
    for (let answer = 0; answer < 4; answer += 1) {
      const lines = transactions.clearSurplus(sent(jar));
      expect(lines.join('').length).toBeLessThan(1200);
      sizes.push(keep(jar, lines).size);
    }
    expect(sizes).toEqual([37, 30, 30, 30]);
    expect([...jar.keys()].map((name) => Number(name.split('.')[1]) - T).toSorted((a, b) => a - b)[0]).toBe(15);
  });

  it.each([
    ['nothing else', 0, 30],
    ['the session that nginx still takes', 3600, 30],
    ['the largest session', 11_400, 28],
  ])('TXN-11 beside %s keeps what a header line takes', (_what, length, kept) => {
    const { transactions } = browser();
    const jar = new Map([['session', 's'.repeat(length)]]);
    for (let index = 0; index < 50; index += 1) {
      keep(jar, transactions.begin(sent(jar), transaction(`s${index}`, T + index)));
    }
    expect(jar.size - 1).toBe(kept);
  });

  it('TXN-11 keeps fewer where their return URLs are long', () => {
    const { transactions } = browser();
    const jar = new Map<string, string>();
    for (let index = 0; index < 10; index += 1) {
      keep(jar, transactions.begin(sent(jar), transaction(`s${index}`, T + index, `/${'a'.repeat(2047)}`)));
    }
    expect([...jar.keys()].map((name) => name.split('.')[1])).toEqual([String(T + 8), String(T + 9)]);
  });

  it('TXN-28 opens what an older secret sealed, until that is removed', () => {
    const [older, newer] = ['a'.repeat(32), 'b'.repeat(32)];
    const jar = keep(new Map(), browser({ secrets: [older] }).transactions.begin(NOTHING, transaction('s1')));
    const [name = ''] = jar.keys();
    expect(browser({ secrets: [newer, older] }).transactions.open(sent(jar), name).returnTo).toBe('/');
    expect(() => browser({ secrets: [newer] }).transactions.open(sent(jar), name)).toThrow(
      expect.objectContaining({ code: 'TRANSACTION_INVALID' }),
    );
  });

  it('NEST-15 does not touch the transactions of another client, nor other cookies', () => {
    const one = browser().transactions;
    const two = browser({ client: 'two' }).transactions;
    const jar = keep(new Map([['__Host-oidc-login.x.y', '1']]), one.begin(NOTHING, transaction('s1')));
    keep(jar, two.begin(sent(jar), transaction('s2')));
    expect(one.nameOf(sent(jar), stateOf('s2'))).toBeUndefined();
    expect(two.nameOf(sent(jar), stateOf('s1'))).toBeUndefined();
    for (let index = 0; index < 9; index += 1) {
      keep(jar, one.begin(sent(jar), transaction(`t${index}`, T + 1 + index)));
    }
    expect(two.nameOf(sent(jar), stateOf('s2'))).toMatch(/^__Host-oidc-login-two\./);
    expect(jar.has('__Host-oidc-login.x.y')).toBe(true);
  });

  it('refuses what no cookie can hold', () => {
    const dpop_jwk = { kty: 'RSA', d: 'd'.repeat(4000) };
    expect(() => browser().transactions.begin(NOTHING, transaction('s1', T, '/', { dpop_jwk }))).toThrow(
      expect.objectContaining({ code: 'SESSION_TOO_LARGE' }),
    );
  });
});
