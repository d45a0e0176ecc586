import type { ModulesContainer } from '@nestjs/core';

import { accessRule, type AccessRule } from '../nest/access-rule.js';

// oxlint-disable-next-line typescript/no-unsafe-function-type -- what Nest's containers hold
type Method = Function;

/** A method of a controller, resolver or gateway, with the access rule of its decorators. Most are handlers. */
export interface Handler {
  readonly handler: Method;
  /** The class, which may inherit the method. */
  readonly controller: Method;
  readonly rule: AccessRule;
}

/** The name of a handler for errors: `OrdersController.list`. */
export function nameOf({ handler, controller }: Handler): string {
  return `${controller.name}.${handler.name}`;
}

/** Every method of every controller and provider of the application. */
export function* handlersOf(modules: ModulesContainer): Generator<Handler> {
  for (const module of modules.values()) {
    for (const { metatype } of [...module.controllers.values(), ...module.providers.values()]) {
      if (typeof metatype === 'function') {
        yield* methodsOf(metatype);
      }
    }
  }
}

function* methodsOf(controller: Method): Generator<Handler> {
  for (let level: unknown = controller.prototype; isPrototype(level); level = Object.getPrototypeOf(level)) {
    for (const { value } of Object.values(Object.getOwnPropertyDescriptors(level))) {
      if (typeof value === 'function' && value !== controller) {
        yield { handler: value, controller, rule: accessRule(value, controller) };
      }
    }
  }
}

function isPrototype(value: unknown): value is object {
  return typeof value === 'object' && value !== null && value !== Object.prototype;
}
