import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { connect } from 'node:net';

import { isLoopback } from '../values/url.js';

/** The address of this machine that a host stands for: the one that Node's own clients try first. */
export async function loopbackAddress({ hostname }: URL): Promise<string> {
  const { address } = await lookup(hostname.replace(/^\[|\]$/g, ''));
  if (!isLoopback(address) && address !== '::1') {
    // A name below `localhost` may lead elsewhere, where nobody keeps to RFC 6761, section 6.3.
    throw Object.assign(new TypeError('The host is not on this machine.'), { code: 'ENOTLOOPBACK' });
  }
  return address;
}

/** Whether somebody listens. Some systems let a second one listen at an address, where the first one listens at all. */
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
