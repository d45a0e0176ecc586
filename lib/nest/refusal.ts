import type { ExecutionContext } from '@nestjs/common';

import type { OidcError } from '../errors/oidc.error.js';
import type { Awaitable } from '../values/awaitable.js';
import type { Answer, ResponseHeader } from './answer.js';
import { recordRefusal } from './authenticated.js';
import { callOf, kindOf, responseOf, type CallKind } from './call.js';
import { OidcException } from './oidc.exception.js';
import type { Responses } from './responses.js';

/** The answer to a call that is refused. Each room maps its errors to refusals in a table. */
export interface Refusal extends Answer {
  readonly headers: readonly ResponseHeader[];
  /** For logs and exception filters; callers do not see it. */
  readonly cause: OidcError | undefined;
}

/** gRPC's codes by HTTP status, which other transports carry as they are: https://grpc.io/docs/guides/status-codes/ */
const GRPC_CODES: Readonly<Record<number, number>> = { 400: 3, 401: 16, 403: 7, 503: 14 };

/** The code of gRPC for a status without one of its own: UNKNOWN. */
const UNKNOWN = 2;

/** The usual codes of GraphQL servers (`extensions.code`), by HTTP status. */
const GRAPHQL_CODES: Readonly<Record<number, string>> = {
  400: 'BAD_REQUEST',
  401: 'UNAUTHENTICATED',
  403: 'FORBIDDEN',
  503: 'SERVICE_UNAVAILABLE',
};

/** The exception of each kind of call. The packages of WebSockets and microservices are loaded at the first refusal there. */
const EXCEPTIONS: Readonly<Record<CallKind, (refusal: Refusal) => Awaitable<Error>>> = {
  http: httpException,
  // Every GraphQL server hands on the `extensions` of what was thrown.
  graphql: (refusal) => {
    const { status, error } = refusal;
    return Object.assign(httpException(refusal), { extensions: { code: GRAPHQL_CODES[status], status, error } });
  },
  ws: async ({ status, error, error_description, cause }) => {
    const { WsException } = await import('@nestjs/websockets');
    return Object.assign(new WsException({ status, error, error_description }), { cause });
  },
  rpc: async ({ status, error, error_description, cause }) => {
    const { RpcException } = await import('@nestjs/microservices');
    const code = GRPC_CODES[status] ?? UNKNOWN;
    return Object.assign(new RpcException({ code, message: error, status, error, error_description }), { cause });
  },
};

/** Ends an HTTP request with a refusal: sets its headers on the response, if there is one, and returns the exception to throw. */
export function refuse(refusal: Refusal, response: unknown, responses: Responses): OidcException {
  if (response !== undefined) {
    responses.deliver(response, refusal.headers);
  }
  return httpException(refusal);
}

/** Ends a call of any kind, likewise. The headers are removed if another guard admits the call after all. */
export function refuseCall(refusal: Refusal, context: ExecutionContext, responses: Responses): Awaitable<Error> {
  const response = responseOf(context);
  if (response !== undefined) {
    recordRefusal(callOf(context), responses.remember(response, refusal.headers));
    responses.deliver(response, refusal.headers);
  }
  return EXCEPTIONS[kindOf(context)](refusal);
}

function httpException(refusal: Refusal): OidcException {
  return new OidcException(refusal.status, refusal, { cause: refusal.cause });
}
