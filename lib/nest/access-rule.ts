import type { ExecutionContext } from '@nestjs/common';
import { GUARDS_METADATA } from '@nestjs/common/constants.js';

import type { StepUpRequirement } from '../tokens/verified-access-token.js';
import { authenticates, guardsOn, logsIn, type Credential } from './authenticating-guard.js';

/**
 * The metadata keys of the decorators. They are global symbols, so that the decorators of a second copy of this package
 * count too.
 */
export const PUBLIC = Symbol.for('nestjs-oidc: public');
export const OPTIONAL = Symbol.for('nestjs-oidc: optional');
export const SCOPES = Symbol.for('nestjs-oidc: scopes');
export const ROLES = Symbol.for('nestjs-oidc: roles');
export const VALIDATION = Symbol.for('nestjs-oidc: validation');
export const INTROSPECTION = Symbol.for('nestjs-oidc: introspection');
export const STEP_UP = Symbol.for('nestjs-oidc: step-up');

/** A decorator that requires something of a caller. */
export interface Demand {
  /** As it is written: `@Scopes`. */
  readonly decorator: string;
  /** The credentials of which it can be checked. A guard of one of them must stand before the handler. */
  readonly of: readonly Credential[];
  /**
   * Whether callers with other credentials may not pass beside it. `@Scopes` limits what a client may do with a token, so that
   * a session needs none; `@StepUp` is for everybody.
   */
  readonly ofEveryCaller?: boolean;
}

const OF_TOKENS: readonly Credential[] = ['access token'];

/** The decorators that require something of a caller, by key. */
const DEMANDS: readonly (readonly [key: symbol, demand: Demand])[] = [
  [SCOPES, { decorator: '@Scopes', of: OF_TOKENS }],
  [ROLES, { decorator: '@Roles', of: ['access token', 'session'] }],
  [STEP_UP, { decorator: '@StepUp', of: OF_TOKENS, ofEveryCaller: true }],
  [INTROSPECTION, { decorator: '@Introspection', of: OF_TOKENS }],
  [VALIDATION, { decorator: '@AccessTokenValidation', of: OF_TOKENS }],
];

/** Maximum of `staleIfError`, in seconds. */
export const LONGEST_STALE = 300;

export const VALIDATIONS = ['introspection', 'jwt', 'auto'] as const;

/** How access tokens are validated. */
export type Validation = (typeof VALIDATIONS)[number];

/** How fresh the introspection of a token must be. */
export interface IntrospectionFreshness {
  /**
   * Maximum age of an introspection in seconds; 0 asks the server again. Default: the lifetime of `resourceServer.cache`.
   * Without that cache each request asks.
   */
  readonly maxAge?: number;
  /**
   * Seconds, at most 300, for which an outdated introspection is used while the server does not answer, or answers 429 or
   * 5xx. It is never used past the token's `exp`. Such a token has `isStale`. Needs `resourceServer.cache`. Default 0.
   */
  readonly staleIfError?: number;
}

/** Access rule: the requirements of a handler, from its decorators and those of its class. */
export interface AccessRule {
  readonly isPublic: boolean;
  /** Whether callers without credentials pass. Those who bring some are authenticated. */
  readonly isOptional: boolean;
  /** The decorators that require something of the caller, such as `@Scopes`; empty if none does. */
  readonly demands: readonly Demand[];
  /** Required scopes, all of them; empty: none. */
  readonly scopes: readonly string[];
  /** Required roles, one of them; empty: none. */
  readonly roles: readonly string[];
  /** Undefined: `resourceServer.validation` decides. */
  readonly validation: Validation | undefined;
  readonly freshness: IntrospectionFreshness;
  readonly stepUp: StepUpRequirement | undefined;
}

type Target = ReturnType<ExecutionContext['getHandler']> | ReturnType<ExecutionContext['getClass']>;

const rules = new WeakMap<Target, WeakMap<Target, AccessRule>>();

/**
 * The access rule of a handler. It is read once. A handler's decorator wins over that of its class.
 *
 * A decorator that requires something is inherited by subclasses. What opens is not: it counts where it is written only.
 */
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
  const access = accessOf(handler) ?? (isGuarded(handler) ? 'closed' : (accessOf(controller) ?? 'closed'));
  const isOpen = access !== 'closed';
  return {
    isPublic: access === 'public',
    isOptional: access === 'optional',
    demands: isOpen ? [] : [...new Set([...demandsOf(handler), ...demandsOf(controller)])],
    scopes: isOpen ? [] : (nearest<readonly string[]>(SCOPES) ?? []),
    roles: isOpen ? [] : (nearest<readonly string[]>(ROLES) ?? []),
    validation: validationOf(handler) ?? validationOf(controller),
    freshness: nearest<IntrospectionFreshness>(INTROSPECTION) ?? {},
    stepUp: isOpen ? undefined : nearest<StepUpRequirement>(STEP_UP),
  };
}

function validationOf(target: Target): Validation | undefined {
  return (
    Reflect.getMetadata(VALIDATION, target) ??
    (Reflect.hasMetadata(INTROSPECTION, target) ? 'introspection' : undefined)
  );
}

/** Who may pass: everybody without a look, callers without credentials as well, or only who meets what is required. */
type Access = 'public' | 'optional' | 'closed';

/** What a handler or a class says itself; undefined: nothing. */
function accessOf(target: Target): Access | undefined {
  if (demandsOf(target).length > 0) {
    return 'closed';
  }
  return isLogin(target) ? 'public' : openingsOf(target)[0]?.access;
}

/**
 * Whether a login guard answers here. Who logs in has no credentials yet, so that a global guard would close the way in. As
 * with `@Public()`, a class that it extends does not count, and a guard beside it that authenticates closes it.
 */
function isLogin(target: Target): boolean {
  const guards = Reflect.hasOwnMetadata(GUARDS_METADATA, target) ? guardsOn(target) : [];
  return guards.some(logsIn) && !guards.some(authenticates);
}

/** The decorators that open a handler or a class, and to whom. */
const OPENINGS = [
  { key: PUBLIC, decorator: '@Public()', access: 'public' },
  { key: OPTIONAL, decorator: '@OptionalAuth()', access: 'optional' },
] as const;

/** Two decorators of a handler or a class that contradict each other: one that opens it, and one that does not open so far. */
export function contradictionOf(target: Target): { readonly one: string; readonly other: string } | undefined {
  const [opening, another] = openingsOf(target).map(({ decorator }) => decorator);
  const one = demandsOf(target)[0]?.decorator ?? another;
  return one === undefined || opening === undefined ? undefined : { one, other: opening };
}

/** Of the target itself. Those of a base class do not count: a reader of the subclass would not see them. */
function openingsOf(target: Target): readonly (typeof OPENINGS)[number][] {
  return OPENINGS.filter(({ key }) => Reflect.hasOwnMetadata(key, target));
}

/** Whether a handler has a guard of its own that authenticates callers. */
function isGuarded(handler: Target): boolean {
  return guardsOn(handler).some(authenticates);
}

function demandsOf(target: Target): readonly Demand[] {
  return DEMANDS.filter(([key]) => Reflect.hasMetadata(key, target)).map(([, demand]) => demand);
}

/** Whether a caller with these roles has one of those that the rule requires. */
export function hasRequiredRole({ roles: required }: AccessRule, roles: readonly string[]): boolean {
  return required.length === 0 || required.some((role) => roles.includes(role));
}
