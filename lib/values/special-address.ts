import { BlockList, isIPv4, isIPv6 } from 'node:net';

import { isLoopback } from './url.js';

/** Addresses that are no host of the internet, and networks of one's own (RFC 6890; RFC 4193; RFC 6598). */
const SPECIAL = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
] as const) {
  SPECIAL.addSubnet(network, prefix, 'ipv4');
  // The same within IPv6: mapped, and behind a translator (RFC 4291, section 2.5.5.2; RFC 6052, section 2.1).
  SPECIAL.addSubnet(`::ffff:${network}`, 96 + prefix, 'ipv6');
  SPECIAL.addSubnet(`64:ff9b::${network}`, 96 + prefix, 'ipv6');
}
for (const [network, prefix] of [
  ['::', 96],
  // Translated in one's own network, to any address of IPv4 (RFC 8215), and tunnelled to one (RFC 3056).
  ['64:ff9b:1::', 48],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
] as const) {
  SPECIAL.addSubnet(network, prefix, 'ipv6');
}

/**
 * Whether a host is this machine, or an address of a network of one's own. A URL that a stranger names must not lead there:
 * such hosts believe whoever reaches them.
 *
 * @param hostname of a `URL`, which writes each address in one way only
 */
export function isSpecialAddress(hostname: string): boolean {
  const address = hostname.replace(/^\[|\]$/g, '');
  return (
    isLoopback(hostname.replace(/\.$/, '')) ||
    (isIPv4(address) && SPECIAL.check(address, 'ipv4')) ||
    (isIPv6(address) && SPECIAL.check(address, 'ipv6'))
  );
}
