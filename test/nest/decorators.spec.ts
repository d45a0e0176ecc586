import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import { UseGuards, type ExecutionContext } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';

import { SessionError } from '../../lib/errors/errors.js';
import { OidcGuard, OidcSessionGuard } from '../../lib/index.js';
import { accessRule } from '../../lib/nest/access-rule.js';
import { admitAnonymous, authenticate, authenticated } from '../../lib/nest/authenticated.js';
import { AccessTokenValidation, Introspection, Public, Roles, Scopes, StepUp } from '../../lib/nest/decorators.js';
import { OidcException } from '../../lib/nest/oidc.exception.js';
import { AccessToken, CurrentUser } from '../../lib/nest/parameter-decorators.js';

class Plain {
  open() {}
  scoped() {}
  bare() {}
}
Public()(Plain.prototype, 'open', Object.getOwnPropertyDescriptor(Plain.prototype, 'open')!);
Scopes('b', 'c')(Plain.prototype, 'scoped', Object.getOwnPropertyDescriptor(Plain.prototype, 'scoped')!);

@Scopes('a')
class Scoped {}

@Public()
class Open {}

describe('accessRule', () => {
  const { open, scoped, bare } = Plain.prototype;

  it('the handler decides before its class', () => {
    expect(accessRule(bare, Plain)).toMatchObject({ isPublic: false, scopes: [] });
    expect(accessRule(bare, Scoped)).toMatchObject({ isPublic: false, scopes: ['a'] });
    expect(accessRule(scoped, Scoped)).toMatchObject({ isPublic: false, scopes: ['b', 'c'] });
    expect(accessRule(open, Scoped)).toMatchObject({ isPublic: true, scopes: [] });
    expect(accessRule(bare, Open)).toMatchObject({ isPublic: true, scopes: [] });
    expect(accessRule(scoped, Open)).toMatchObject({ isPublic: false, scopes: ['b', 'c'] });
  });

  it.each([
    ['@StepUp', StepUp({ maxAge: 60 })],
    ['@Roles', Roles('admin')],
    ['@Introspection', Introspection({ maxAge: 0 })],
    ['@AccessTokenValidation', AccessTokenValidation('jwt')],
  ])('a handler with %s is closed in an open class, as one with scopes is', (_name, decorate) => {
    class Handlers {
      handle() {}
    }
    decorate(Handlers.prototype, 'handle', Object.getOwnPropertyDescriptor(Handlers.prototype, 'handle')!);
    expect(accessRule(Handlers.prototype.handle, Open)).toMatchObject({ isPublic: false, scopes: [] });
  });

  it('what opens a handler stands above what its class asks for', () => {
    @StepUp({ maxAge: 60 })
    class Strong {}
    expect(accessRule(open, Strong)).toMatchObject({ isPublic: true, scopes: [] });
  });

  it('what opens a class does not open one that extends it, what asks for something asks there too', () => {
    class ExtendsOpen extends Open {}
    class ExtendsScoped extends Scoped {}
    expect(accessRule(bare, ExtendsOpen)).toMatchObject({ isPublic: false });
    expect(accessRule(open, ExtendsOpen)).toMatchObject({ isPublic: true });
    expect(accessRule(bare, ExtendsScoped)).toMatchObject({ isPublic: false, scopes: ['a'] });
  });

  it.each<[string, Parameters<typeof UseGuards>[number], boolean]>([
    ['OidcGuard', OidcGuard, false],
    ['a subclass of it', class extends OidcGuard {}, false],
    ['that of a named client', OidcGuard.for('partners'), false],
    ['OidcSessionGuard', OidcSessionGuard, false],
    [
      'another guard',
      class {
        canActivate = () => true;
      },
      true,
    ],
    ['another guard as an object', { canActivate: () => true }, true],
  ])('in an open class, a handler whose own guard is %s is open or not: %#', (_what, guard, isPublic) => {
    class Handlers {
      handle() {}
    }
    UseGuards(guard)(Handlers.prototype, 'handle', Object.getOwnPropertyDescriptor(Handlers.prototype, 'handle')!);
    expect(accessRule(Handlers.prototype.handle, Open)).toMatchObject({ isPublic });
  });

  it('reads it once', () => {
    expect(accessRule(bare, Scoped)).toBe(accessRule(bare, Scoped));
  });
});

