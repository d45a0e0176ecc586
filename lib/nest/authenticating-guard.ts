import { GUARDS_METADATA } from '@nestjs/common/constants.js';

import { isObject } from '../values/member.js';

/** The kind of credential that a guard checks. */
export type Credential = 'access token' | 'session';

/** Registered for the whole process, because a second copy of this package must see such a guard. */
const AUTHENTICATES = Symbol.for('nestjs-oidc: authenticates');

/** Known to this copy alone: what a guard of another one finds can't be read here. */
const OF_THIS_COPY = Symbol('nestjs-oidc: of this copy');

/** Class decorator of a guard that authenticates callers. Subclasses inherit it. */
export function Authenticates(...credentials: readonly Credential[]): ClassDecorator {
  return (guard) => {
    Reflect.defineMetadata(AUTHENTICATES, credentials, guard);
    Reflect.defineMetadata(OF_THIS_COPY, true, guard);
  };
}

/** Whether a guard authenticates callers. It is a class or an instance, as `@UseGuards` takes it. */
export function authenticates(guard: unknown): boolean {
  return credentialsOf(guard).length > 0;
}

/** The credentials that a guard checks; empty for a guard that is none of ours. */
export function credentialsOf(guard: unknown): readonly Credential[] {
  const type = classOf(guard);
  return (type && Reflect.getMetadata(AUTHENTICATES, type)) ?? [];
}

/** Whether a guard that authenticates callers is of this copy of the package. */
export function isOfThisCopy(guard: unknown): boolean {
  const type = classOf(guard);
  return type !== undefined && Reflect.hasMetadata(OF_THIS_COPY, type);
}

/** Registered for the whole process, as above. */
const LOGS_IN = Symbol.for('nestjs-oidc: logs in');

/** Class decorator of a guard that logs users in and answers each request itself. Subclasses inherit it. */
export function LogsIn(): ClassDecorator {
  return (guard) => Reflect.defineMetadata(LOGS_IN, true, guard);
}

/** Whether a guard logs users in. It is a class or an instance, as `@UseGuards` takes it. */
export function logsIn(guard: unknown): boolean {
  const type = classOf(guard);
  return type !== undefined && Reflect.hasMetadata(LOGS_IN, type);
}

/** The guards of `@UseGuards` on a handler or a class, as classes or instances. A class has those of what it extends. */
export function guardsOn(target: object): readonly unknown[] {
  const guards: unknown = Reflect.getMetadata(GUARDS_METADATA, target);
  return Array.isArray(guards) ? guards : [];
}

/** The class of a guard, which may be an instance. */
export function classOf(guard: unknown): object | undefined {
  if (typeof guard === 'function') {
    return guard;
  }
  return isObject(guard) ? guard.constructor : undefined;
}
