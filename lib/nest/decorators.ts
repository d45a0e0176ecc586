import { createParamDecorator, Inject, SetMetadata, type CustomDecorator, type ExecutionContext } from '@nestjs/common';

import type { Introspection as IntrospectionResponse } from '../client/introspection.js';
import { ConfigError } from '../errors/errors.js';
import { authenticated, type Authenticated } from './authenticated.js';
import { callOf } from './call.js';
import { clientToken, sessionToken } from './tokens.js';

const PUBLIC = Symbol('nestjs-oidc: public');
const SCOPES = Symbol('nestjs-oidc: scopes');
const VALIDATION = Symbol('nestjs-oidc: validation');
const INTROSPECTION = Symbol('nestjs-oidc: introspection');
const STEP_UP = Symbol('nestjs-oidc: step-up');

/** What asks something of an access token, by the key of its metadata. */
const DEMANDS = [
  [SCOPES, '@Scopes'],
  [STEP_UP, '@StepUp'],
  [INTROSPECTION, '@Introspection'],
  [VALIDATION, '@AccessTokenValidation'],
] as const;

/** Seconds that an introspection is kept beyond its time, for those who would rather have an old one than none. */
export const LONGEST_STALE = 300;

/** RFC 6749, section 3.3: scope-token. */
const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/**
 * Opens a handler, or every handler of a controller, to everybody: `OidcGuard` looks at nothing and calls nothing,
 * `OidcSessionGuard` sets the user when there is one.
 *
 * On a handler it beats what its class asks of a token; what a handler asks beats `@Public()` on its class.
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

/** How access tokens are found out about. */
export type Validation = 'introspection' | 'jwt' | 'auto';

/** How access tokens are found out about here, whatever `resourceServer.validation` says for the other routes. */
export function AccessTokenValidation(validation: Validation): CustomDecorator<symbol> {
  return SetMetadata(VALIDATION, validation);
}

/** What the server says of a token (RFC 7662, section 2.2). */
export type Introspection = IntrospectionResponse;

/** How fresh an introspection has to be. */
export interface IntrospectionFreshness {
  /**
   * Seconds since the server was asked; 0 asks anew. Default: as long as `resourceServer.cache` keeps it. More than 0 needs
   * that cache: without it nothing is kept, and each request asks.
   */
  readonly maxAge?: number;
  /**
   * Seconds, at most 300, for which the server's last word serves beyond its time when the server is down, never past the
   * token's `exp`. Such a token has `isStale`. Needs `resourceServer.cache`. Default 0.
   */
  readonly staleIfError?: number;
}

/**
 * Asks the server about access tokens here, JWTs too, whatever `resourceServer.validation` says, and says how fresh its word
 * has to be. A server that introspects opaque tokens only calls a JWT inactive: that is a 401 here. A token of an issuer at
 * which no client is registered is refused.
 *
 * ```ts
 * @Post() @Scopes('payments:write') @Introspection({ maxAge: 5 })
 * pay() {}
 * ```
 *
 * @throws {ConfigError} a number that is no such time
 */
export function Introspection(freshness: IntrospectionFreshness = {}): CustomDecorator<symbol> {
  const { maxAge = 0, staleIfError = 0 } = freshness;
  if (!(maxAge >= 0)) {
    throw new ConfigError('INVALID_CONFIG', '@Introspection', 'maxAge must be seconds, 0 or more');
  }
  if (!(staleIfError >= 0 && staleIfError <= LONGEST_STALE)) {
    throw new ConfigError('INVALID_CONFIG', '@Introspection', `staleIfError must be 0 to ${LONGEST_STALE} seconds`);
  }
  return SetMetadata(INTROSPECTION, Object.freeze({ ...freshness }));
}

/** How well and how recently the end-user must have proved who they are (RFC 9470). */
export interface StepUpRequirement {
  /** Authentication context class references, one of which the token's `acr` must be. */
  readonly acr?: readonly string[];
  /** Seconds since the token's `auth_time`. */
  readonly maxAge?: number;
}

