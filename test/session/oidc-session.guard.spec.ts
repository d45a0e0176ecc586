import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import type { ExecutionContext } from '@nestjs/common';
import { RpcException } from '@nestjs/microservices';

import { SessionError, StoreError } from '../../lib/errors/errors.js';
import { authenticated } from '../../lib/nest/authenticated.js';
import { Public } from '../../lib/nest/decorators.js';
import { OidcException } from '../../lib/nest/oidc.exception.js';
import { Responses } from '../../lib/nest/responses.js';
import { ClientSessions } from '../../lib/session/client-sessions.js';
import { OidcSessionGuard } from '../../lib/session/oidc-session.guard.js';
import type { SessionRefresh } from '../../lib/session/refresh/session-refresh.js';
import type { FoundSession, SessionKeeper } from '../../lib/session/session.port.js';
import type { Awaitable } from '../../lib/values/awaitable.js';

class Guarded {
  handle() {}
}

@Public()
class Open extends Guarded {}

const SESSION = { user: { sub: 'alice' }, tokens: {}, expiresAt: 0 };
const ALICE = { session: SESSION, setCookies: [] } as unknown as FoundSession;
const NOBODY: FoundSession = { setCookies: ['s=; Max-Age=0'] };

/** No session here needs new tokens. */
const NEVER_DUE = { isDue: () => false } as unknown as SessionRefresh;

/** Runs the guard once. */
async function run(
  found: Awaitable<FoundSession>,
  { controller = Guarded, method = 'GET', site = '', type = 'http' } = {},
) {
  const headers: [string, string][] = [];
  const record = (_response: unknown, name: string, value: string) => headers.push([name, value]);
  const responses = new Responses({
    httpAdapter: { setHeader: record, appendHeader: record, getHeader: () => undefined },
  } as never);
  const sessions = new ClientSessions(() => ({ find: () => found }) as unknown as SessionKeeper, NEVER_DUE, {
    metadata: {},
  } as never);
  const guard = new OidcSessionGuard(sessions, responses);
  const request = { method, url: '/', rawHeaders: [], headers: { 'sec-fetch-site': site } };
  const response = {};
  const context = {
    getType: () => type,
    getClass: () => controller,
    getHandler: () => Guarded.prototype.handle,
    getArgByIndex: (index: number) => [request, response][index],
  } as unknown as ExecutionContext;
  const outcome = { request, message: response, headers, passed: false, atOnce: false, refused: undefined as unknown };
  try {
    const answer = guard.canActivate(context);
    outcome.atOnce = typeof answer === 'boolean';
    outcome.passed = await answer;
  } catch (error) {
    outcome.refused = error;
  }
  return outcome;
}

const refusalOf = (error: unknown) =>
  error instanceof OidcException ? [error.getStatus(), error.getResponse(), error.cause?.code] : error;

