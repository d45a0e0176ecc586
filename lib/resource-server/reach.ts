import type { ModulesContainer } from '@nestjs/core';

import { member } from '../values/member.js';
import type { HandlerKind } from './handlers.js';

/** Which guards Nest asks before it calls a handler. */
export interface Reach {
  /** The global ones. */
  readonly global: boolean;
  /** Those of `@UseGuards` on the handler and on its class. */
  readonly own: boolean;
  /** What makes a guard stand there. */
  readonly cure?: string;
}

const EVERY: Reach = { global: true, own: true };

/** Of the global guards, those that the microservice has: see `Microservices`. */
export const MESSAGES: Reach = {
  ...EVERY,
  cure:
    'a global guard reaches it with inheritAppConfig: true of connectMicroservice only; ' +
    'or write @UseGuards(OidcGuard) on its class',
};

const REACH: Readonly<Record<HandlerKind, (modules: ModulesContainer) => Reach | Promise<Reach>>> = {
  route: () => EVERY,
  resolver: () => EVERY,
  field: (modules) => ({
    ...(fieldsHaveGuards(modules) ? EVERY : { global: false, own: false }),
    cure: `a field has guards with fieldResolverEnhancers: ['guards'] of GraphQLModule only`,
  }),
  message: () => MESSAGES,
  gateway: async () => ({
    global: await gatewaysHaveGlobalGuards(),
    own: true,
    cure: 'no global guard reaches a gateway before Nest 12; write @UseGuards(OidcGuard) on its class',
  }),
  unknown: () => EVERY,
};

/** By what calls a handler. */
export async function reachOf(kind: HandlerKind, modules: ModulesContainer): Promise<Reach> {
  return REACH[kind](modules);
}

/** Where there are several GraphQL modules, a resolver may be called by each. */
function fieldsHaveGuards(modules: ModulesContainer): boolean {
  const options = [...modules.values()]
    .map((module) => module.providers.get('GqlModuleOptions')?.instance)
    .filter((instance) => instance !== undefined && instance !== null);
  return options.map((instance) => member(instance, 'fieldResolverEnhancers')).every(hasGuards);
}

function hasGuards(enhancers: unknown): boolean {
  return Array.isArray(enhancers) && enhancers.includes('guards');
}

/** Nest 11 binds a gateway's handlers without the application's configuration: the method takes the container alone. */
async function gatewaysHaveGlobalGuards(): Promise<boolean> {
  const { SocketModule } = await import('@nestjs/websockets/socket-module.js');
  const creator: unknown = Reflect.get(SocketModule.prototype, 'getContextCreator');
  return typeof creator === 'function' && creator.length > 1;
}