/**
 * Requires a strong or a recent login. A token of another one is refused with `insufficient_user_authentication`, which
 * tells the client what to log in again with (RFC 9470).
 *
 * @throws {ConfigError} it requires nothing, or something that can't be asked for
 */
export function StepUp(requirement: StepUpRequirement): CustomDecorator<symbol> {
  const { acr = [], maxAge } = requirement;
  if (acr.length === 0 && maxAge === undefined) {
    throw new ConfigError('INVALID_CONFIG', '@StepUp', 'requires nothing');
  }
  if (!acr.every((value) => SCOPE_TOKEN.test(value))) {
    throw new ConfigError('INVALID_CONFIG', '@StepUp', 'an acr is empty or has characters that no challenge can carry');
  }
  if (maxAge !== undefined && !(maxAge >= 0)) {
    throw new ConfigError('INVALID_CONFIG', '@StepUp', 'maxAge must be seconds, 0 or more');
  }
  return SetMetadata(STEP_UP, Object.freeze({ acr: Object.freeze([...acr]), maxAge }));
}

/** What the decorators on a handler and its class ask for. */
export interface AccessRule {
  readonly isPublic: boolean;
  /** The decorators that ask something of a token, such as `@Scopes`; none where everybody may pass. */
  readonly demands: readonly string[];
  /** Empty when any token will do. */
  readonly scopes: readonly string[];
  /** Undefined: as the module says. */
  readonly validation: Validation | undefined;
  readonly freshness: IntrospectionFreshness;
  readonly stepUp: StepUpRequirement | undefined;
}

type Target = ReturnType<ExecutionContext['getHandler']> | ReturnType<ExecutionContext['getClass']>;

const rules = new WeakMap<Target, WeakMap<Target, AccessRule>>();

/** What the decorators of a handler and of its class say, read once: the nearer one decides. */
export function accessRule(handler: Target, controller: Target): AccessRule {
  const known = rules.get(controller)?.get(handler);
  if (known !== undefined) {
    return known;
  }
  const rule = readRule(handler, controller);
  // A handler may be inherited by several controllers.
  const ofController = rules.get(controller) ?? new WeakMap<Target, AccessRule>();
  rules.set(controller, ofController.set(handler, rule));
  return rule;
}

function readRule(handler: Target, controller: Target): AccessRule {
  const nearest = <T>(key: symbol): T | undefined =>
    Reflect.getMetadata(key, handler) ?? Reflect.getMetadata(key, controller);
  const isPublic = opens(handler) ?? opens(controller) ?? false;
  return {
    isPublic,
    demands: isPublic ? [] : [...new Set([...demandsOf(handler), ...demandsOf(controller)])],
    scopes: isPublic ? [] : (nearest<readonly string[]>(SCOPES) ?? []),
    validation: validationOf(handler) ?? validationOf(controller),
    freshness: nearest<IntrospectionFreshness>(INTROSPECTION) ?? {},
    stepUp: nearest<StepUpRequirement>(STEP_UP),
  };
}

function validationOf(target: Target): Validation | undefined {
  return (
    Reflect.getMetadata(VALIDATION, target) ??
    (Reflect.hasMetadata(INTROSPECTION, target) ? 'introspection' : undefined)
  );
}

/** Whether it is opened, or closed by asking something of a token; undefined where it says nothing. */
function opens(target: Target): boolean | undefined {
  if (Reflect.hasMetadata(PUBLIC, target)) {
    return true;
  }
  return demandsOf(target).length > 0 ? false : undefined;
}

function demandsOf(target: Target): readonly string[] {
  return DEMANDS.filter(([key]) => Reflect.hasMetadata(key, target)).map(([, decorator]) => decorator);
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
  const record = authenticated(callOf(context));
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
