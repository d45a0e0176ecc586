import { once } from 'node:events';
import { createServer } from 'node:net';

/** An origin on a free port of loopback: it has to be known before the redirect URI is. */
export async function freeOrigin() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${port}`;
}
