import { describe, expect, it } from '@jest/globals';
import { ForbiddenException } from '@nestjs/common';

import {
  AccessTokenError,
  AuthorizationResponseError,
  ConfigError,
  DiscoveryError,
  OAuthError,
  ResponseError,
  SessionError,
  StoreError,
  TransportError,
  VerificationError,
} from '../../lib/errors/errors.js';
import { logLine } from '../../lib/errors/log-line.js';
import { loginRefusal, refusedLogin } from '../../lib/login/login-refusal.js';

const BAD = { error: 'invalid_request', error_description: 'This does not complete a sign-in. Please sign in again.' };
const DENIED = { error: 'access_denied', error_description: 'The sign-in was refused.' };
const BROKEN = { error: 'server_error', error_description: 'The sign-in service can not be used at the moment.' };
const NOT_KEPT = { error: 'server_error', error_description: 'This application can not keep the sign-in.' };
const AWAY = {
  error: 'temporarily_unavailable',
  error_description: 'The sign-in service is not available at the moment. Please try again.',
};

const eventOf = (error: unknown) => {
  const refusal = loginRefusal(error);
  return refusal && refusedLogin(refusal);
};

describe('loginRefusal', () => {
  const rows: [Error, number, object, object, string][] = [
    [new AuthorizationResponseError('STATE_MISMATCH', 'm'), 400, BAD, {}, 'STATE_MISMATCH: m'],
    [new AuthorizationResponseError('UNSUPPORTED_MEDIA_TYPE', 'm'), 415, BAD, {}, 'UNSUPPORTED_MEDIA_TYPE: m'],
    [new AuthorizationResponseError('BODY_TOO_LARGE', 'm'), 413, BAD, {}, 'BODY_TOO_LARGE: m'],
    [new OAuthError('OP_ERROR', 'access_denied', 'm'), 403, DENIED, {}, 'OP_ERROR: m error="access_denied"'],
    [new OAuthError('OP_ERROR', 'invalid_grant', 'm'), 403, DENIED, {}, 'OP_ERROR: m error="invalid_grant"'],
    [new OAuthError('OP_ERROR', 'constructor', 'm'), 403, DENIED, {}, 'OP_ERROR: m error="constructor"'],
    [
      new OAuthError('OP_ERROR', 'unmet_authentication_requirements', 'm'),
      403,
      DENIED,
      {},
      'OP_ERROR: m error="unmet_authentication_requirements"',
    ],
    ...[
      'invalid_request',
      'invalid_scope',
      'unsupported_response_type',
      'unsupported_grant_type',
      'invalid_request_uri',
    ].map((error): [Error, number, object, object, string] => [
      new OAuthError('OP_ERROR', error, 'm'),
      502,
      BROKEN,
      {},
      `OP_ERROR: m error="${error}"`,
    ]),
    ...['login_required', 'consent_required', 'interaction_required', 'account_selection_required'].map(
      (error): [Error, number, object, object, string] => [
        new OAuthError('OP_ERROR', error, 'm'),
        403,
        DENIED,
        {},
        `OP_ERROR: m error="${error}"`,
      ],
    ),
    [new OAuthError('OP_ERROR', 'server_error', 'm'), 502, BROKEN, {}, 'OP_ERROR: m error="server_error"'],
    [
      new OAuthError('OP_ERROR', 'temporarily_unavailable', 'm'),
      503,
      AWAY,
      { 'Retry-After': '5' },
      'OP_ERROR: m error="temporarily_unavailable"',
    ],
    [
      new OAuthError('CLIENT_MISCONFIGURED', 'invalid_client', 'm'),
      502,
      BROKEN,
      {},
      'CLIENT_MISCONFIGURED: m error="invalid_client"',
    ],
    [new VerificationError('NONCE_MISMATCH', 'm'), 403, DENIED, {}, 'NONCE_MISMATCH: m'],
    [new ResponseError('INVALID_JSON', 'm'), 502, BROKEN, {}, 'INVALID_JSON: m'],
    [new DiscoveryError('ISSUER_MISMATCH', 'm'), 502, BROKEN, {}, 'ISSUER_MISMATCH: m'],
    [new ConfigError('ENDPOINT_MISSING', 'server.x', 'm'), 502, BROKEN, {}, 'ENDPOINT_MISSING: server.x: m'],
    [new TransportError('UPSTREAM_UNAVAILABLE', 'm'), 503, AWAY, { 'Retry-After': '5' }, 'UPSTREAM_UNAVAILABLE: m'],
    [
      new TransportError('RATE_LIMITED', 'm', { retryAfter: 59.2 }),
      503,
      AWAY,
      { 'Retry-After': '60' },
      'RATE_LIMITED: m',
    ],
    [new TransportError('TLS_ERROR', 'm'), 503, AWAY, { 'Retry-After': '5' }, 'TLS_ERROR: m'],
    [new TransportError('UPSTREAM_TIMEOUT', 'm'), 504, AWAY, {}, 'UPSTREAM_TIMEOUT: m'],
    [new SessionError('SESSION_TOO_LARGE', 'm'), 500, NOT_KEPT, {}, 'SESSION_TOO_LARGE: m'],
    [new StoreError('STORE_TIMEOUT', 'm'), 503, AWAY, { 'Retry-After': '5' }, 'STORE_TIMEOUT: m'],
    [new SessionError('USER_REFUSED', 'm'), 403, DENIED, {}, 'USER_REFUSED: m'],
  ];
  it.each(rows.map((row) => ({ row, log: row[4], status: row[1] })))('$log is answered with $status', ({ row }) => {
    const [error, status, body, headers, log] = row;
    const { headers: set = [], ...refusal } = loginRefusal(error) ?? {};
    expect({ ...refusal, headers: Object.fromEntries(set) }).toEqual({ status, ...body, headers, cause: error });
    const event = eventOf(error);
    expect(event && logLine(event.error)).toBe(log);
    expect(event).toMatchObject({ error, isOurFault: status >= 500 });
  });

  it('tells kinds apart that an operator mends, and none that a stranger can make up', () => {
    const kindOf = (name: string, error_description?: string) =>
      eventOf(new OAuthError('OP_ERROR', name, 'm', { error_description }))?.trouble;
    expect(kindOf('invalid_scope', 'one')).toBe(kindOf('invalid_scope', 'two'));
    expect(kindOf('invalid_scope')).not.toBe(kindOf('invalid_request'));
    expect(kindOf('made_up', 'one')).toBe(kindOf('made_up_too', 'two'));
    expect(kindOf('made_up')).not.toBe(kindOf('invalid_request'));
  });

  it('leaves alone what the application throws', () => {
    const token = new AccessTokenError('TOKEN_TYPE', 'm');
    for (const error of [new ForbiddenException('not you'), new TypeError('bug'), 'text', undefined, token]) {
      expect(loginRefusal(error)).toBeUndefined();
    }
  });
});
