import { parse } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { returnUrl } from '../../lib/login/return-url.js';
import { expectWithin } from '../support/within.js';

const origin = 'https://app.test';
const excluded = ['/auth/callback', '/auth/login'];
const to = (value: string | undefined) => returnUrl(value, { origin, fallback: '/', excluded });

const everyGoesHome = (...values: string[]) => {
  for (const value of values) {
    expect([value, to(value)]).toEqual([value, '/']);
  }
};

describe('returnUrl', () => {
  it('REDIR-01 keeps a path with its query and fragment', () => {
    expect(to('/ok?x=1#f')).toBe('/ok?x=1#f');
    expect(to('/')).toBe('/');
    expect(to(undefined)).toBe('/');
    expect(to('')).toBe('/');
    everyGoesHome('ok', '?x=1', '#f', './ok', '../ok', '*');
  });

  it('REDIR-02 refuses a reference that is relative to the scheme', () => {
    everyGoesHome('//evil.test', '///evil.test', '////evil.test', '//evil.test/app.test', '//', '//app.test/x');
  });

  it('REDIR-02 refuses slashes that dot segments bring together', () => {
    everyGoesHome('/.//evil.test', '/..//evil.test', '/a/..//evil.test', '/%2e//evil.test', '/%2e%2e//evil.test/%2f');
    everyGoesHome('https://app.test//evil.test', 'https://app.test/.//evil.test');
  });

  it('REDIR-03 refuses a backslash, wherever it is', () => {
    everyGoesHome(
      '/\\evil.test',
      '\\\\evil.test',
      '\\/evil.test',
      '/\\/evil.test',
      '/a\\b',
      '/a?b=\\',
      '/.\\\\evil.test',
    );
    everyGoesHome('https:\\\\evil.test', 'https:/\\evil.test');
  });

  it('REDIR-04 leaves what is encoded as it is', () => {
    for (const value of ['/%2f%2fevil.test', '/%5cevil.test', '/%252f%252fevil.test', '/a%20b?c=%26']) {
      expect(to(value)).toBe(value);
    }
  });

  it('REDIR-07 makes a path of an absolute URL of our own', () => {
    expect(to('https://app.test/x')).toBe('/x');
    expect(to('HTTPS://APP.TEST:443/x?y#z')).toBe('/x?y#z');
    expect(to('https://app.test')).toBe('/');
  });

  it('REDIR-08 refuses another origin, scheme or port', () => {
    everyGoesHome('https://evil.test/', 'http://app.test/', 'https://app.test:444/', 'ftp://app.test/x');
    everyGoesHome('javascript:alert(1)', 'data:text/html,x', 'mailto:a@app.test');
  });

  it('REDIR-09 refuses user information', () => {
    everyGoesHome('https://app.test@evil.test', 'https://app.test:pw@app.test/', 'https://user@app.test/x');
  });

  it('REDIR-10 refuses a host that only contains ours', () => {
    everyGoesHome('https://app.test.evil.test', 'https://evilapp.test', 'https://app.test%2eevil.test');
  });

  it('REDIR-11 refuses a trailing dot', () => {
    everyGoesHome('https://app.test./x');
  });

  it('REDIR-12 judges a host by what it maps to', () => {
    everyGoesHome('https://\u0430pp.test/');
    expect(to('https://ａｐｐ.test/x')).toBe('/x');
  });

  it('REDIR-14 refuses a scheme without its two slashes, or with more', () => {
    everyGoesHome('https:evil.test', 'https:/evil.test', 'https:///evil.test', 'http:evil.test', 'https:app.test/x');
    everyGoesHome('https:', 'https:/', 'https://', 'https:/x');
  });

  it('REDIR-15 refuses line breaks and other control characters, raw or encoded', () => {
    everyGoesHome('/a%0d%0aSet-Cookie:x', '/a\r\nSet-Cookie:x', '/\n/evil.test', '/\t/evil.test', '\t/ok', '/a\u0000');
    everyGoesHome('/%00', '/a?b=%0A', '/%7f', ' /ok');
  });

  it('REDIR-16 encodes what is not ASCII', () => {
    expect(to('/é✓')).toBe('/%C3%A9%E2%9C%93');
    expect(to('/a?é#✓')).toBe('/a?%C3%A9#%E2%9C%93');
    expect(to('/a"<>`')).toBe('/a%22%3C%3E%60');
  });

  it('REDIR-17 takes line separators for the characters that they are', () => {
    expect(to('/\u2028/evil.test')).toBe('/%E2%80%A8/evil.test');
  });

  it('REDIR-19 refuses what is longer than 2 KB, also after encoding', () => {
    expect(to(`/${'a'.repeat(2047)}`)).toHaveLength(2048);
    everyGoesHome(`/${'a'.repeat(2048)}`, `/${'a'.repeat(8192)}`, `/${'✓'.repeat(1000)}`);
  });

  it('REDIR-20 does not return to the login itself', () => {
    everyGoesHome('/auth/login', '/auth/callback?error=x', '/auth/logout', '/auth/login/', '/AUTH/Login?returnTo=/a');
    everyGoesHome('/%61uth/login', '/auth//login', '/auth/./login', '/auth%2flogin', 'https://app.test/auth/login#x');
    expect(to('/auth/loginhelp')).toBe('/auth/loginhelp');
    expect(to('/auth')).toBe('/auth');
  });

  it('REDIR-24 applied again it changes nothing', () => {
    for (const value of ['/ok?x=1#f', '/é✓', '/%2f%2fevil.test', '//evil.test']) {
      expect(to(to(value))).toBe(to(value));
    }
  });

  it('REDIR-25 takes a path for a path', () => {
    expect(to('/x&scope=admin')).toBe('/x&scope=admin');
    expect(to('/a&connection=evil')).toBe('/a&connection=evil');
  });

  it('REDIR-26 never fails on what is no URL', () => {
    everyGoesHome('http://[', '%', '%zz', '/%zz', '/%', '/%2', 'http://a:b:c', 'https://[::1', 'https://app.test:x/');
  });

  it('INJ-12 takes linear time', async () => {
    for (const part of ['/', '%', '\\', '/.', '%2f', '/logout', '?', 'é']) {
      await expectWithin(100, () => {
        to(`/${part.repeat(100_000 / part.length)}`);
        to(`/${part.repeat(2000 / part.length)}`);
      });
    }
  });

  it('whatever comes, the browser stays on our origin', () => {
    const pieces = [
      '/',
      '\\',
      '.',
      '..',
      ':',
      '@',
      '?',
      '#',
      '%',
      '2f',
      '5c',
      'a',
      'evil.test',
      'app.test',
      'https:',
      ' ',
    ];
    const nasty = fc.oneof(
      fc.array(fc.constantFrom(...pieces, '\t', '\n', '\u0000', '\u2028', '\ud800', 'é', '／', '。'), {
        maxLength: 12,
      }),
      fc.array(fc.string({ unit: 'binary', maxLength: 3 }), { maxLength: 5 }),
    );
    fc.assert(
      fc.property(nasty, fc.constantFrom('', '/', 'https://app.test/'), (parts, start) => {
        const result = to(start + parts.join(''));
        expect(result).toMatch(/^\/(?![/\\])[\x21-\x5b\x5d-\x7e]*$/);
        expect(new URL(result, origin).origin).toBe(origin);
        expect(new URL(result, origin).href).toBe(origin + result);
        expect(parse(result, false, true).host).toBeNull();
        expect(to(result)).toBe(result);
      }),
      { numRuns: 2000 },
    );
  });
});
