import type { CanActivate, Type } from '@nestjs/common';
import { PARAMTYPES_METADATA, PROPERTY_DEPS_METADATA, SELF_DECLARED_DEPS_METADATA } from '@nestjs/common/constants.js';
import type { ModulesContainer } from '@nestjs/core';

import { ConfigError } from '../errors/errors.js';
import { classOf, credentialsOf, isOfThisCopy, type Credential } from '../nest/authenticating-guard.js';
import { delegatesOf } from '../nest/delegates-to.js';
import { member } from '../values/member.js';
import { testOverridesOf } from './test-overrides.js';

type Module = ModulesContainer extends Map<string, infer M> ? M : never;

/** What a test's replacement of a guard stands for: it may replace either. */
const ANY: readonly Credential[] = ['access token', 'session'];

/** Our guards among those of an application, and its own that delegate to them. */
export class OwnGuards {
  readonly #modules: readonly Module[];
  /** Guards that an application's test overrides; they count as ours. */
  readonly #overrides: readonly unknown[];

  constructor(modules: ModulesContainer) {
    this.#modules = [...modules.values()];
    this.#overrides = testOverridesOf(modules);
  }

  /**
   * The credentials that a guard checks, as a class or an instance; empty for a guard that is none of ours and delegates to
   * none.
   *
   * @throws {ConfigError} it delegates to a guard that is not injected
   */
  credentialsOf(guard: unknown): readonly Credential[] {
    if (this.#overrides.includes(guard)) {
      return ANY;
    }
    if (!isOfThisCopy(guard)) {
      return [];
    }
    this.#requireDelegates(classOf(guard));
    return credentialsOf(guard);
  }

  /** Whether it is a guard of another installed copy of this package. That copy does not know our modules. */
  isOfAnotherCopy(guard: unknown): boolean {
    return credentialsOf(guard).length > 0 && !isOfThisCopy(guard) && !this.#overrides.includes(guard);
  }

  #requireDelegates(type: object | undefined): void {
    const missing = type && delegatesOf(type).find((guard) => !this.#isInjected(type, guard));
    if (type !== undefined && missing !== undefined) {
      const where = `@DelegatesTo on ${String(Reflect.get(type, 'name'))}`;
      throw new ConfigError('INVALID_CONFIG', where, `has no ${missing.name} injected`);
    }
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
