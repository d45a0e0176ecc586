import { inspect } from 'node:util';

import { expect, it } from '@jest/globals';

import type { Answer, Fault } from '../../lib/testing/http-faults.js';
import { clientOf } from '../support/client/client.js';
import { httpFor } from '../support/http/limits.js';
import { CLIENT_SECRET, startProvider } from '../support/provider/provider.js';

const HALF = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"sub":"ali';

/** An answer that repeats whatever it was asked with. */
const echo =
  (answer: Answer): Fault =>
  ({ headers, body }) => ({ ...answer, body: `${headers.authorization} ${body}` });

const SLOW_DOWN = echo({ status: 429, headers: { 'retry-after': '120' } });
const TEXT = { 'content-type': 'text/plain' };

it.each<['revoke' | 'userinfo', string, Fault, string, number]>([
  ['revoke', 'NET-07 silence', 'hang', 'UPSTREAM_TIMEOUT', 1],
  ['revoke', 'NET-12 a reset', 'reset', 'UPSTREAM_UNAVAILABLE', 1],
  ['revoke', 'NET-10 half an answer', { raw: HALF }, 'RESPONSE_INCOMPLETE', 1],
  ['revoke', 'NET-20 429', SLOW_DOWN, 'RATE_LIMITED', 1],
  ['revoke', 'NET-22 503', echo({ status: 503 }), 'UPSTREAM_UNAVAILABLE', 1],
  ['revoke', 'NET-19 a refusal in text', echo({ status: 400, headers: TEXT }), 'UNEXPECTED_STATUS', 1],
  // RFC 7009, section 2.2: the status says it all.
  ['revoke', 'NET-19 text', echo({ headers: TEXT }), 'no error', 1],
  ['userinfo', 'NET-07 silence', 'hang', 'UPSTREAM_TIMEOUT', 1],
  ['userinfo', 'NET-12 a reset', 'reset', 'UPSTREAM_UNAVAILABLE', 2],
  ['userinfo', 'NET-10 half an answer', { raw: HALF }, 'RESPONSE_INCOMPLETE', 2],
  ['userinfo', 'NET-20 429', SLOW_DOWN, 'RATE_LIMITED', 1],
  ['userinfo', 'NET-22 503', echo({ status: 503 }), 'UPSTREAM_UNAVAILABLE', 2],
  ['userinfo', 'NET-19 a refusal in text', echo({ status: 400, headers: TEXT }), 'USERINFO_REFUSED', 1],
  ['userinfo', 'NET-19 text', echo({ headers: TEXT }), 'UNEXPECTED_CONTENT_TYPE', 1],
])('%s answered with %s is told without the token', async (endpoint, _what, fault, code, count) => {
  const op = await startProvider();
  const { oidc } = clientOf(op, { http: httpFor(fault) });
  const token = op.issue();
  op.answer(endpoint, fault);
  const call = endpoint === 'revoke' ? oidc.revoke(token) : oidc.userinfo(token, 'alice');
  const error: unknown = await call.then(
    () => ({ code: 'no error' }),
    (thrown: unknown) => thrown,
  );
  expect([Object(error).code, op.count(endpoint)]).toEqual([code, count]);
  const printed = inspect(error, { depth: 9, showHidden: true });
  expect([token, CLIENT_SECRET].filter((secret) => printed.includes(secret))).toEqual([]);
});
