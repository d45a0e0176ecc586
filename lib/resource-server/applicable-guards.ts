import { GUARDS_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import type { ApplicationConfig, ModulesContainer } from '@nestjs/core';

import type { Awaitable } from '../values/awaitable.js';
import { member } from '../values/member.js';
import type { Handler } from './handlers.js';

/** Which guards Nest asks before it calls a handler. */
export interface ApplicableGuards {
  /** Whether it asks the global guards. */
  readonly global: boolean;
  /** Whether it asks the guards of `@UseGuards` on the handler and its class. */
  readonly own: boolean;
  /** How to put a guard there, for the error. */
  readonly cure?: string;
}

const ALL: ApplicableGuards = { global: true, own: true };

/** For messages of a microservice, its global guards count: see `Microservices`. */
export const FOR_MESSAGES: ApplicableGuards = {
  ...ALL,
  cure:
    'a global guard reaches it with inheritAppConfig: true of connectMicroservice only; ' +
    'or write @UseGuards(OidcGuard) on its class',
};

/** The key on a handler of messages. Keys of optional packages are written out, so that none is imported. */
const MESSAGE = 'microservices:pattern';

/** The kinds of handlers but those of messages, by the metadata key that Nest's decorators leave on the method. */
const BY_KEY: readonly (readonly [key: string, guards: (modules: ModulesContainer) => Awaitable<ApplicableGuards>])[] =
  [
    [PATH_METADATA, () => ALL],
    ['graphql:resolver_type', () => ALL],
    ['graphql:resolve_property', forFields],
    ['graphql:resolve_reference', forFields],
    ['websockets:message_mapping', forGateways],
  ];

/** Whether a handler takes messages of a microservice. It may be a route as well. */
export function takesMessages({ handler }: Handler): boolean {
  return Reflect.hasMetadata(MESSAGE, handler);
}

/** Which guards apply, once for each way but messages in which a handler is called. */
export async function applicableGuards(
  target: Handler,
  modules: ModulesContainer,
): Promise<readonly ApplicableGuards[]> {
  const ways = BY_KEY.filter(([key]) => Reflect.hasMetadata(key, target.handler));
  // A method that no decorator marks as a handler may be one of a package that is not known here.
  return ways.length === 0 && !takesMessages(target) ? [ALL] : Promise.all(ways.map(([, guards]) => guards(modules)));
}

/** The guards before a handler, as classes or instances. */
export function guardsBefore(
  { handler, controller }: Handler,
  { global, own }: ApplicableGuards,
  globalGuards: readonly unknown[],
): readonly unknown[] {
  return [...(own ? [handler, controller].flatMap(guardsOn) : []), ...(global ? globalGuards : [])];
}

/** The global guards: instances, and the classes of those that are made for each request. */
export function globalGuardsOf(application: ApplicationConfig): readonly unknown[] {
  const perRequest = application.getGlobalRequestGuards().map(({ metatype }): unknown => metatype);
  return [...application.getGlobalGuards(), ...perRequest];
}

function guardsOn(target: object): readonly unknown[] {
  const guards: unknown = Reflect.getMetadata(GUARDS_METADATA, target);
  return Array.isArray(guards) ? guards : [];
}

/** GraphQL calls guards before a field only where every GraphQL module says so: each may call a resolver. */
function forFields(modules: ModulesContainer): ApplicableGuards {
  const haveGuards = [...modules.values()]
    .map((module) => module.providers.get('GqlModuleOptions')?.instance)
    .filter((options) => options !== undefined && options !== null)
    .map((options): unknown => member(options, 'fieldResolverEnhancers'))
    .every((enhancers) => Array.isArray(enhancers) && enhancers.includes('guards'));
  return {
    global: haveGuards,
    own: haveGuards,
    cure: `a field has guards with fieldResolverEnhancers: ['guards'] of GraphQLModule only`,
  };
}

/** Nest 11 has no global guards before a gateway. There, the method that binds its handlers takes the container alone. */
async function forGateways(): Promise<ApplicableGuards> {
  const { SocketModule } = await import('@nestjs/websockets/socket-module.js');
  const creator: unknown = Reflect.get(SocketModule.prototype, 'getContextCreator');
  return {
    global: typeof creator === 'function' && creator.length > 1,
    own: true,
    cure: 'no global guard reaches a gateway before Nest 12; write @UseGuards(OidcGuard) on its class',
  };
}
