import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';

/** What is sent. An object as `body` is JSON. */
export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string | Uint8Array | object | AsyncIterable<string | Uint8Array>;
}

export async function send(answer: Answer, response: ServerResponse): Promise<void> {
  const { headers, body } = withMediaType(answer);
  response.writeHead(answer.status ?? 200, headers);
  if (isStream(body)) {
    for await (const chunk of Readable.from(body)) {
      response.write(chunk);
    }
    response.end();
  } else {
    response.end(body);
  }
}

interface Prepared {
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: string | Uint8Array | AsyncIterable<string | Uint8Array>;
}

/** Headers and body as they go out. */
export function withMediaType({ headers = {}, body = '' }: Answer): Prepared {
  if (typeof body === 'string' || body instanceof Uint8Array || isStream(body)) {
    return { headers, body };
  }
  return { headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) };
}

export function isStream(body: unknown): body is AsyncIterable<string | Uint8Array> {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body;
}
