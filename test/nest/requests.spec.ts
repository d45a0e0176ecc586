import { describe, expect, it } from '@jest/globals';

import * as requests from '../../lib/nest/requests.js';

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

describe('requests', () => {
  it('NEST-09 reads path and query as they stood in the request line', () => {
    for (const request of shapes('/api/auth/callback?code=a%20b&state=c?d', '/callback')) {
      expect(requests.path(request)).toBe('/api/auth/callback');
      expect(requests.query(request)).toBe('code=a%20b&state=c?d');
    }
    for (const request of shapes('/a%2Fb/../c')) {
      expect(requests.path(request)).toBe('/a%2Fb/../c');
      expect(requests.query(request)).toBe('');
    }
  });

  it('reads the absolute form of a request line', () => {
    for (const request of shapes('http://app.test/cb?code=a')) {
      expect([requests.path(request), requests.query(request)]).toEqual(['/cb', 'code=a']);
    }
  });

  it('shows the host as the framework does, else as the header says', () => {
    const request = message('/', [], { host: 'app:3000', 'x-forwarded-host': 'app.test' });
    expect(requests.host(request)).toBe('app:3000');
    expect(requests.host({ ...request, host: 'app.test' })).toBe('app.test');
    expect(requests.host({ raw: request, headers: request.headers, host: '' })).toBe('');
    expect(requests.host(message('/'))).toBe('');
  });

  it('shows every line of a header, also where the first is empty', () => {
    const request = message('/', ['Authorization', '', 'X', 'authorization', 'AUTHORIZATION', 'Bearer b'], {
      authorization: '',
    });
    expect(requests.headerLines(request, 'Authorization')).toEqual(['', 'Bearer b']);
    expect(requests.headerLines({ raw: request }, 'authorization')).toEqual(['', 'Bearer b']);
    expect(requests.headerLines(request, 'x')).toEqual(['authorization']);
    expect(requests.headerLines(request, 'cookie')).toEqual([]);
  });

  it('takes a header from where a middleware may have set it', () => {
    expect(requests.header(message('/', [], { authorization: 'Bearer a' }), 'Authorization')).toBe('Bearer a');
    expect(requests.header({ raw: message('/'), headers: { cookie: 'a=b' } }, 'cookie')).toBe('a=b');
    expect(requests.header(message('/', [], { x: ['a', 'b'] }), 'x')).toBeUndefined();
  });

  it('refuses what is no HTTP request', () => {
    for (const request of [undefined, null, 'GET', {}, { raw: {} }]) {
      expect(() => requests.path(request)).toThrow('Not an HTTP request');
    }
  });

  it('finds no response where there is none of Express', () => {
    expect(() => requests.expressResponse(message('/'))).toThrow('AuthGuard of @nestjs/passport works on Express only');
  });
});