describe('@Scopes', () => {
  it('NEST-13 must name a scope', () => {
    expect(() => Scopes()).toThrow('@Scopes: names no scope');
  });

  it('RS-32 takes only the characters of RFC 6749, section 3.3', () => {
    for (const scope of ['', 'a b', 'a"b', 'a\\b', 'a\nb', 'é', 'a\u200b']) {
      expect(() => Scopes('ok', scope)).toThrow('@Scopes: a scope is empty or has characters outside of RFC 6749');
    }
    expect(() => Scopes('orders:read', 'https://api.test/x.y')).not.toThrow();
  });
});

describe('what can not be asked of a token', () => {
  /** As callers write it whom no compiler watches. */
  const untyped = (decorator: (...args: never[]) => unknown, ...args: unknown[]) =>
    Reflect.apply(decorator, undefined, args);

  it.each<[() => unknown, string, string]>([
    [() => untyped(Scopes, ['a', 'b']), '@Scopes.0', 'must be a text'],
    [() => Roles(), '@Roles', 'names no role'],
    [() => Roles('admin', ''), '@Roles.1', 'a role is empty'],
    [() => untyped(Roles, ['a', 'b']), '@Roles.0', 'must be a text'],
    [() => StepUp({}), '@StepUp', 'requires nothing'],
    [() => StepUp({ acr: [] }), '@StepUp', 'requires nothing'],
    [() => untyped(StepUp), '@StepUp', 'is required'],
    [() => untyped(StepUp, 'phr'), '@StepUp', 'must be an object'],
    [() => untyped(StepUp, { acr: 'phr' }), '@StepUp.acr', 'must be a list of texts'],
    [() => untyped(StepUp, { acr: [7] }), '@StepUp.acr.0', 'must be a text'],
    [
      () => untyped(StepUp, { acr: ['phr'], max_age: 300 }),
      '@StepUp.max_age',
      'there is no such option, did you mean maxAge?',
    ],
    [() => StepUp({ acr: ['a b'] }), '@StepUp.acr', 'one is empty or has characters that no challenge can carry'],
    [() => StepUp({ acr: ['ok', 'a"'] }), '@StepUp.acr', 'one is empty or has characters that no challenge can carry'],
    [() => StepUp({ maxAge: -1 }), '@StepUp.maxAge', 'must be whole seconds, 0 or more'],
    [() => StepUp({ maxAge: 0.5 }), '@StepUp.maxAge', 'must be whole seconds, 0 or more'],
    [() => StepUp({ maxAge: Number.POSITIVE_INFINITY }), '@StepUp.maxAge', 'must be whole seconds, 0 or more'],
    [() => StepUp({ maxAge: Number.NaN }), '@StepUp.maxAge', 'must be a number'],
    [() => untyped(StepUp, { maxAge: '300' }), '@StepUp.maxAge', 'must be a number'],
    [() => Introspection({ maxAge: -1 }), '@Introspection.maxAge', 'must be seconds, 0 or more'],
    [() => untyped(Introspection, { maxAge: '5' }), '@Introspection.maxAge', 'must be a number'],
    [
      () => untyped(Introspection, { maxage: 1 }),
      '@Introspection.maxage',
      'there is no such option, did you mean maxAge?',
    ],
    [() => untyped(Introspection, 5), '@Introspection', 'must be an object'],
    [() => Introspection({ staleIfError: -1 }), '@Introspection.staleIfError', 'must be 0 to 300 seconds'],
    [() => Introspection({ staleIfError: 301 }), '@Introspection.staleIfError', 'must be 0 to 300 seconds'],
    [() => Introspection({ staleIfError: Number.NaN }), '@Introspection.staleIfError', 'must be a number'],
    [() => untyped(AccessTokenValidation, 'foo'), '@AccessTokenValidation', 'must be "introspection", "jwt" or "auto"'],
    [() => untyped(AccessTokenValidation), '@AccessTokenValidation', 'is required'],
  ])('%# is a ConfigError', (decorate, member, problem) => {
    expect(decorate).toThrow(
      expect.objectContaining({ name: 'ConfigError', member, message: `${member}: ${problem}` }),
    );
  });

  it('what can be asked is kept as it was', () => {
    const acr = ['phr'];
    @StepUp({ acr, maxAge: 0 })
    @Introspection({ maxAge: 0.5, staleIfError: 300 })
    @AccessTokenValidation('auto')
    class Strong {}
    acr.push('other');
    expect(accessRule(Plain.prototype.bare, Strong)).toMatchObject({
      stepUp: { acr: ['phr'], maxAge: 0 },
      freshness: { maxAge: 0.5, staleIfError: 300 },
      validation: 'auto',
    });
  });
});

