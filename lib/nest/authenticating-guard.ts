import { isObject } from '../values/member.js';

/** What a guard finds the caller by. */
export type Credential = 'access token' | 'session';

/** Registered for the whole process: a second copy of this package must see that there is such a guard. */
const AUTHENTICATES = Symbol.for('nestjs-oidc: authenticates');

/** Class decorator of a guard that finds out who calls, and of its subclasses. */
export function Authenticates(...credentials: readonly Credential[]): ClassDecorator {
  return (guard) => Reflect.defineMetadata(AUTHENTICATES, credentials, guard);
}

/** Whether `guard`, a class or an instance as `@UseGuards` takes it, finds out who calls. */
export function authenticates(guard: unknown): boolean {
  return credentialsOf(guard).length > 0;
}

/** What a guard finds the caller by; empty for a guard that is none of ours. */
export function credentialsOf(guard: unknown): readonly Credential[] {
  const type = classOf(guard);
  return (type && Reflect.getMetadata(AUTHENTICATES, type)) ?? [];
}

/** The class of a guard, which may be an instance. */
export function classOf(guard: unknown): object | undefined {
  if (typeof guard === 'function') {
    return guard;
  }
  return isObject(guard) ? guard.constructor : undefined;
}
