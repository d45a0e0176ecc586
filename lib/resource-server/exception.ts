import type { OidcError } from '../errors/oidc.error.js';
import type { CallKind } from '../nest/call.js';
import { OidcException } from '../nest/oidc.exception.js';
import type { Awaitable } from '../values/awaitable.js';
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
  http: (refusal, cause) => new OidcException(refusal.status, refusal, { cause }),
  // Every GraphQL server hands on the `extensions` of what was thrown.
  graphql: (refusal, cause) =>
    Object.assign(new OidcException(refusal.status, refusal, { cause }), {
      extensions: { code: GRAPHQL_CODES[refusal.status], status: refusal.status, error: refusal.error },
    }),
  ws: async ({ status, error, error_description }, cause) => {
    const { WsException } = await import('@nestjs/websockets');
    return caused(new WsException({ status, error, error_description }), cause);
  },
  rpc: async ({ status, error, error_description }, cause) => {
    const { RpcException } = await import('@nestjs/microservices');
    return caused(
      new RpcException({ code: GRPC_CODES[status], message: error, status, error, error_description }),
      cause,
    );
  },
};

/** What is thrown where a call is refused. */
export function exceptionFor(kind: CallKind, refusal: Refusal, cause: OidcError): Awaitable<Error> {
  return EXCEPTIONS[kind](refusal, cause);
}

function caused(exception: Error, cause: OidcError): Error {
  return Object.assign(exception, { cause });
}
