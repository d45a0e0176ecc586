import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';

import { expect, it } from '@jest/globals';
import fc from 'fast-check';

import { isForHost, isOwnForm } from '../../lib/development/same-origin.js';

const ISSUER = new URL('http://127.0.0.1:4000/realms/dev');

function request(headers: Readonly<Record<string, string>>): IncomingMessage {
  return Object.assign(new IncomingMessage(new Socket()), { headers });
}

it('is for the host of the issuer alone', () => {
  const hosts = ['127.0.0.1:4000', '127.0.0.1', '127.0.0.1:40000', 'localhost:4000', '', '127.0.0.1:4000.evil.test'];
  expect(hosts.filter((host) => isForHost(request({ host }), ISSUER))).toEqual(['127.0.0.1:4000']);
  expect(isForHost(request({}), ISSUER)).toBe(false);
  expect(isForHost(request({ host: 'LOCALHOST' }), new URL('http://localhost'))).toBe(true);
});

it('takes a form of its own origin alone, from a browser that says nothing else', () => {
  const own = { origin: 'http://127.0.0.1:4000' };
  expect(isOwnForm(request(own), ISSUER)).toBe(true);
  expect(isOwnForm(request({ ...own, 'sec-fetch-site': 'same-origin' }), ISSUER)).toBe(true);
  for (const site of ['cross-site', 'same-site', 'none', '']) {
    expect(isOwnForm(request({ ...own, 'sec-fetch-site': site }), ISSUER)).toBe(false);
  }
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.webUrl(), fc.constant('null')), (origin) => {
      expect(isOwnForm(request({ origin, 'sec-fetch-site': 'same-origin' }), ISSUER)).toBe(false);
    }),
  );
});
