import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { CookieProfile, parseCookies, singleCookie } from '../../lib/nest/cookies.js';
import { expectWithin } from '../support/within.js';

describe('CookieProfile', () => {
  const https = new CookieProfile(true);
  const http = new CookieProfile(false);

  it('SESS-15 gives a cookie every protection of its scheme', () => {
    expect(https.set(https.name('oidc-session'), 'v')).toBe(
      '__Host-oidc-session=v; Path=/; HttpOnly; Secure; SameSite=Lax',
    );
    expect(http.set(http.name('oidc-session'), 'v')).toBe('oidc-session=v; Path=/; HttpOnly; SameSite=Lax');
    expect(https.clear(https.name('oidc-session'))).toBe(
      '__Host-oidc-session=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax',
    );
  });

  it('AUTHZ-26 lets a form_post response find its transaction', () => {
    expect(https.set('__Host-t', 'v', { sameSite: 'none', maxAge: 600 })).toBe(
      '__Host-t=v; Max-Age=600; Path=/; HttpOnly; Secure; SameSite=None',
    );
  });

  it('NEST-15 tells the cookies of two clients apart', () => {
    const named = new CookieProfile(true, 'partners');
    expect(named.name('oidc-session')).toBe('__Host-oidc-session-partners');
    for (const name of ['a.b', 'a b', 'a;b', 'ü', '', 'x'.repeat(65)]) {
      expect(() => new CookieProfile(true, name)).toThrow('name: must be');
    }
  });
});

describe('parseCookies', () => {
  it('SESS-28 two cookies of one name are none, in either order', () => {
    for (const header of ['s=valid; s=attacker', 's=attacker; a=b; s=valid', 's=same; s=same']) {
      expect(singleCookie(parseCookies(header), 's')).toBeUndefined();
      expect(parseCookies(header).has('s')).toBe(true);
    }
    expect(singleCookie(parseCookies('a=b; s=valid'), 's')).toBe('valid');
    expect(singleCookie(parseCookies(undefined), 's')).toBeUndefined();
  });

  it('SESS-26 takes a name literally', () => {
    expect(singleCookie(parseCookies('aXb+c=1; a.b+c=2'), 'a.b+c')).toBe('2');
    expect(singleCookie(parseCookies('__proto__=1; constructor=2'), 'toString')).toBeUndefined();
  });

  it('leaves values as they are', () => {
    expect(singleCookie(parseCookies('s=%41%zz'), 's')).toBe('%41%zz');
  });

  it('INJ-12 reads a hostile header in linear time', async () => {
    for (const part of ['=', ';', '; ', 'a=', 'a=;', '"', ' ']) {
      const header = part.repeat(100_000 / part.length);
      await expectWithin(500, () => parseCookies(header));
    }
  });

  it('finds every cookie that a browser would send', () => {
    const token = fc.stringMatching(/^[a-zA-Z0-9_.-]{1,20}$/);
    fc.assert(
      fc.property(fc.array(fc.tuple(token, token), { maxLength: 20 }), (pairs) => {
        const cookies = parseCookies(pairs.map((pair) => pair.join('=')).join('; '));
        for (const [name] of pairs) {
          const values = pairs.filter(([other]) => other === name).map(([, value]) => value);
          expect(cookies.get(name)).toEqual(values);
        }
      }),
    );
  });
});
