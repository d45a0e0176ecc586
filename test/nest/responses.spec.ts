import { describe, expect, it } from '@jest/globals';

import { Responses } from '../../lib/nest/responses.js';

describe('Responses', () => {
  type Value = string | readonly string[];

  /** Nest 11 on Fastify: `appendHeader` replaces, but for `Set-Cookie`. */
  const answering = (headers: Record<string, Value>) => {
    const setHeader = (_response: unknown, name: string, value: Value) => (headers[name] = value);
    const appendHeader = (_response: unknown, name: string, value: string) =>
      (headers[name] = name === 'Set-Cookie' ? [headers[name] ?? [], value].flat() : value);
    const getHeader = (_response: unknown, name: string) => headers[name];
    return { headers, responses: new Responses({ httpAdapter: { setHeader, appendHeader, getHeader } } as never) };
  };

  it('sets a header that comes several times, and adds cookies to those that are there', () => {
    const { headers, responses } = answering({ 'Set-Cookie': 'a=b', 'Cache-Control': 'public' });
    responses.deliver({}, [
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
    const { headers, responses } = answering({
      'Access-Control-Allow-Origin': '*',
      ...(before !== undefined && { 'Access-Control-Expose-Headers': before }),
    });
    responses.expose({}, ['Cache-Control', 'WWW-Authenticate', 'DPoP-Nonce']);
    expect(headers['Access-Control-Expose-Headers']).toBe(after);
  });

  it('exposes nothing where CORS is off, or where scripts may read it anyway', () => {
    for (const before of [{}, { 'Access-Control-Allow-Origin': '*' }]) {
      const { headers, responses } = answering({ ...before });
      responses.expose({}, 'Access-Control-Allow-Origin' in before ? ['Cache-Control'] : ['Retry-After']);
      expect(headers).toEqual(before);
    }
  });
});