describe('OidcSessionGuard', () => {
  it('sets the user of the session, for nobody else to see', async () => {
    const { passed, request, headers } = await run(ALICE);
    expect(passed).toBe(true);
    expect(Reflect.get(request, 'user')).toEqual({ sub: 'alice' });
    expect(authenticated(request)).toEqual({ user: { sub: 'alice' } });
    expect(headers).toEqual([['Cache-Control', 'private, no-store']]);
  });

  it('answers 401 with a challenge where there is none, and clears what was none', async () => {
    const { passed, refused, request, headers } = await run(NOBODY);
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

  it('under @Public() sets the user when there is one, and never refuses', async () => {
    const alice = await run(ALICE, { controller: Open });
    expect([alice.passed, authenticated(alice.request)]).toEqual([true, { user: { sub: 'alice' } }]);
    const nobody = await run(NOBODY, { controller: Open });
    expect([nobody.passed, authenticated(nobody.request)]).toEqual([true, { user: undefined }]);
  });

  it('SESS-38 refuses what another site wants changed', async () => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND']) {
      expect(refusalOf((await run(ALICE, { method, site: 'cross-site' })).refused)).toEqual([
        403,
        { error: 'access_denied', error_description: 'Another site may not do this in your name.' },
        'CROSS_SITE_REQUEST',
      ]);
      expect((await run(ALICE, { method, site: 'same-origin' })).passed).toBe(true);
      expect((await run(ALICE, { method })).passed).toBe(true);
    }
    expect((await run(ALICE, { method: 'GET', site: 'cross-site' })).passed).toBe(true);
    const open = await run(ALICE, { method: 'POST', site: 'cross-site', controller: Open });
    expect([open.passed, authenticated(open.request)]).toEqual([true, { user: undefined }]);
  });

  it('asks a keeper that answers with a promise, and one that answers at once without any', async () => {
    expect(await run(ALICE)).toMatchObject({ passed: true, atOnce: true });
    const [alice, nobody] = [await run(Promise.resolve(ALICE)), await run(Promise.resolve(NOBODY))];
    expect(alice).toMatchObject({ passed: true, atOnce: false, headers: [['Cache-Control', 'private, no-store']] });
    expect(authenticated(alice.request)).toEqual({ user: { sub: 'alice' } });
    expect(refusalOf(nobody.refused)).toEqual([401, expect.anything(), 'SESSION_MISSING']);
    expect(nobody.headers[0]).toEqual(['Set-Cookie', 's=; Max-Age=0']);
    const down = await run(Promise.reject(new StoreError('STORE_UNAVAILABLE', 'down')));
    expect(refusalOf(down.refused)).toEqual([
      503,
      {
        error: 'temporarily_unavailable',
        error_description: 'Sessions can not be read at the moment. Please try again.',
      },
      'STORE_UNAVAILABLE',
    ]);
    expect(down.headers.slice(0, 2)).toEqual([
      ['Retry-After', '5'],
      ['Cache-Control', 'no-store'],
    ]);
    expect(down.headers.map(([name]) => name)).not.toContain('Set-Cookie');
    const broken = await run(Promise.reject(new Error('a bug')));
    expect([broken.passed, broken.refused]).toEqual([false, new Error('a bug')]);
  });

  it('REDIS-02 under @Public() takes the browser for nobody while the store is away, and leaves its cookie', async () => {
    const down = Promise.reject<FoundSession>(new StoreError('STORE_UNAVAILABLE', 'down'));
    const open = await run(down, { controller: Open });
    expect([open.passed, authenticated(open.request), open.headers]).toEqual([true, { user: undefined }, []]);
  });

  it('SESS-18 a public answer that clears a cookie is kept by no cache', async () => {
    const { passed, headers } = await run(NOBODY, { controller: Open });
    expect([passed, headers]).toEqual([
      true,
      [
        ['Set-Cookie', 's=; Max-Age=0'],
        ['Cache-Control', 'private, no-store'],
      ],
    ]);
  });

  it('finds nobody in a message of a microservice, and refuses a context that is unknown', async () => {
    const { passed, refused } = await run(ALICE, { type: 'rpc' });
    expect(passed).toBe(false);
    expect(refused).toBeInstanceOf(RpcException);
    expect(refused).toMatchObject({ error: { code: 16, error: 'login_required', status: 401 } });
    const open = await run(ALICE, { type: 'rpc', controller: Open });
    expect([open.passed, authenticated(open.message)]).toEqual([true, { user: undefined }]);
    expect((await run(ALICE, { type: 'other' })).refused).toMatchObject({
      message: 'A context of type other is not protected, so it is refused.',
    });
  });

  it('NEST-15 has one class for each client', () => {
    expect(OidcSessionGuard.for('one')).toBe(OidcSessionGuard.for('one'));
    expect(OidcSessionGuard.for('one')).not.toBe(OidcSessionGuard.for('two'));
  });

  it('stops the boot where no session can be kept', () => {
    const sessions = new ClientSessions(
      () => {
        throw new SessionError('SESSION_MISSING', 'no secret');
      },
      NEVER_DUE,
      { metadata: {} } as never,
    );
    expect(() => new OidcSessionGuard(sessions, {} as never)).toThrow('no secret');
    expect(sessions.areRead).toBe(false);
  });
});
