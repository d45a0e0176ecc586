import { expect, it } from '@jest/globals';

import {
  isAbsoluteUri,
  isLoopback,
  isSafeUrl,
  isWebUrl,
  locationOf,
  originOf,
  parsedUrl,
} from '../../lib/values/url.js';

it.each([
  ['https://op.example.com/token?a=b', 'https://op.example.com'],
  ['https://op.example.com', 'https://op.example.com'],
  ['http://[::1]:3000/token', 'http://[::1]:3000'],
  ['https://op.example.com?a=/b', 'https://op.example.com'],
])('the origin of %s is %s', (url, origin) => expect(originOf(url)).toBe(origin));

it.each([
  ['https://user:secret@op.test:8443/path?query=secret#secret', 'https://op.test:8443/path'],
  ['http://[::1]:3000', 'http://[::1]:3000/'],
  ['/path?query=secret', undefined],
])('of %s a log shows %s', (url, location) => expect(locationOf(url)).toBe(location));

it.each(['localhost', 'app.localhost', '127.0.0.1', '127.1.2.3', '[::1]'])('%s is this machine', (host) =>
  expect(isLoopback(host)).toBe(true),
);

it.each(['localhost.example.com', 'notlocalhost', '128.0.0.1', '127.0.0.1.example.com', '0.0.0.0', '[::2]', ''])(
  '%s is not this machine',
  (host) => expect(isLoopback(host)).toBe(false),
);

it.each([
  ['https://b\u00fccher.test/a', undefined, 'https://xn--bcher-kva.test/a'],
  ['/caf\u00e9', 'https://app.test', 'https://app.test/caf%C3%A9'],
  ['//b\u00fccher.test', 'https://app.test', 'https://xn--bcher-kva.test/'],
  ['b\u00fccher', undefined, undefined],
])('%s at %s is %s, at the ten-thousandth time too', (text, base, href) => {
  const seen = new Set(Array.from({ length: 10_000 }, () => parsedUrl(text, base)?.href));
  expect([...seen]).toEqual([href]);
});

it.each([
  ['https://api.test/a?b=c', true, true, true],
  ['http://localhost:3000', true, true, true],
  ['http://api.test', true, true, false],
  ['https://api.test/#', false, true, true],
  ['urn:example:api', true, false, false],
  ['/a', false, false, false],
])('%s is an absolute URI: %s, a web URL: %s, safe: %s', (text, isUri, isWeb, isSafe) => {
  expect([isAbsoluteUri(text), isWebUrl(text), isSafeUrl(parsedUrl(text))]).toEqual([isUri, isWeb, isSafe]);
});
