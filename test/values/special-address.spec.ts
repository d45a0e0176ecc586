import { expect, it } from '@jest/globals';
import fc from 'fast-check';

import { isSpecialAddress } from '../../lib/values/special-address.js';

/** As a `URL` writes a host. */
const isSpecial = (host: string): boolean => isSpecialAddress(new URL(`https://${host}/`).hostname);

it.each([
  'localhost',
  'localhost.',
  'api.localhost',
  '127.0.0.1',
  '127.1',
  '2130706433',
  '0x7f.0.0.1',
  '0177.0.0.1',
  '0.0.0.0',
  '10.1.2.3',
  '100.64.0.1',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '198.18.0.1',
  '224.0.0.1',
  '255.255.255.255',
  '[::]',
  '[::1]',
  '[::ffff:127.0.0.1]',
  '[::ffff:a9fe:a9fe]',
  '[64:ff9b::10.0.0.1]',
  '[64:ff9b:1::10.0.0.1]',
  '[2002:a00:1::1]',
  '[fc00::1]',
  '[fd12:3456::1]',
  '[fe80::1]',
  '[ff02::1]',
])('%s is this machine, or of a network of one’s own', (host) => {
  expect(isSpecial(host)).toBe(true);
});

it.each([
  'example.com',
  'localhost.example.com',
  '10.example.com',
  '8.8.8.8',
  '100.63.255.255',
  '172.15.0.1',
  '172.32.0.1',
  '192.167.1.1',
  '[2001:4860:4860::8888]',
  '[::ffff:8.8.8.8]',
  '[64:ff9b::8.8.8.8]',
  '[64:ff9b:2::1]',
])('%s is a host of the internet', (host) => {
  expect(isSpecial(host)).toBe(false);
});

it('an IPv4 address within an IPv6 one is judged as itself', () => {
  fc.assert(
    fc.property(fc.ipV4(), (address) => {
      expect(isSpecial(`[::ffff:${address}]`)).toBe(isSpecial(address));
    }),
  );
});
