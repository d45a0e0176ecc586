import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { GUARDS_METADATA } from '@nestjs/common/constants.js';
import { ApplicationConfig, ModulesContainer } from '@nestjs/core';

import { ConfigError } from '../errors/errors.js';
import { accessRule } from '../nest/decorators.js';
import { handlersOf, type Target } from './handlers.js';
import { OidcGuard } from './oidc.guard.js';

/** Stops the boot when a handler names scopes that nobody would check. */
@Injectable()
export class ScopesCheck implements OnApplicationBootstrap {
  constructor(
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
    @Inject(ApplicationConfig) private readonly application: ApplicationConfig,
  ) {}

  onApplicationBootstrap(): void {
    if (this.hasGlobalGuard()) {
      return;
    }
    for (const { handler, metatype } of handlersOf(this.modules)) {
      requireGuard(handler, metatype);
    }
  }

  private hasGlobalGuard(): boolean {
    const perRequest = this.application.getGlobalRequestGuards().map((wrapper) => wrapper.metatype);
    return [...this.application.getGlobalGuards(), ...perRequest].some(isOidcGuard);
  }
}

function requireGuard(handler: Target, metatype: Target): void {
  if (accessRule(handler, metatype).scopes.length > 0 && ![handler, metatype].some(isGuarded)) {
    const member = `@Scopes on ${metatype.name}.${handler.name}`;
    throw new ConfigError('INVALID_CONFIG', member, 'is not protected by an OidcGuard');
  }
}

function isGuarded(target: Target): boolean {
  const guards: unknown = Reflect.getMetadata(GUARDS_METADATA, target);
  return Array.isArray(guards) && guards.some(isOidcGuard);
}

/** The guard's class, a subclass of it, or an instance of either. */
function isOidcGuard(guard: unknown): boolean {
  return (
    guard instanceof OidcGuard ||
    guard === OidcGuard ||
    (typeof guard === 'function' && guard.prototype instanceof OidcGuard)
  );
}
