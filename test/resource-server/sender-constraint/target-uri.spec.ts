import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { normalizedTargetUri } from '../../../lib/resource-server/sender-constraint/target-uri.js';

describe('the target URI', () => {
  it.each<[string, string, string]>([
    ['DPOP-18 host, default port and an unreserved octet', 'https://API.test:443/a/%7Eb', 'https://api.test/a/~b'],
    ['DPOP-18 dot segments', 'https://api.test/a/../a', 'https://api.test/a'],
    ['DPOP-17 query and fragment', 'https://api.test/a?x=1#y', 'https://api.test/a'],
    ['DPOP-17 a query that holds a fragment, dots and slashes', 'https://api.test/a?/../b#?c', 'https://api.test/a'],
    ['DPOP-17 a query without a path', 'https://api.test?x=1', 'https://api.test/'],
    ['DPOP-17 a fragment without a path', 'https://api.test#/a', 'https://api.test/'],
    ['R13 the scheme in upper case', 'HTTPS://api.test/a', 'https://api.test/a'],
    ['R13 the default port of http', 'http://api.test:80/a', 'http://api.test/a'],
    ['an empty port', 'https://api.test:/a', 'https://api.test/a'],
    ['the port of the other scheme', 'https://api.test:80/a', 'https://api.test:80/a'],
    ['another port', 'http://localhost:8080/a', 'http://localhost:8080/a'],
    ['no path', 'https://api.test', 'https://api.test/'],
    ['an address', 'http://127.0.0.1:3000/', 'http://127.0.0.1:3000/'],
    ['an IPv6 address', 'http://[2001:DB8::1]:3000/a', 'http://[2001:db8::1]:3000/a'],
    ['an octet in the host', 'https://%41pi.test/a', 'https://api.test/a'],
    ['hexadecimal digits', 'https://api.test/%c3%bc%2f', 'https://api.test/%C3%BC%2F'],
    ['dots that are encoded', 'https://api.test/a/%2e%2E/b/%2e', 'https://api.test/b/'],
    ['dots above the root', 'https://api.test/../../a', 'https://api.test/a'],
    ['dots at the end', 'https://api.test/a/b/..', 'https://api.test/a/'],
    ['more than two dots', 'https://api.test/.../a../..b', 'https://api.test/.../a../..b'],
    ['empty segments', 'https://api.test//a///../b', 'https://api.test//a//b'],
    ['RFC 3986, section 6.2.2', 'http://a/./b/../b/%63/%7bfoo%7d', 'http://a/b/c/%7Bfoo%7D'],
    ['what RFC 3986 does not allow in a path', 'https://api.test/a|b[0]"{}^', 'https://api.test/a|b[0]"{}^'],
    ['a backslash, which is no slash', 'https://api.test/a\\..\\b', 'https://api.test/a\\..\\b'],
  ])('%s', (_what, uri, normalized) => {
    expect(normalizedTargetUri(uri)).toBe(normalized);
  });

  it.each<[string, string]>([
    ['DPOP-18 %2F', 'https://api.test/a%2Fb'],
    ['a reserved character that is encoded', 'https://api.test/a/b%3B'],
    ['a slash at the end', 'https://api.test/a/b/'],
    ['a second slash', 'https://api.test/a//b'],
    ['a path in another case', 'https://api.test/a/B'],
    ['an octet that is encoded twice', 'https://api.test/a/%2562'],
    ['another scheme', 'http://api.test/a/b'],
    ['another port', 'https://api.test:8443/a/b'],
    ['another host', 'https://api.test.evil.test/a/b'],
    ['a host with a dot at the end', 'https://api.test./a/b'],
  ])('%s is not https://api.test/a/b', (_what, uri) => {
    expect(normalizedTargetUri(uri)).toEqual(expect.stringMatching(/^https?:/));
    expect(normalizedTargetUri(uri)).not.toBe('https://api.test/a/b');
  });

  it.each([
    '',
    'foo',
    '/a/b',
    '//api.test/a/b',
    'https:/api.test/a',
    'https:api.test/a',
    'https://',
    'https:///a',
    'https://?x',
    'https://:443/a',
    'https://u@api.test/r',
    'https://u:p@api.test/r',
    'https://@api.test/r',
    'https://api.test:443:443/a',
    'https://api.test:https/a',
    'https://api.test\\a',
    'https://api.test\\@evil.test/a',
    'https://api%2etest%2Fa/b',
    'https://api%40evil.test/b',
    'https://api%.test/b',
    'https://[::1/a',
    'https://[fe80::1%25eth0]/a',
    'https://[::%31]/a',
    'https://\u00e4pi.test/a',
    'https://api.test/\u00e4',
    'https://api.test/a b',
    'https://api.test/a\n',
    'https://api.test/a\tb',
    ' https://api.test/a',
    'https://api.test/a\0',
    'https://api.test/%',
    'https://api.test/%4',
    'https://api.test/%zz',
    'ht%74ps://api.test/a',
    'javascript:alert(1)',
    'javascript://api.test/%0aalert(1)',
    'ftp://api.test/a',
    'file:///a',
    'data:text/html,a',
    'httpss://api.test/a',
    'blob:https://api.test/a',
  ])('DPOP-20 %j is none', (uri) => {
    expect(normalizedTargetUri(uri)).toBeUndefined();
  });
});

