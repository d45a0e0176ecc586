import { once } from 'node:events';
import { connect } from 'node:net';

import { TestResponse } from '../app/test-response.js';

/**
 * Sends exactly these bytes and reads what comes back until the other side closes, which it is asked to do.
 *
 * ```ts
 * const response = await rawRequest(app.address, 'GET /orders', [`Authorization: Bearer ${one}`, `Authorization: Bearer ${two}`]);
 * const odd = await rawBytes(app.address, 'GET /any HTTP/1.1\r\nHost: x\r\nAuthorization:  Bearer\tabc \r\nConnection: close\r\n\r\n');
 * ```
 *
 * @param requestLine method and target, such as `GET /orders?x=%00`
 * @param lines header lines as they are to be sent, without `Host`, `Connection` and `Content-Length`
 */
export function rawRequest(
  address: string,
  requestLine: string,
  lines: readonly string[] = [],
  body: string | Uint8Array = '',
): Promise<TestResponse> {
  const bytes = Buffer.from(body);
  const length = bytes.length > 0 ? [`Content-Length: ${bytes.length}`] : [];
  const head = [`${requestLine} HTTP/1.1`, `Host: ${new URL(address).host}`, ...lines, ...length, 'Connection: close'];
  // latin1: each character of a header is one byte on the wire.
  return rawBytes(address, Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1'), bytes]));
}

/** The whole request by hand. A string is sent as latin1. */
export async function rawBytes(address: string, bytes: string | Uint8Array): Promise<TestResponse> {
  const { hostname, port } = new URL(address);
  const socket = connect(Number(port), hostname);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  // Node resets the connection when it refuses a request whose rest is still on the way; the answer counts.
  socket.on('error', () => undefined);
  socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  await once(socket, 'close');
  return parseResponse(Buffer.concat(chunks));
}

function parseResponse(bytes: Buffer): TestResponse {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) {
    throw new Error(`No HTTP answer but ${bytes.length} bytes: ${bytes.toString('latin1')}`);
  }
  const [statusLine = '', ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n');
  const headers: Record<string, string[]> = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    headers[name] = [...(headers[name] ?? []), line.slice(colon + 1).trim()];
  }
  const content = bytes.subarray(end + 4);
  const isChunked = headers['transfer-encoding']?.includes('chunked') === true;
  return new TestResponse(
    Number(statusLine.split(' ')[1]),
    headers,
    (isChunked ? unchunk(content) : content).toString(),
  );
}

/** RFC 9112, section 7.1. */
function unchunk(bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let offset = 0; offset < bytes.length;) {
    const line = bytes.indexOf('\r\n', offset);
    const size = Number.parseInt(bytes.subarray(offset, line).toString('latin1'), 16);
    if (!(size > 0)) {
      break;
    }
    parts.push(bytes.subarray(line + 2, line + 2 + size));
    offset = line + 2 + size + 2;
  }
  return Buffer.concat(parts);
}
