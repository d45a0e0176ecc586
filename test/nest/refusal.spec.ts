import { describe, expect, it } from '@jest/globals';
import type { ExecutionContext } from '@nestjs/common';
import { RpcException } from '@nestjs/microservices';
import { WsException } from '@nestjs/websockets';

import { AccessTokenError } from '../../lib/errors/errors.js';
import { withdrawRefusal } from '../../lib/nest/authenticated.js';
import type { CallKind } from '../../lib/nest/call.js';
import { OidcException } from '../../lib/nest/oidc.exception.js';
import { refuse, refuseCall, type Refusal } from '../../lib/nest/refusal.js';
import { Responses } from '../../lib/nest/responses.js';

const cause = new AccessTokenError('TOKEN_INACTIVE', 'The token is not active.');

const REFUSAL: Refusal = {
  status: 401,
  error: 'invalid_token',
  error_description: 'The access token is not valid here.',
  headers: [
    ['Cache-Control', 'no-store'],
    ['WWW-Authenticate', ['Bearer', 'DPoP']],
  ],
  cause,
};

const BODY = { error: 'invalid_token', error_description: 'The access token is not valid here.' };

function answering(before: Record<string, unknown> = {}) {
  const headers = { ...before };
  const adapter = {
    setHeader: (_response: unknown, name: string, value: unknown) => (headers[name] = value),
    getHeader: (_response: unknown, name: string) => headers[name],
  };
  const response = { removeHeader: (name: string) => delete headers[name] };
  return { headers, response, responses: new Responses({ httpAdapter: adapter } as never) };
}

/** A call of this kind, with these arguments of its handler. */
function call(kind: CallKind, ...args: readonly object[]): ExecutionContext {
  const context = { getType: () => kind, getArgByIndex: (index: number) => args[index] };
  return context as Partial<ExecutionContext> as ExecutionContext;
}

describe('a refusal', () => {
  it('sets the headers of a response and gives the exception, with the error as its cause', () => {
    const { headers, response, responses } = answering();
    const exception = refuse(REFUSAL, response, responses);
    expect(headers).toEqual({ 'Cache-Control': 'no-store', 'WWW-Authenticate': ['Bearer', 'DPoP'] });
    expect(exception).toBeInstanceOf(OidcException);
    expect(exception).toMatchObject({ status: 401, response: BODY, cause });
  });

  it('gives the exception of the kind of call', async () => {
    const of = (kind: 'graphql' | 'ws' | 'rpc', status = 401) =>
      refuseCall({ ...REFUSAL, status }, call(kind, {}, {}, { req: {} }), answering().responses);
    expect(await of('graphql')).toMatchObject({
      response: BODY,
      extensions: { code: 'UNAUTHENTICATED', status: 401, error: 'invalid_token' },
      cause,
    });
    const ws = await of('ws');
    expect(ws).toBeInstanceOf(WsException);
    expect(ws).toMatchObject({ error: { status: 401, ...BODY }, cause });
    const rpc = await of('rpc');
    expect(rpc).toBeInstanceOf(RpcException);
    expect(rpc).toMatchObject({ error: { code: 16, message: 'invalid_token', status: 401, ...BODY }, cause });
    expect(await of('rpc', 418)).toMatchObject({ error: { code: 2, status: 418 } });
  });

  it('is taken back when another guard admits the call: what was there before is there again', () => {
    const { headers, response, responses } = answering({ 'Cache-Control': 'public' });
    const request = {};
    void refuseCall(REFUSAL, call('http', request, response), responses);
    const other: Refusal = { ...REFUSAL, headers: [['Cache-Control', 'private']] };
    void refuseCall(other, call('http', request, response), responses);
    expect(headers['Cache-Control']).toBe('private');
    withdrawRefusal(request);
    expect(headers).toEqual({ 'Cache-Control': 'public' });
  });
});
