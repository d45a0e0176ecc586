import { describe, expect, it } from '@jest/globals';

import { errorOf, jwtOf } from '../../lib/authorization-server/oauth-response.js';
import { CachedDocument } from '../../lib/http/cached-document.js';
import { HttpResponse } from '../../lib/http/response.js';
import { retryAfter } from '../../lib/http/retry-after.js';
import { parseCompactJws } from '../../lib/jose/compact-jws.js';
import { typeOf } from '../../lib/jose/jwt.js';
import { isLoopback, originOf } from '../../lib/values/url.js';
import { expectWithin } from '../support/within.js';

const LENGTH = 500_000;

const FILLERS = [
  ' ',
  '\r\n',
  '\t',
  '9',
  'A',
  '/',
  '?',
  ':',
  ',',
  '.',
  '(',
  '-',
  'max-age=',
  'max-age=9,',
  ' no-',
  '.localhost',
  'error=',
  'application/',
];

/** Half a megabyte of one thing, and an end that fits nothing. */
const TEXTS = FILLERS.map((filler) => `${filler.repeat(LENGTH / filler.length)}x`);

const answer = (headers: Record<string, string>, body = '') => new HttpResponse(400, headers, Buffer.from(body), 32);

const READERS: Readonly<Record<string, (text: string) => unknown>> = {
  'a signed answer': (text) => jwtOf(answer({}, text)),
  'an error': (text) => errorOf(answer({ 'content-type': 'application/json' }, JSON.stringify({ error: text }))),
  'a media type': (text) => answer({ 'content-type': text }).mediaType,
  'a lifetime': (text) => {
    const headers = { 'cache-control': text, age: text, expires: text };
    return new CachedDocument(async () => ({ value: 1, response: answer(headers) }), Date.now, { maxStale: 0 }).get();
  },
  'a time to wait': (text) => retryAfter(text, 0),
  'an origin': (text) => originOf(`https://${text}`),
  'a host': isLoopback,
  'a JWS': (text) => {
    try {
      return parseCompactJws(text, LENGTH + 1);
    } catch {
      return undefined;
    }
  },
  'a typ': typeOf,
};

describe('half a megabyte of anything is read at once', () => {
  it.each(Object.entries(READERS))('as %s', async (_what, read) => {
    await expectWithin(2000, async () => {
      for (const text of TEXTS) {
        await read(text);
      }
    });
  });
});

it('SINTRO-32 only blanks behind a JWT are no part of it', () => {
  expect(jwtOf(answer({}, 'a.b.c \r\n \n'))).toBe('a.b.c');
  expect(jwtOf(answer({}, ' a.b.c\t'))).toBe(' a.b.c\t');
  expect(jwtOf(answer({}, ' \r\n'))).toBe('');
  expect(jwtOf(new HttpResponse(200, {}, Buffer.from('xxa.b.c \n').subarray(2), 32))).toBe('a.b.c');
});
