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
  TransportError,
  VerificationError,
} from '../../lib/errors/errors.js';
import { refuseLogin } from '../../lib/login/login-refusal.js';
import { OidcException } from '../../lib/nest/oidc.exception.js';

const BAD = { error: 'invalid_request', error_description: 'This does not complete a sign-in. Please sign in again.' };
const DENIED = { error: 'access_denied', error_description: 'The sign-in was refused.' };
const BROKEN = { error: 'server_error', error_description: 'The sign-in service can not be used at the moment.' };
const AWAY = {
  error: 'temporarily_unavailable',
  error_description: 'The sign-in service is not available at the moment. Please try again.',
};

const answerTo = (error: unknown) => {
  const { exception, headers, log } = refuseLogin(error);
  return exception instanceof OidcException
    ? [exception.getStatus(), exception.getResponse(), Object.fromEntries(headers), log]
    : exception;
};

describe('refuseLogin', () => {
  const rows: [Error, number, object, object, string][] = [
    [new AuthorizationResponseError('STATE_MISMATCH', 'm'), 400, BAD, {}, 'STATE_MISMATCH'],
    [new AuthorizationResponseError('UNSUPPORTED_MEDIA_TYPE', 'm'), 415, BAD, {}, 'UNSUPPORTED_MEDIA_TYPE'],
    [new AuthorizationResponseError('BODY_TOO_LARGE', 'm'), 413, BAD, {}, 'BODY_TOO_LARGE'],
    [new OAuthError('OP_ERROR', 'access_denied', 'm'), 403, DENIED, {}, 'OP_ERROR (access_denied)'],
    [new OAuthError('OP_ERROR', 'invalid_grant', 'm'), 403, DENIED, {}, 'OP_ERROR (invalid_grant)'],
    [new OAuthError('OP_ERROR', 'constructor', 'm'), 403, DENIED, {}, 'OP_ERROR (constructor)'],
    [new OAuthError('OP_ERROR', 'server_error', 'm'), 502, BROKEN, {}, 'OP_ERROR (server_error)'],
    [
      new OAuthError('OP_ERROR', 'temporarily_unavailable', 'm'),
      503,
      AWAY,
      { 'Retry-After': '5' },
      'OP_ERROR (temporarily_unavailable)',
    ],
    [
      new OAuthError('CLIENT_MISCONFIGURED', 'invalid_client', 'm'),
      502,
      BROKEN,
      {},
      'CLIENT_MISCONFIGURED (invalid_client)',
    ],
    [new VerificationError('NONCE_MISMATCH', 'm'), 403, DENIED, {}, 'NONCE_MISMATCH'],
    [new ResponseError('INVALID_JSON', 'm'), 502, BROKEN, {}, 'INVALID_JSON'],
    [new DiscoveryError('ISSUER_MISMATCH', 'm'), 502, BROKEN, {}, 'ISSUER_MISMATCH'],
    [new ConfigError('ENDPOINT_MISSING', 'server.x', 'm'), 502, BROKEN, {}, 'ENDPOINT_MISSING, server.x: m'],
    [new TransportError('UPSTREAM_UNAVAILABLE', 'm'), 503, AWAY, { 'Retry-After': '5' }, 'UPSTREAM_UNAVAILABLE'],
    [new TransportError('RATE_LIMITED', 'm', { retryAfter: 59.2 }), 503, AWAY, { 'Retry-After': '60' }, 'RATE_LIMITED'],
    [new TransportError('TLS_ERROR', 'm'), 503, AWAY, { 'Retry-After': '5' }, 'TLS_ERROR'],
    [new TransportError('UPSTREAM_TIMEOUT', 'm'), 504, AWAY, {}, 'UPSTREAM_TIMEOUT'],
    [new SessionError('SESSION_TOO_LARGE', 'm'), 502, BROKEN, {}, 'SESSION_TOO_LARGE'],
    [new SessionError('USER_REFUSED', 'm'), 403, DENIED, {}, 'USER_REFUSED'],
  ];
  it.each(rows.map((row) => ({ row, log: row[4], status: row[1] })))('$log is answered with $status', ({ row }) => {
    const [error, status, body, headers, log] = row;
    expect(answerTo(error)).toEqual([status, body, headers, `Login refused: ${log}`]);
    expect(refuseLogin(error).isOurFault).toBe(status >= 500);
    expect(Reflect.get(Object(refuseLogin(error).exception), 'cause')).toBe(error);
  });

  it('leaves alone what the application throws', () => {
    const own = new ForbiddenException('not you');
    expect(refuseLogin(own)).toEqual({ exception: own, headers: [], isOurFault: false });
    for (const bug of [new TypeError('bug'), 'text', undefined, new AccessTokenError('TOKEN_TYPE', 'm')]) {
      expect(refuseLogin(bug)).toEqual({ exception: bug, headers: [], isOurFault: true });
    }
  });
});
