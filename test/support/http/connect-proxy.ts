import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';

import { closeLater } from '../closing.js';

export interface ConnectProxy {
  readonly url: string;
  /** `op.test:443`, in the order in which tunnels were asked for. */
  readonly tunnels: readonly string[];
  /** The credentials that the last one brought. */
  readonly credentials: () => string | undefined;
  close(): Promise<unknown>;
}

/** What a proxy does in place of opening a tunnel; undefined: it opens it. */
type Instead = (socket: Socket) => void;

/**
 * An HTTP proxy on loopback that opens tunnels (RFC 9110, section 9.3.6), all of them to this port of loopback, whatever
 * host is asked for. It is closed at the end of the test.
 *
 * ```ts
 * const proxy = await connectProxy(op.origin);
 * const connections = new Connections(limits, now, { environment: { HTTPS_PROXY: proxy.url } });
 * ```
 */
export async function connectProxy(target: string, instead?: Instead): Promise<ConnectProxy> {
  const tunnels: string[] = [];
  const sockets = new Set<Socket>();
  let credentials: string | undefined;
  const server = createServer((_request, response) => response.writeHead(501).end());
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    tunnels.push(request.url ?? '');
    credentials = request.headers['proxy-authorization'];
    const keep = (one: Socket) => {
      sockets.add(one);
      one.on('error', () => socket.destroy());
      one.on('close', () => sockets.delete(one));
    };
    keep(socket);
    if (instead !== undefined) {
      instead(socket);
      return;
    }
    const upstream = connect(Number(new URL(target).port), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      upstream.pipe(socket).pipe(upstream);
    });
    keep(upstream);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return closeLater({
    url: `http://127.0.0.1:${Object(server.address()).port}`,
    tunnels,
    credentials: () => credentials,
    close: () => {
      sockets.forEach((socket) => socket.destroy());
      return new Promise((resolve) => server.close(resolve).closeAllConnections());
    },
  });
}
