import type { Readable } from 'node:stream';

import type { Dispatcher } from 'undici';

import { ResponseError } from '../errors/errors.js';
import { originOf } from '../values/url.js';
import type { Deadline } from './deadline.js';
import type { ResponseHeaders } from './response.js';

/** What is sent, beside its headers. */
export interface Outgoing {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly body?: string | undefined;
}

/** The head of an answer; its body is read, or thrown away. */
export interface Incoming {
  readonly status: number;
  readonly headers: ResponseHeaders;
  /** @throws {ResponseError} `RESPONSE_TOO_LARGE`; or what the connection throws */
  read(limit: number): Promise<Uint8Array>;
  discard(): void;
}

export type Exchange = (
  outgoing: Outgoing,
  headers: Readonly<Record<string, string>>,
  deadline: Deadline,
) => Promise<Incoming>;

/** A Fetch API that stands in for the transport. */
export type CustomFetch = (
  url: string,
  init: {
    readonly method: string;
    readonly headers: Record<string, string>;
    readonly body?: string;
    readonly redirect: 'manual';
    readonly signal: AbortSignal;
  },
) => Promise<Response>;

/** Over a pooled dispatcher of undici, whose own `request` would make a `URL` of each call. Redirects are not followed. */
export function exchangeOver(dispatcher: Dispatcher): Exchange {
  return async ({ method, url, body }, headers, deadline) => {
    const origin = originOf(url);
    const path = url.slice(origin.length) || '/';
    const answer = await dispatcher.request({ origin, path, method, headers, body: body ?? null, signal: deadline });
    return {
      status: answer.statusCode,
      headers: answer.headers,
      read: (limit) => readStream(answer.body, limit),
      // Whatever the body still does, nobody listens.
      discard: () => answer.body.on('error', () => undefined).destroy(),
    };
  };
}

/** Counted by events: nothing is faster, and nothing more than the limit is ever held. */
function readStream(body: Readable, limit: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    body.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > limit) {
        reject(tooLarge());
        body.destroy();
      } else {
        chunks.push(chunk);
      }
    });
    body.on('error', reject);
    body.on('end', () => {
      const [only] = chunks;
      resolve(only !== undefined && chunks.length === 1 ? only : Buffer.concat(chunks));
    });
  });
}

/** Through the application's own `fetch`. */
export function exchangeThrough(fetch: CustomFetch): Exchange {
  return async ({ method, url, body }, headers, deadline) => {
    const controller = new AbortController();
    deadline.once('abort', () => controller.abort());
    const answer = await fetch(url, {
      method,
      headers: { ...headers },
      ...(body !== undefined && { body }),
      redirect: 'manual',
      signal: controller.signal,
    });
    return {
      // A redirect that a browser's fetch does not follow has no status.
      status: answer.type === 'opaqueredirect' ? 302 : answer.status,
      headers: Object.fromEntries(answer.headers),
      read: (limit) => readChunks(answer.body, limit),
      discard: () => void answer.body?.cancel().catch(() => undefined),
    };
  };
}

async function readChunks(body: AsyncIterable<Uint8Array> | null, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.length;
    if (size > limit) {
      throw tooLarge();
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export function tooLarge(): ResponseError {
  return new ResponseError('RESPONSE_TOO_LARGE', "The server's answer is larger than we read.");
}
