import { createParamDecorator, Inject, SetMetadata, type CustomDecorator, type ExecutionContext } from '@nestjs/common';

import { ConfigError } from '../errors/errors.js';
import { authenticated, type Authenticated } from './authenticated.js';
import { clientToken, sessionToken } from './tokens.js';

const PUBLIC = Symbol('nestjs-oidc: public');
const SCOPES = Symbol('nestjs-oidc: scopes');

/** RFC 6749, section 3.3: scope-token. */
const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/**
 * Opens a handler, or every handler of a controller, to everybody: `OidcGuard` looks at nothing and calls nothing,
 * `OidcSessionGuard` sets the user when there is one.
 *
 * On a handler it beats the scopes of its class; scopes on a handler beat `@Public()` on its class.
 */
export function Public(): CustomDecorator<symbol> {
  return SetMetadata(PUBLIC, true);
}

/**
 * The scopes that an access token must have been granted, all of them. A handler's replace those of its class.
 *
 * @throws {ConfigError} no scope, or one with characters outside of RFC 6749, section 3.3
 */
export function Scopes(...scopes: string[]): CustomDecorator<symbol> {
  if (scopes.length === 0) {
    throw new ConfigError('INVALID_CONFIG', '@Scopes', 'names no scope');
  }
  if (!scopes.every((scope) => SCOPE_TOKEN.test(scope))) {
    throw new ConfigError(
      'INVALID_CONFIG',
      '@Scopes',
      'a scope is empty or has characters outside of RFC 6749, section 3.3',
    );
  }
  return SetMetadata(SCOPES, Object.freeze([...scopes]));
}

/** What the decorators on a handler and its class ask for. */
export interface AccessRule {
  readonly isPublic: boolean;
  /** Empty when any token will do. */
  readonly scopes: readonly string[];
}

type Target = ReturnType<ExecutionContext['getHandler']> | ReturnType<ExecutionContext['getClass']>;

const rules = new WeakMap<Target, WeakMap<Target, AccessRule>>();

/** What the decorators of a handler and of its class say, read once: the nearer one decides. */
export function accessRule(handler: Target, controller: Target): AccessRule {
  const known = rules.get(controller)?.get(handler);
  if (known !== undefined) {
    return known;
  }
  const rule = ownRule(handler) ?? ownRule(controller) ?? { isPublic: false, scopes: [] };
  // A handler may be inherited by several controllers.
  const ofController = rules.get(controller) ?? new WeakMap<Target, AccessRule>();
  rules.set(controller, ofController.set(handler, rule));
  return rule;
}

function ownRule(target: Target): AccessRule | undefined {
  if (Reflect.getMetadata(PUBLIC, target) === true) {
    return { isPublic: true, scopes: [] };
  }
  const scopes: readonly string[] | undefined = Reflect.getMetadata(SCOPES, target);
  return scopes && { isPublic: false, scopes };
}

/** Injects the `OidcClient` called `name`; the one without a name when left out. */
export function InjectOidcClient(name?: string): PropertyDecorator & ParameterDecorator {
  return Inject(clientToken(name));
}

/** Injects the `OidcSession` of the client called `name`; of the one without a name when left out. */
export function InjectOidcSession(name?: string): PropertyDecorator & ParameterDecorator {
  return Inject(sessionToken(name));
}

function found(context: ExecutionContext, member: keyof Authenticated, decorator: string, guards: string): unknown {
  const record = context.getType() === 'http' ? authenticated(context.switchToHttp().getRequest()) : undefined;
  if (record === undefined || !(member in record)) {
    throw new Error(
      `${decorator} needs ${guards} on ${context.getClass().name}.${context.getHandler().name}: no such guard ran`,
    );
  }
  return record[member];
}

/**
 * The verified access token of the call, a `VerifiedAccessToken`. Under `@Public()` it is `undefined`.
 *
 * Throws, which gives 500, when no `OidcGuard` ran.
 */
export const AccessToken: () => ParameterDecorator = createParamDecorator(
  (_data: undefined, context: ExecutionContext) => found(context, 'token', '@AccessToken()', 'an OidcGuard'),
);

/**
 * Who the call is from: under `OidcGuard` the verified token, under `OidcSessionGuard` what the strategy's `validate`
 * returned. Under `@Public()` it is `undefined` when nobody is there.
 *
 * Throws, which gives 500, when neither guard ran.
 */
export const CurrentUser: () => ParameterDecorator = createParamDecorator(
  (_data: undefined, context: ExecutionContext) =>
    found(context, 'user', '@CurrentUser()', 'an OidcGuard or an OidcSessionGuard'),
);
