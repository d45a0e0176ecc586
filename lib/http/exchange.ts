import { Readable } from 'node:stream';

import type { Dispatcher } from 'undici';

import { ResponseError } from '../errors/errors.js';
import { originOf } from '../values/url.js';
import { readBody } from './body.js';
import type { Deadline } from './deadline.js';
import type { ResponseHeaders } from './response.js';

/** A request without its headers. */
export interface Outgoing {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly url: string;
  readonly body?: string | undefined;
}

/** Status and headers of an answer, whose body is still to be read or discarded. */
export interface Incoming {
  readonly status: number;
  readonly headers: ResponseHeaders;
  /** @throws {ResponseError} `RESPONSE_TOO_LARGE`; or what the connection throws */
  read(limit: number): Promise<Uint8Array>;
  discard(): void;
}

/** Sends one request and returns the head of the answer. */
export type Exchange = (
  outgoing: Outgoing,
  headers: Readonly<Record<string, string>>,
  deadline: Deadline,
) => Promise<Incoming>;

/**
 * The part of the Fetch API that a `fetch` of the application needs to have. It replaces the HTTP client. Bytes and streams
 * are bodies of calls to APIs only.
 */
export type CustomFetch = (
  url: string,
  init: {
    readonly method: string;
    readonly headers: Record<string, string>;
    readonly body?: string | ArrayBuffer | ReadableStream;
    readonly duplex?: 'half';
    readonly redirect: 'manual';
    readonly signal: AbortSignal;
  },
) => Promise<Response>;

/**
 * Sends requests over a dispatcher of undici; redirects are not followed. Undici's function `request` is not used, because
 * it makes a `URL` for each call.
 */
export function exchangeOver(dispatcher: Dispatcher): Exchange {
  return async ({ method, url, body }, headers, deadline) => {
    const origin = originOf(url);
    const path = url.slice(origin.length) || '/';
    const answer = await dispatcher.request({ origin, path, method, headers, body: body ?? null, signal: deadline });
    return {
      status: answer.statusCode,
      headers: answer.headers,
      read: (limit) => readAll(answer.body, limit),
      // An error that is emitted after this must not end the process.
      discard: () => answer.body.on('error', () => undefined).destroy(),
    };
  };
}

/** Sends requests through the application's own `fetch`. */
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
      status: statusOf(answer),
      headers: Object.fromEntries(answer.headers),
      read: (limit) => readAll(Readable.from(answer.body ?? []), limit),
      discard: () => void answer.body?.cancel().catch(() => undefined),
    };
  };
}

/** The status of an answer. A redirect that a browser's fetch does not follow has none. */
export function statusOf({ type, status }: Response): number {
  return type === 'opaqueredirect' ? 302 : status;
}

async function readAll(stream: Readable, limit: number): Promise<Uint8Array> {
  const bytes = await readBody(stream, limit);
  if (bytes === undefined) {
    stream.destroy();
    throw tooLarge(limit);
  }
  return bytes;
}

/** @param limit bytes */
export function tooLarge(limit: number): ResponseError {
  const facts = { limit: `${limit} bytes (http.maxResponseSize)` };
  return new ResponseError('RESPONSE_TOO_LARGE', "The server's answer is larger than we read.", { facts });
}
