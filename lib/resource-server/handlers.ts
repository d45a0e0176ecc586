import { PATH_METADATA } from '@nestjs/common/constants.js';
import type { ModulesContainer } from '@nestjs/core';

// oxlint-disable-next-line typescript/no-unsafe-function-type -- what Nest's containers hold
export type Target = Function;

/** A method of a controller, a resolver or a gateway; most are handlers. */
export interface Handler {
  readonly handler: Target;
  readonly metatype: Target;
}

/** What calls a handler: each kind has its own way to the guards. */
export type HandlerKind = 'route' | 'resolver' | 'field' | 'message' | 'gateway' | 'unknown';

/** What Nest's decorators leave on a method. Of the optional packages nothing is imported here. */
const MARKS: readonly (readonly [mark: string, kind: HandlerKind])[] = [
  [PATH_METADATA, 'route'],
  ['graphql:resolver_type', 'resolver'],
  ['graphql:resolve_property', 'field'],
  ['graphql:resolve_reference', 'field'],
  ['microservices:pattern', 'message'],
  ['websockets:message_mapping', 'gateway'],
];

/** One method may be a route and take messages as well. */
export function kindsOf({ handler }: Handler): readonly HandlerKind[] {
  const kinds = MARKS.filter(([mark]) => Reflect.hasMetadata(mark, handler)).map(([, kind]) => kind);
  return kinds.length === 0 ? ['unknown'] : [...new Set(kinds)];
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
