import { Readable } from 'node:stream';

import type { Server } from '../authorization-server/server.js';
import { ConfigError, ResponseError } from '../errors/errors.js';
import { discard } from '../http/body.js';
import type { StreamedRequest, StreamedResponse } from '../http/streamed-calls.js';
import { isSecure } from '../metadata/metadata.options.js';
import { isObject } from '../values/member.js';
import { parsedUrl } from '../values/url.js';
import { challengeError } from './resource-challenge.js';
import { requestResource, type ResourceTokens } from './resource-request.js';

/** A request to an API, in the words of the Fetch API. */
export interface ApiRequestInit extends Pick<RequestInit, 'method' | 'headers' | 'body' | 'signal'> {
  /**
   * Milliseconds until the answer begins, and between two parts of its body. Default: `http.timeout`.
   */
  readonly timeout?: number;
}

/** Statuses of answers that have no body (Fetch, section 2.2.3). */
const WITHOUT_BODY: readonly number[] = [204, 205, 304];

/**
 * A request to an API, read: it can be sent with any token.
 *
 * @throws {ConfigError} the URL is one that no token may be sent to, or the rest is no request
 */
export async function apiRequest(
  server: Server,
  given: string | URL,
  { timeout = server.transport.timeout, ...init }: ApiRequestInit,
): Promise<StreamedRequest> {
  const url = requireTarget(given, server.insecureHttp);
  const request = readRequest(url, init);
  return {
    method: request.method,
    url,
    headers: headersOf(request),
    body: await bodyOf(request, init.body),
    timeout,
    idleTimeout: timeout,
    signal: request.signal,
  };
}

/**
 * Sends a request to an API with an access token, and answers in the words of the Fetch API.
 *
 * @throws {ChallengeError} the API refused the call with a challenge
 */
export async function fetchResource(
  server: Server,
  request: StreamedRequest,
  tokens: ResourceTokens,
): Promise<Response> {
  try {
    const answer = await requestResource(server, request, tokens);
    const refusal = challengeError(answer, request.url, tokens);
    if (refusal !== undefined) {
      discard(answer.body);
      throw refusal;
    }
    return responseOf(answer, isEncodingChosen(request));
  } catch (error) {
    // As the Fetch API does: who ends a call gets the own reason back.
    request.signal.throwIfAborted();
    throw error;
  }
}

/** Access tokens are sent over TLS only (RFC 6750, section 5.3), but for this machine. */
function requireTarget(given: string | URL, insecureHttp: boolean): URL {
  const url = parsedUrl(String(given));
  const isGood = url !== undefined && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '';
  if (!isGood || !isSecure(url.href, insecureHttp)) {
    const problem = 'must be an https URL without user information; http is for loopback hosts, else insecureHttp';
    throw new ConfigError('INVALID_CONFIG', 'url', problem);
  }
  url.hash = '';
  return url;
}

function readRequest(url: URL, init: Omit<ApiRequestInit, 'timeout'>): Request {
  try {
    return new Request(url, { ...init, duplex: 'half' });
  } catch {
    // The reason may repeat a header's value.
    throw new ConfigError('INVALID_CONFIG', 'init', 'is no request that the Fetch API makes');
  }
}

/** The token's own headers come in place of these. A compressed answer comes only to who asked for one. */
function headersOf({ headers }: Request): StreamedRequest['headers'] {
  const own = [...headers].filter(([name]) => name !== 'authorization' && name !== 'dpop');
  return headers.has('accept-encoding') ? own : [...own, ['accept-encoding', 'identity']];
}

/** A body that is no stream is held, so that it can be sent again. */
async function bodyOf(request: Request, given: ApiRequestInit['body']): Promise<StreamedRequest['body']> {
  if (request.body === null) {
    return null;
  }
  const isStream = isObject(given) && Symbol.asyncIterator in given;
  return isStream ? Readable.fromWeb(request.body) : new Uint8Array(await request.arrayBuffer());
}

function isEncodingChosen({ headers }: StreamedRequest): boolean {
  return headers.some(([name, value]) => name === 'accept-encoding' && value !== 'identity');
}

function responseOf({ status, headers, body }: StreamedResponse, isEncodingTaken: boolean): Response {
  const encoding = [headers['content-encoding'] ?? ''].flat().join().toLowerCase();
  if (status > 599 || (!['', 'identity'].includes(encoding) && !isEncodingTaken)) {
    discard(body);
    throw status > 599
      ? new ResponseError('UNEXPECTED_STATUS', `The API answered with status ${status}.`)
      : new ResponseError('UNEXPECTED_CONTENT_ENCODING', 'The API encoded its answer though not asked to.');
  }
  const lines = new Headers();
  for (const [name, values] of Object.entries(headers)) {
    [values ?? []].flat().forEach((value) => lines.append(name, value));
  }
  if (WITHOUT_BODY.includes(status)) {
    discard(body);
    return new Response(null, { status, headers: lines });
  }
  return new Response(Readable.toWeb(body), { status, headers: lines });
}
