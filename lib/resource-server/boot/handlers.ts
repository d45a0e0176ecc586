import type { ModulesContainer } from '@nestjs/core';

// oxlint-disable-next-line typescript/no-unsafe-function-type -- what Nest's containers hold
export type Target = Function;

/** A method of a controller, a resolver or a gateway; most are handlers. */
export interface Handler {
  readonly handler: Target;
  readonly metatype: Target;
}

/** As a person would look for it: `OrdersController.list`. */
export function nameOf({ handler, metatype }: Handler): string {
  return `${metatype.name}.${handler.name}`;
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

function* methodsOf(metatype: Target): Generator<Handler> {
  for (let level: unknown = metatype.prototype; isPrototype(level); level = Object.getPrototypeOf(level)) {
    for (const { value } of Object.values(Object.getOwnPropertyDescriptors(level))) {
      if (typeof value === 'function' && value !== metatype) {
        yield { handler: value, metatype };
      }
    }
  }
}

function isPrototype(value: unknown): value is object {
  return typeof value === 'object' && value !== null && value !== Object.prototype;
}
