import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import type { ExecutionContext } from '@nestjs/common';

import { SessionError } from '../../lib/errors/errors.js';
import { authenticated } from '../../lib/nest/authenticated.js';
import { Public } from '../../lib/nest/decorators.js';
import { OidcException } from '../../lib/nest/oidc.exception.js';
import { Responses } from '../../lib/nest/responses.js';
import { OidcSessionGuard } from '../../lib/session/oidc-session.guard.js';
import type { FoundSession, SessionCookies } from '../../lib/session/session-cookies.js';

class Guarded {
  handle() {}
}

@Public()
class Open extends Guarded {}

const SESSION = { user: { sub: 'alice' }, tokens: {}, expiresAt: 0 };
const ALICE = { session: SESSION, setCookies: [] } as unknown as FoundSession;
const NOBODY: FoundSession = { setCookies: ['s=; Max-Age=0'] };

/** Runs the guard once. */
function run(found: FoundSession, { controller = Guarded, method = 'GET', site = '', type = 'http' } = {}) {
  const headers: [string, string][] = [];
  const record = (_response: unknown, name: string, value: string) => headers.push([name, value]);
  const responses = new Responses({
    httpAdapter: { setHeader: record, appendHeader: record, getHeader: () => undefined },
  } as never);
  const sessions = { require: () => {}, find: () => found, beside: () => [] } as unknown as SessionCookies;
  const guard = new OidcSessionGuard(sessions, responses);
  const request = { method, url: '/', rawHeaders: [], headers: { 'sec-fetch-site': site } };
  const context = {
    getType: () => type,
    getClass: () => controller,
    getHandler: () => Guarded.prototype.handle,
    switchToHttp: () => ({ getRequest: () => request, getResponse: () => ({}) }),
  } as unknown as ExecutionContext;
  const outcome = { request, headers, passed: false, refused: undefined as unknown };
  try {
    outcome.passed = guard.canActivate(context);
  } catch (error) {
    outcome.refused = error;
  }
  return outcome;
}

const refusalOf = (error: unknown) =>
  error instanceof OidcException ? [error.getStatus(), error.getResponse(), error.cause?.code] : error;

describe('OidcSessionGuard', () => {
  it('sets the user of the session, for nobody else to see', () => {
    const { passed, request, headers } = run(ALICE);
    expect(passed).toBe(true);
    expect(Reflect.get(request, 'user')).toEqual({ sub: 'alice' });
    expect(authenticated(request)).toEqual({ user: { sub: 'alice' } });
    expect(headers).toEqual([['Cache-Control', 'private, no-store']]);
  });

  it('answers 401 with a challenge where there is none, and clears what was none', () => {
    const { passed, refused, request, headers } = run(NOBODY);
    expect(passed).toBe(false);
    expect(refusalOf(refused)).toEqual([
      401,
      { error: 'login_required', error_description: 'Sign in first.' },
      'SESSION_MISSING',
    ]);
    expect(headers).toEqual([
      ['Set-Cookie', 's=; Max-Age=0'],
      ['WWW-Authenticate', 'Cookie realm="session"'],
      ['Cache-Control', 'no-store'],
      ['Referrer-Policy', 'no-referrer'],
      ['X-Content-Type-Options', 'nosniff'],
    ]);
    expect([Reflect.has(request, 'user'), authenticated(request)]).toEqual([false, undefined]);
  });

  it('under @Public() sets the user when there is one, and never refuses', () => {
    const alice = run(ALICE, { controller: Open });
    expect([alice.passed, authenticated(alice.request)]).toEqual([true, { user: { sub: 'alice' } }]);
    const nobody = run(NOBODY, { controller: Open });
    expect([nobody.passed, authenticated(nobody.request)]).toEqual([true, { user: undefined }]);
  });

  it('SESS-38 refuses what another site wants changed', () => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND']) {
      expect(refusalOf(run(ALICE, { method, site: 'cross-site' }).refused)).toEqual([
        403,
        { error: 'access_denied', error_description: 'Another site may not do this in your name.' },
        'CROSS_SITE_REQUEST',
      ]);
      expect(run(ALICE, { method, site: 'same-origin' }).passed).toBe(true);
      expect(run(ALICE, { method }).passed).toBe(true);
    }
    expect(run(ALICE, { method: 'GET', site: 'cross-site' }).passed).toBe(true);
    const open = run(ALICE, { method: 'POST', site: 'cross-site', controller: Open });
    expect([open.passed, authenticated(open.request)]).toEqual([true, { user: undefined }]);
  });

  it('lets no other context pass', () => {
    for (const type of ['rpc', 'ws', 'graphql']) {
      const { passed, refused } = run(ALICE, { type });
      expect(passed).toBe(false);
      expect(refused).toMatchObject({ message: `OidcSessionGuard does not know contexts of type ${type}` });
    }
  });

  it('NEST-15 has one class for each client', () => {
    expect(OidcSessionGuard.for('one')).toBe(OidcSessionGuard.for('one'));
    expect(OidcSessionGuard.for('one')).not.toBe(OidcSessionGuard.for('two'));
  });

  it('stops the boot where no session can be kept', () => {
    const missing = () => {
      throw new SessionError('SESSION_MISSING', 'no secret');
    };
    expect(() => new OidcSessionGuard({ require: missing } as unknown as SessionCookies, {} as never)).toThrow(
      'no secret',
    );
  });
});
