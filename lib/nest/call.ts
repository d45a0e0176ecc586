import type { ExecutionContext } from '@nestjs/common';

import { isObject, member, text } from '../values/member.js';
import * as requests from './requests.js';

/** The kind of a call. Calls of any other kind are refused. */
export type CallKind = 'http' | 'graphql' | 'ws' | 'rpc';

/** Reads what guards need from one kind of call. */
interface CallReader {
  readonly kind: CallKind;
  /** The request, client or message context with the credentials of this call or of its connection. */
  request(context: ExecutionContext): object;
  /** The HTTP request of the call, or the one that opened its socket; undefined where there is none. */
  httpRequest(context: ExecutionContext): unknown;
  /** An object that belongs to this call only, if the kind has one beside the request. */
  own?(context: ExecutionContext): unknown;
  /** The HTTP response, if there is one. */
  response(context: ExecutionContext): object | undefined;
  /** The credentials in the form of an `Authorization` header, where they do not come in an HTTP header. */
  authorization(context: ExecutionContext): string | undefined;
  /** Whether `request` is an HTTP request that was sent for this call. */
  isHttp(context: ExecutionContext): boolean;
}

// Arguments are read by index, because `switchToHttp` and its like make an object at each call.
const READERS: readonly CallReader[] = [
  {
    kind: 'http',
    request: (context) => context.getArgByIndex(0),
    httpRequest: (context) => context.getArgByIndex(0),
    response: (context) => context.getArgByIndex(1),
    authorization: () => undefined,
    isHttp: () => true,
  },
  // A resolver's third argument is what the application's `context` made.
  {
    kind: 'graphql',
    request: (context) => graphqlRequest(context.getArgByIndex(2)),
    httpRequest: (context) => graphqlRequest(context.getArgByIndex(2)),
    // Several fields of one request are resolved at the same time; `info` is of one.
    own: (context) => context.getArgByIndex(3),
    // Express keeps the response on the request; on Fastify it is there when the application's `context` puts it there.
    response: (context) =>
      firstObject(context.getArgByIndex(2), ['res', 'response', 'reply']) ?? firstObject(requestOf(context), ['res']),
    authorization: (context) => connectionParameter(context.getArgByIndex(2)),
    isHttp: (context) => connectionParameter(context.getArgByIndex(2)) === undefined && hasHeaders(requestOf(context)),
  },
  {
    kind: 'ws',
    request: (context) => context.getArgByIndex(0),
    // Socket.IO keeps it on the client. The library `ws` does not: there an application may do the same.
    httpRequest: (context) => member(context.getArgByIndex(0), 'request'),
    own: (context) => context.getArgByIndex(1),
    response: () => undefined,
    authorization: (context) => handshakeAuthorization(context.getArgByIndex(0)),
    isHttp: () => false,
  },
  {
    kind: 'rpc',
    request: (context) => context.getArgByIndex(1),
    httpRequest: () => undefined,
    response: () => undefined,
    authorization: (context) => messageAuthorization(context.getArgByIndex(1)),
    isHttp: () => false,
  },
];

const BY_KIND: ReadonlyMap<string, CallReader> = new Map(READERS.map((reader) => [reader.kind, reader]));

/**
 * The request, client or message context that carries the credentials of a call.
 *
 * @throws {Error} the context is of an unknown type or carries nothing, so it can't be protected
 */
export function requestOf(context: ExecutionContext): object {
  const request: unknown = readerOf(context).request(context);
  if (!isObject(request)) {
    throw new Error(`A call of type ${context.getType()} came without a context, so it is refused.`);
  }
  return request;
}

/** The HTTP request of a call, or the one that opened its socket, with the cookies of a browser; undefined where there is none. */
export function httpRequestOf(context: ExecutionContext): object | undefined {
  const request = readerOf(context).httpRequest(context);
  return requests.isHttp(request) ? request : undefined;
}

/** Whether a call came over a socket. The request that opened it is then no request for this call. */
export function isOverSocket(context: ExecutionContext): boolean {
  const { kind } = readerOf(context);
  return kind === 'ws' || requests.header(httpRequestOf(context), 'upgrade')?.toLowerCase() === 'websocket';
}

/** The object on which guards record the caller. It belongs to this call only. */
export function callOf(context: ExecutionContext): object {
  const own = readerOf(context).own?.(context);
  return isObject(own) ? own : requestOf(context);
}

/** The HTTP response of a call; undefined where there is none. */
export function responseOf(context: ExecutionContext): object | undefined {
  return readerOf(context).response(context);
}

/** The credentials of a call that has no HTTP request of its own, in the form of an `Authorization` header. */
export function authorizationOf(context: ExecutionContext): string | undefined {
  return readerOf(context).authorization(context);
}

/** Whether a call has an HTTP request of its own, with a method and a URL that a DPoP proof can name. */
export function isHttpRequest(context: ExecutionContext): boolean {
  return readerOf(context).isHttp(context);
}

/** The kind of a call. @throws {Error} the context is of an unknown type, so it can't be protected */
export function kindOf(context: ExecutionContext): CallKind {
  return readerOf(context).kind;
}

function readerOf(context: ExecutionContext): CallReader {
  const kind = context.getType<string>();
  const reader = BY_KIND.get(kind);
  if (reader === undefined) {
    throw new Error(`A context of type ${kind} is not protected, so it is refused.`);
  }
  return reader;
}

/** The HTTP request of a query or a mutation, or the one that opened a subscription's socket. */
function graphqlRequest(context: unknown): object {
  const carrier = firstObject(context, ['req', 'request']) ?? context;
  const upgrade = member(member(carrier, 'extra'), 'request');
  const request = isObject(upgrade) ? upgrade : carrier;
  if (!isObject(request)) {
    throw new Error('The GraphQL context holds no request, so the call is refused.');
  }
  return request;
}

/** The credentials that a GraphQL client sends when it opens a socket, because browsers can't set headers there. */
function connectionParameter(context: unknown): string | undefined {
  const parameters =
    member(context, 'connectionParams') ?? member(firstObject(context, ['req', 'request']), 'connectionParams');
  return text(member(parameters, 'authorization')) ?? text(member(parameters, 'Authorization'));
}

/** The credentials of a Socket.IO handshake: `auth`, which browsers can send, or the headers. */
function handshakeAuthorization(client: unknown): string | undefined {
  const handshake = member(client, 'handshake');
  const token = text(member(member(handshake, 'auth'), 'token'));
  return token === undefined ? text(member(member(handshake, 'headers'), 'authorization')) : `Bearer ${token}`;
}

/** The credentials in a message's headers. gRPC, NATS, Kafka and RabbitMQ have headers; the other transports do not. */
function messageAuthorization(context: unknown): string | undefined {
  const headers = call(context, 'getHeaders') ?? context;
  const message = call(context, 'getMessage');
  const found =
    call(headers, 'get', 'authorization') ??
    member(member(message, 'headers'), 'authorization') ??
    member(member(member(message, 'properties'), 'headers'), 'authorization');
  const value: unknown = Array.isArray(found) && found.length === 1 ? found[0] : found;
  return Buffer.isBuffer(value) ? value.toString('latin1') : text(value);
}

function hasHeaders(request: object): boolean {
  return isObject(member(request, 'headers'));
}

function firstObject(value: unknown, names: readonly string[]): object | undefined {
  return names.map((name) => member(value, name)).find(isObject);
}

function call(target: unknown, method: string, ...args: readonly unknown[]): unknown {
  const called = member(target, method);
  return typeof called === 'function' ? Reflect.apply(called, target, args) : undefined;
}