describe('normalization', () => {
  const segment = fc.oneof(
    fc.constantFrom(
      '',
      '.',
      '..',
      'a',
      'b',
      '%2e',
      '%2E%2e',
      '.%2e',
      '%2F',
      '%7e',
      '~',
      '%25',
      '%252e',
      'a%41',
      ';x=1',
    ),
    fc.stringMatching(/^[A-Za-z0-9._~!$&'()*+,;=:@-]{0,4}$/),
  );
  const path = fc.array(segment, { maxLength: 8 }).map((segments) => segments.map((text) => `/${text}`).join(''));
  const host = fc.constantFrom('api.test', 'API.test', '%61pi.test', 'localhost', '127.0.0.1', '[::1]', '[::A]');
  const port = fc.constantFrom('', ':', ':80', ':443', ':8080');
  const scheme = fc.constantFrom('http', 'https', 'HTTPS', 'hTTp');
  const rest = fc.constantFrom('', '?', '#', '?x=/../y', '#/..', '?%');
  const uri = fc
    .tuple(scheme, host, port, path, rest)
    .map(([first, second, third, fourth, fifth]) => `${first}://${second}${third}${fourth}${fifth}`);

  /** RFC 3986, section 5.2.4, in the steps and with the letters of that section. */
  function removed(path: string): string {
    let input = path;
    let output = '';
    while (input !== '') {
      if (input.startsWith('/./')) input = input.slice(2);
      else if (input === '/.') input = '/';
      else if (input.startsWith('/../') || input === '/..') {
        input = input === '/..' ? '/' : input.slice(3);
        output = output.slice(0, Math.max(0, output.lastIndexOf('/')));
      } else {
        const [first = ''] = /^\/?[^/]*/.exec(input) ?? [];
        output += first;
        input = input.slice(first.length);
      }
    }
    return output;
  }

  it('is idempotent', () => {
    fc.assert(
      fc.property(fc.oneof(uri, fc.webUrl({ withQueryParameters: true }), fc.string()), (text) => {
        const once = normalizedTargetUri(text);
        expect(once === undefined ? undefined : normalizedTargetUri(once)).toBe(once);
      }),
      { numRuns: 2000 },
    );
  });

  it('of every URI like these says something, and only of it, without query and fragment', () => {
    fc.assert(
      fc.property(uri, rest, (text, other) => {
        const whole = normalizedTargetUri(text);
        expect(whole).toMatch(/^https?:\/\/[^/?#@A-Z]+\/[^?#]*$/);
        expect(normalizedTargetUri(`${text.replace(/[?#].*/, '')}${other}`)).toBe(whole);
      }),
    );
  });

  it('removes dot segments as RFC 3986 does, after decoding what is unreserved', () => {
    fc.assert(
      fc.property(path, (text) => {
        const decoded = text.replaceAll(/%2e/gi, '.').replaceAll(/%7e/gi, '~').replaceAll('%41', 'A');
        expect(normalizedTargetUri(`https://api.test${text}`)).toBe(`https://api.test${removed(decoded || '/')}`);
      }),
      { numRuns: 2000 },
    );
  });

  it('agrees with a WHATWG parser, where nothing but dots is encoded that need not be', () => {
    const plain = path.filter((text) => !/%(41|7e)/i.test(text));
    fc.assert(
      fc.property(scheme, host, port, plain, plain, (first, second, third, left, right) => {
        const [a, b] = [left, right].map((text) => `${first}://${second}${third}${text}`);
        const isEqual = normalizedTargetUri(a!) === normalizedTargetUri(b!);
        expect(isEqual).toBe(new URL(a!).href === new URL(b!).href);
      }),
      { numRuns: 2000 },
    );
  });
});
