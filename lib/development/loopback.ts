import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { connect, isIP } from 'node:net';

import { isLoopback } from '../values/url.js';

type Lookup = (name: string) => Promise<readonly { readonly address: string }[]>;

/** What a browser takes a name below `localhost` for, whatever the resolver says (RFC 6761, section 6.3). */
const OF_LOCALHOST: readonly string[] = ['127.0.0.1', '::1'];

/**
 * The addresses of this machine that a host stands for, for Node's own clients and for browsers: each of them tries those that
 * it likes first.
 */
export async function loopbackAddresses(
  { hostname }: URL,
  look: Lookup = (name) => lookup(name, { all: true }),
): Promise<readonly string[]> {
  const host = hostname.replace(/^\[|\]$/g, '');
  const addresses = (await look(host)).map(({ address }) => address);
  if (!addresses.every((address) => isLoopback(address) || address === '::1')) {
    // A name below `localhost` may lead elsewhere, where nobody keeps to RFC 6761, section 6.3.
    throw Object.assign(new TypeError('The host is not on this machine.'), { code: 'ENOTLOOPBACK' });
  }
  return isIP(host) === 0 ? [...new Set([...addresses, ...OF_LOCALHOST])] : addresses;
}

/** Whether somebody listens. Some systems let a second server listen at one address while the first listens at all. */
export async function isTaken(address: string, port: number): Promise<boolean> {
  const socket = connect(port, address);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
