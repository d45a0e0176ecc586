import type { ExecutionContext } from '@nestjs/common';
import { GUARDS_METADATA } from '@nestjs/common/constants.js';

import { authenticates } from './authenticating-guard.js';

/**
 * The keys of what decorators say of a handler or of its class. Registered for the whole process: what the decorators of a
 * second copy of this package ask for is not overlooked.
 */
export const PUBLIC = Symbol.for('nestjs-oidc: public');
export const SCOPES = Symbol.for('nestjs-oidc: scopes');
export const VALIDATION = Symbol.for('nestjs-oidc: validation');
export const INTROSPECTION = Symbol.for('nestjs-oidc: introspection');
export const STEP_UP = Symbol.for('nestjs-oidc: step-up');

/** What asks something of an access token, by its key. */
const DEMANDS = [
  [SCOPES, '@Scopes'],
  [STEP_UP, '@StepUp'],
  [INTROSPECTION, '@Introspection'],
  [VALIDATION, '@AccessTokenValidation'],
] as const;

/** Seconds that an introspection is kept beyond its time, for those who would rather have an old one than none. */
export const LONGEST_STALE = 300;

export const VALIDATIONS = ['introspection', 'jwt', 'auto'] as const;

/** How access tokens are found out about. */
export type Validation = (typeof VALIDATIONS)[number];

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

/** How well and how recently the end-user must have proved who they are (RFC 9470). */
export interface StepUpRequirement {
  /** Authentication context class references, one of which the token's `acr` must be. */
  readonly acr?: readonly string[];
  /** Whole seconds since the token's `auth_time`. */
  readonly maxAge?: number;
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

/**
 * What the decorators of a handler and of its class say, read once: the nearer one decides. What asks for something is
 * inherited, what opens is not: it counts on the handler and on the class that it is written on.
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
  const isPublic = opens(handler) ?? (!isGuarded(handler) && opens(controller) === true);
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

/** Whether a handler or a class is opened, or closed by what it asks for; undefined where it says nothing. */
function opens(target: Target): boolean | undefined {
  return demandsOf(target).length > 0 ? false : isOpened(target) || undefined;
}

/** The first thing that a handler or a class asks of a token though it is open itself. */
export function contradictionOf(target: Target): string | undefined {
  return isOpened(target) ? demandsOf(target)[0] : undefined;
}

/** Not by a class that it extends: whoever reads it could not see that it is open. */
function isOpened(target: Target): boolean {
  return Reflect.hasOwnMetadata(PUBLIC, target);
}

/** Whether a handler has a guard of its own that finds out who calls. */
function isGuarded(handler: Target): boolean {
  const guards: unknown = Reflect.getMetadata(GUARDS_METADATA, handler);
  return Array.isArray(guards) && guards.some((guard) => authenticates(guard));
}

function demandsOf(target: Target): readonly string[] {
  return DEMANDS.filter(([key]) => Reflect.hasMetadata(key, target)).map(([, decorator]) => decorator);
}
