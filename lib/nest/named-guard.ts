import { Inject, type CanActivate, type Type } from '@nestjs/common';

/** The guards that were made, by the guard that they extend and the token that they are injected. */
const made = new WeakMap<Type<CanActivate>, Map<string, Type<CanActivate>>>();

/**
 * The guard of a named client: the subclass of `guard`, one for each token, whose first parameter is what stands under that
 * token. Whatever else is injected into the guard, its scope and what it overrides are inherited.
 */
export function namedGuard<Guard extends CanActivate>(guard: Type<Guard>, token: string): Type<Guard>;
export function namedGuard(guard: Type<CanActivate>, token: string): Type<CanActivate> {
  const ofGuard = made.get(guard) ?? new Map<string, Type<CanActivate>>();
  const known = ofGuard.get(token);
  if (known !== undefined) {
    return known;
  }
  const named = class extends guard {};
  // Nest names the class where it can't make one.
  Object.defineProperty(named, 'name', { value: guard.name });
  // Of two tokens for one parameter the later counts.
  Inject(token)(named, undefined, 0);
  made.set(guard, ofGuard.set(token, named));
  return named;
}
