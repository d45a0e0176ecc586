import { BlockList, isIPv6 } from 'node:net';

/** Whether this is an IP address or a range such as `10.0.0.0/8`. */
export function isRange(range: string): boolean {
  try {
    addRange(new BlockList(), range);
    return true;
  } catch {
    return false;
  }
}

/** Adds an address or a range to a list. @throws {TypeError} it is neither */
export function addRange(list: BlockList, range: string): void {
  const [, address = '', bits] = /^([\d.:a-f]+)(?:\/(\d{1,3}))?$/i.exec(range) ?? [];
  const family = familyOf(address);
  list.addSubnet(address, Number(bits ?? (family === 'ipv6' ? 128 : 32)), family);
}

export function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv6(address) ? 'ipv6' : 'ipv4';
}
