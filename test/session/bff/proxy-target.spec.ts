import { expect, it } from '@jest/globals';

import { locationFor, targetOf } from '../../../lib/session/bff/proxy-target.js';

const TO = 'https://api.test/v1';

const target = (path: string, query = '', to = TO) => targetOf(to, { path, query })?.href;

it.each([
  ['', '', 'https://api.test/v1'],
  ['/', '', 'https://api.test/v1/'],
  ['/orders/1', 'a=1&b=%2F..%2F', 'https://api.test/v1/orders/1?a=1&b=%2F..%2F'],
  ['/files/a%2Fb', '', 'https://api.test/v1/files/a%2Fb'],
  ['/a..b/...', '', 'https://api.test/v1/a..b/...'],
  ['/100%25', '', 'https://api.test/v1/100%25'],
  ['/50%25fat', '', 'https://api.test/v1/50%25fat'],
  ['/a//b', '', 'https://api.test/v1/a//b'],
  ['/why%3F/a%23b', '', 'https://api.test/v1/why%3F/a%23b'],
  ['/@other.test:80/x', '', 'https://api.test/v1/@other.test:80/x'],
])('%p with the query %p goes to %s', (path, query, expected) => {
  expect(target(path, query)).toBe(expected);
});

it('has no path to stay below where the base has none', () => {
  expect(target('/orders', '', 'http://localhost:3001')).toBe('http://localhost:3001/orders');
  expect(target('', '', 'http://localhost:3001')).toBe('http://localhost:3001/');
});

it.each([
  '/..',
  '/../admin',
  '/a/../../admin',
  '/./a',
  '/%2e%2e/admin',
  '/.%2E/admin',
  '/%252e%252e/admin',
  '/%25252e%25252e/admin',
  '/..%2fadmin',
  '/a%2f..%2f..%2fadmin',
  '/..%5cadmin',
  '/..\\admin',
  '\\\\other.test',
  '//other.test/x',
  '/%252e%252e/%25ff/admin',
  '/%252e%252e%252fadmin/100%2525',
  '/..;/admin',
  '/..;a=b/admin',
  '/%2e%2e%3b/admin',
  // Who decodes it and then reads it as a URL finds a query or a fragment behind the way up.
  '/..%3f/admin',
  '/a/..%23',
  '/%252e%252e%253fa',
  '/a%00',
  '/a%0d%0ab',
  '/%ff/..',
  '/a%',
  '/%2525252525252e',
  'orders',
  '@other.test',
  '.other.test',
  ':8080/',
])('%p goes nowhere', (path) => {
  expect(target(path)).toBeUndefined();
});

it.each([
  ['/v1/orders/7', '/api/orders/7'],
  ['7?a=1#b', '/api/orders/7?a=1#b'],
  ['https://api.test/v1', '/api'],
  ['/v2/orders', 'https://api.test/v2/orders'],
  ['/v10', 'https://api.test/v10'],
  ['https://other.test/v1/x', 'https://other.test/v1/x'],
  ['//other.test/v1', 'https://other.test/v1'],
  ['https://', 'https://'],
])('the location %p is %p for the browser', (location, expected) => {
  expect(locationFor(location, new URL('https://api.test/v1/orders/'), TO, '/api')).toBe(expected);
});
