import { describe, expect, it } from '@jest/globals';

import { Platform } from '../../lib/nest/platform.js';

const platform = new Platform({ httpAdapter: undefined } as never);

const message = (url: string, rawHeaders: string[] = [], headers: object = {}) => ({
  method: 'GET',
  url,
  rawHeaders,
  headers,
});

/** The same request as the frameworks show it. */
const shapes = (url: string, mounted = url) => [
  { ...message(mounted), originalUrl: url },
  { raw: message(mounted), originalUrl: url, headers: {} },
];

describe('Platform', () => {
  it('NEST-09 reads path and query as they stood in the request line', () => {
    for (const request of shapes('/api/auth/callback?code=a%20b&state=c?d', '/callback')) {
      expect(platform.path(request)).toBe('/api/auth/callback');
      expect(platform.query(request)).toBe('code=a%20b&state=c?d');
    }
    for (const request of shapes('/a%2Fb/../c')) {
      expect(platform.path(request)).toBe('/a%2Fb/../c');
      expect(platform.query(request)).toBe('');
    }
  });

  it('reads the absolute form of a request line', () => {
    for (const request of shapes('http://app.test/cb?code=a')) {
      expect([platform.path(request), platform.query(request)]).toEqual(['/cb', 'code=a']);
    }
  });

  it('shows every line of a header, also where the first is empty', () => {
    const request = message('/', ['Authorization', '', 'X', 'authorization', 'AUTHORIZATION', 'Bearer b'], {
      authorization: '',
    });
    expect(platform.headerLines(request, 'Authorization')).toEqual(['', 'Bearer b']);
    expect(platform.headerLines({ raw: request }, 'authorization')).toEqual(['', 'Bearer b']);
    expect(platform.headerLines(request, 'x')).toEqual(['authorization']);
    expect(platform.headerLines(request, 'cookie')).toEqual([]);
  });

  it('takes a header from where a middleware may have set it', () => {
    expect(platform.header(message('/', [], { authorization: 'Bearer a' }), 'Authorization')).toBe('Bearer a');
    expect(platform.header({ raw: message('/'), headers: { cookie: 'a=b' } }, 'cookie')).toBe('a=b');
    expect(platform.header(message('/', [], { x: ['a', 'b'] }), 'x')).toBeUndefined();
  });

  it('refuses what is no HTTP request', () => {
    for (const request of [undefined, null, 'GET', {}, { raw: {} }]) {
      expect(() => platform.path(request)).toThrow('Not an HTTP request');
    }
  });

  it('finds no response where there is none of Express', () => {
    expect(() => platform.responseOf(message('/'))).toThrow('AuthGuard of @nestjs/passport works on Express only');
  });
});