describe('@CurrentUser and @AccessToken', () => {
  class Handlers {
    get(...found: unknown[]) {
      return found;
    }
  }
  CurrentUser()(Handlers.prototype, 'get', 0);
  AccessToken()(Handlers.prototype, 'get', 1);
  const args: Record<string, { index: number; factory: (data: unknown, context: ExecutionContext) => unknown }> =
    Reflect.getMetadata(ROUTE_ARGS_METADATA, Handlers, 'get');
  const [user, token] = [0, 1].map((index) => Object.values(args).find((arg) => arg.index === index)!.factory);

  const contextOf = (request: object, type = 'http') =>
    ({
      getType: () => type,
      getClass: () => Handlers,
      getHandler: () => Handlers.prototype.get,
      getArgByIndex: () => request,
    }) as unknown as ExecutionContext;

  it('NEST-12 throw when no guard ran, and name the one that is missing', () => {
    expect(() => user!(undefined, contextOf({}))).toThrow(
      '@CurrentUser() needs an OidcGuard or an OidcSessionGuard on Handlers.get: no such guard ran',
    );
    expect(() => token!(undefined, contextOf({}))).toThrow('@AccessToken() needs an OidcGuard on Handlers.get');
    expect(() => user!(undefined, contextOf({}, 'rpc'))).toThrow('no such guard ran');
  });

  it('name another copy of the package when its guard ran', () => {
    const request = { [Symbol('nestjs-oidc')]: { user: 'alice' } };
    expect(() => user!(undefined, contextOf(request))).toThrow(
      'on Handlers.get: the one that ran is of another copy of nestjs-oidc; install it once (npm ls nestjs-oidc)',
    );
  });

  it('give what the guard found', () => {
    const request = {};
    authenticate(request, { user: 'alice', token: 'verified' });
    expect(user!(undefined, contextOf(request))).toBe('alice');
    expect(token!(undefined, contextOf(request))).toBe('verified');
    expect(Object.entries(request)).toEqual([['user', 'alice']]);
  });

  it('under a session there is a user and no token', () => {
    const request = {};
    authenticate(request, { user: 'alice' });
    expect(user!(undefined, contextOf(request))).toBe('alice');
    expect(() => token!(undefined, contextOf(request))).toThrow('@AccessToken() needs an OidcGuard');
  });

  it('RS-35 under @Public() nobody is there, and nobody who was found is forgotten', () => {
    const request = {};
    admitAnonymous(request, { user: undefined, token: undefined });
    expect(user!(undefined, contextOf(request))).toBeUndefined();
    expect(token!(undefined, contextOf(request))).toBeUndefined();
    authenticate(request, { user: 'alice' });
    admitAnonymous(request, { user: undefined, token: undefined });
    expect(authenticated(request)).toEqual({ user: 'alice', token: undefined });
  });
});

describe('OidcException', () => {
  it('has exactly the two members in its body and the error as its cause', () => {
    const cause = new SessionError('SESSION_MISSING', 'internal');
    const exception = new OidcException(401, { error: 'login_required', error_description: 'Sign in.' }, { cause });
    expect(exception.getStatus()).toBe(401);
    expect(exception.getResponse()).toEqual({ error: 'login_required', error_description: 'Sign in.' });
    expect(exception.cause?.code).toBe('SESSION_MISSING');
    expect([exception.error, exception.message]).toEqual(['login_required', 'Sign in.']);
  });
});
