import type { CanActivate, Type } from '@nestjs/common';
import { PARAMTYPES_METADATA, PROPERTY_DEPS_METADATA, SELF_DECLARED_DEPS_METADATA } from '@nestjs/common/constants.js';
import type { ModulesContainer } from '@nestjs/core';

import { ConfigError } from '../errors/errors.js';
import { classOf, credentialsOf } from '../nest/authenticating-guard.js';
import { delegatesOf } from '../nest/delegates-to.js';
import { member } from '../values/member.js';
import { OidcGuard } from './oidc.guard.js';
import { testOverridesOf } from './test-overrides.js';

type Module = ModulesContainer extends Map<string, infer M> ? M : never;

/** The guards of an application that check access tokens. */
export class TokenGuards {
  readonly #modules: readonly Module[];
  /** Guards that an application's test overrides; they count as token guards. */
  readonly #overrides: readonly unknown[];

  constructor(modules: ModulesContainer) {
    this.#modules = [...modules.values()];
    this.#overrides = testOverridesOf(modules);
  }

  /**
   * Whether a guard, as a class or an instance, is an `OidcGuard` or delegates to one.
   *
   * @throws {ConfigError} it delegates to a guard that is not injected
   */
  includes(guard: unknown): boolean {
    const type = classOf(guard);
    return this.#overrides.includes(guard) || isOidcGuard(type) || (type !== undefined && this.#delegates(type));
  }

  /** Whether it is the `OidcGuard` of another installed copy of this package. That copy does not know our modules. */
  isOfAnotherCopy(guard: unknown): boolean {
    return credentialsOf(guard).includes('access token') && !this.includes(guard);
  }

  #delegates(type: object): boolean {
    const guards = delegatesOf(type);
    const missing = guards.find((guard) => !this.#isInjected(type, guard));
    if (missing !== undefined) {
      const where = `@DelegatesTo on ${String(Reflect.get(type, 'name'))}`;
      throw new ConfigError('INVALID_CONFIG', where, `has no ${missing.name} injected`);
    }
    return guards.some(isOidcGuard);
  }

  /** Whether a guard's own class is the provider of its instance, and no other provider stands there. */
  #isInjected(type: object, guard: Type<CanActivate>): boolean {
    const tokens = dependenciesOf(type).filter((token) => isOrExtends(token, guard));
    const provided = this.#modules
      .flatMap(({ providers }) => [...providers])
      .filter(([token]) => tokens.includes(token))
      .map(([, { instance }]): unknown => instance);
    return provided.length > 0 && provided.every((one) => one instanceof guard || this.#overrides.includes(one));
  }
}

function isOidcGuard(type: unknown): boolean {
  return isOrExtends(type, OidcGuard);
}

/** The tokens that Nest injects into the constructor and the properties of a class. */
function dependenciesOf(type: object): readonly unknown[] {
  const parameters = new Map<unknown, unknown>(listOf(PARAMTYPES_METADATA, type).entries());
  for (const declared of listOf(SELF_DECLARED_DEPS_METADATA, type)) {
    parameters.set(member(declared, 'index'), member(declared, 'param'));
  }
  const properties = listOf(PROPERTY_DEPS_METADATA, type).map((declared) => member(declared, 'type'));
  return [...parameters.values(), ...properties].map(referred);
}

function listOf(key: string, type: object): readonly unknown[] {
  const list: unknown = Reflect.getMetadata(key, type);
  return Array.isArray(list) ? list : [];
}

/** The token behind a `forwardRef`. */
function referred(token: unknown): unknown {
  const refer = member(token, 'forwardRef');
  return typeof refer === 'function' ? Reflect.apply(refer, undefined, []) : token;
}

function isOrExtends(type: unknown, base: { readonly prototype: object }): boolean {
  return type === base || (typeof type === 'function' && base.prototype.isPrototypeOf(type.prototype));
}
