import type { OidcError } from '../errors/oidc.error.js';
import type { CallKind } from '../nest/call.js';
import { OidcException } from '../nest/oidc.exception.js';
import type { Awaitable } from './awaitable.js';
import type { Refusal } from './refusal.js';

/** gRPC's codes, which other transports carry as they are: https://grpc.io/docs/guides/status-codes/ */
const GRPC_CODES: Readonly<Record<Refusal['status'], number>> = { 400: 3, 401: 16, 403: 7, 503: 14 };

/** The words that GraphQL servers have agreed on, in `extensions.code`. */
const GRAPHQL_CODES: Readonly<Record<Refusal['status'], string>> = {
  400: 'BAD_REQUEST',
  401: 'UNAUTHENTICATED',
  403: 'FORBIDDEN',
  503: 'SERVICE_UNAVAILABLE',
};

/** A refusal in the words of the kind of call; the packages of the others are loaded when they are first needed. */
const EXCEPTIONS: Readonly<Record<CallKind, (refusal: Refusal, cause: OidcError) => Awaitable<Error>>> = {
  http: ({ status, body }, cause) => new OidcException(status, body, { cause }),
  // Every GraphQL server hands on the `extensions` of what was thrown.
  graphql: ({ status, body }, cause) =>
    Object.assign(new OidcException(status, body, { cause }), {
      extensions: { code: GRAPHQL_CODES[status], status, error: body.error },
    }),
  ws: async ({ status, body }, cause) => {
    const { WsException } = await import('@nestjs/websockets');
    return caused(new WsException({ status, ...body }), cause);
  },
  rpc: async ({ status, body }, cause) => {
    const { RpcException } = await import('@nestjs/microservices');
    return caused(new RpcException({ code: GRPC_CODES[status], message: body.error, status, ...body }), cause);
  },
};

/** What is thrown where a call is refused. */
export function exceptionFor(kind: CallKind, refusal: Refusal, cause: OidcError): Awaitable<Error> {
  return EXCEPTIONS[kind](refusal, cause);
}

function caused(exception: Error, cause: OidcError): Error {
  return Object.assign(exception, { cause });
}
