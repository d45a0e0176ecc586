import { Inject, type CanActivate, type Type } from '@nestjs/common';

import { ConfigError } from '../errors/errors.js';
import { classOf } from './authenticating-guard.js';

/** The named guards, by the guard that they extend and the injection token of their client. */
const made = new WeakMap<Type<CanActivate>, Map<string, Type<CanActivate>>>();

/** The injection token of a named guard's client. */
const CLIENT_TOKEN = Symbol('nestjs-oidc: client token');

/** The injection token by which a guard, as a class or an instance, is of a named client; undefined: of the default one. */
export function clientTokenOf(guard: unknown): string | undefined {
  const type = classOf(guard);
  return type && Reflect.getMetadata(CLIENT_TOKEN, type);
}

/**
 * The guard of a named client: a subclass of `guard`, one for each token, whose first parameter is injected by that token.
 * Its other parameters, its scope and its overrides are inherited. An error of its configuration says which client it is of.
 */
export function namedGuard<Guard extends CanActivate>(
  guard: Type<Guard>,
  tokenOf: (name?: string) => string,
  name: string | undefined,
): Type<Guard>;
export function namedGuard(
  guard: Type<CanActivate>,
  tokenOf: (name?: string) => string,
  name: string | undefined,
): Type<CanActivate> {
  const token = tokenOf(name);
  const ofGuard = made.get(guard) ?? new Map<string, Type<CanActivate>>();
  const known = ofGuard.get(token);
  if (known !== undefined) {
    return known;
  }
  const named = class extends guard {
    constructor(...injected: unknown[]) {
      try {
        super(...injected);
      } catch (error) {
        throw ofClient(error, name);
      }
    }
  };
  // Nest prints this name when it can't create an instance.
  Object.defineProperty(named, 'name', { value: guard.name });
  // If a parameter has two tokens, the later one counts.
  Inject(token)(named, undefined, 0);
  Reflect.defineMetadata(CLIENT_TOKEN, token, named);
  made.set(guard, ofGuard.set(token, named));
  return named;
}

/** The error of a configuration with the name of its client. Any other passes as it is. */
export function ofClient(error: unknown, name: string | undefined): unknown {
  return error instanceof ConfigError && name !== undefined ? error.of(name) : error;
}
