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
    expect(() => platform.expressResponseOf(message('/'))).toThrow(
      'AuthGuard of @nestjs/passport works on Express only',
    );
  });

  describe('answers', () => {
    type Value = string | readonly string[];

    /** Nest 11 on Fastify: `appendHeader` replaces, but for `Set-Cookie`. */
    const answering = (headers: Record<string, Value>) => {
      const setHeader = (_response: unknown, name: string, value: Value) => (headers[name] = value);
      const appendHeader = (_response: unknown, name: string, value: string) =>
        (headers[name] = name === 'Set-Cookie' ? [headers[name] ?? [], value].flat() : value);
      const getHeader = (_response: unknown, name: string) => headers[name];
      return { headers, platform: new Platform({ httpAdapter: { setHeader, appendHeader, getHeader } } as never) };
    };

    it('sets a header that comes several times, and adds cookies to those that are there', () => {
      const { headers, platform: answers } = answering({ 'Set-Cookie': 'a=b', 'Cache-Control': 'public' });
      answers.deliver({}, [
        ['Cache-Control', 'no-store'],
        ['WWW-Authenticate', ['Bearer', 'DPoP']],
        ['DPoP-Nonce', ['one']],
        ['Set-Cookie', 'c=d'],
        ['Set-Cookie', ['e=f', 'g=h']],
        ['Set-Cookie', []],
      ]);
      expect(headers).toEqual({
        'Set-Cookie': ['a=b', 'c=d', 'e=f', 'g=h'],
        'Cache-Control': 'no-store',
        'WWW-Authenticate': ['Bearer', 'DPoP'],
        'DPoP-Nonce': 'one',
      });
    });

    it.each<[string, Value | undefined, Value | undefined]>([
      ['nothing', undefined, 'WWW-Authenticate, DPoP-Nonce'],
      ['another', 'X-Total', 'X-Total, WWW-Authenticate, DPoP-Nonce'],
      ['several', 'X-Total,dpop-nonce', 'X-Total, dpop-nonce, WWW-Authenticate'],
      ['several lines', ['X-Total', 'X-Own, DPoP-Nonce'], 'X-Total, X-Own, DPoP-Nonce, WWW-Authenticate'],
    ])('exposes what is not exposed yet, where there is %s', (_what, before, after) => {
      const { headers, platform: answers } = answering({
        'Access-Control-Allow-Origin': '*',
        ...(before !== undefined && { 'Access-Control-Expose-Headers': before }),
      });
      answers.expose({}, ['Cache-Control', 'WWW-Authenticate', 'DPoP-Nonce']);
      expect(headers['Access-Control-Expose-Headers']).toBe(after);
    });

    it('exposes nothing where CORS is off, or where scripts may read it anyway', () => {
      for (const before of [{}, { 'Access-Control-Allow-Origin': '*' }]) {
        const { headers, platform: answers } = answering({ ...before });
        answers.expose({}, 'Access-Control-Allow-Origin' in before ? ['Cache-Control'] : ['Retry-After']);
        expect(headers).toEqual(before);
      }
    });
  });
});
