import { PATH_METADATA } from '@nestjs/common/constants.js';
import type { ApplicationConfig, ModulesContainer } from '@nestjs/core';

import { guardsOn, type Credential } from '../nest/authenticating-guard.js';
import type { Awaitable } from '../values/awaitable.js';
import { member } from '../values/member.js';
import type { Handler } from './handlers.js';

/** The guards that Nest runs before a handler. */
export interface ApplicableGuards {
  /** Whether the global guards run. */
  readonly global: boolean;
  /** Whether the guards of `@UseGuards` on the handler and its class run. */
  readonly own: boolean;
  /** The credentials that can be read there; left out: all. */
  readonly credentials?: readonly Credential[];
  /** How to add a guard, for the error. */
  readonly cure?: string;
}

const ALL: ApplicableGuards = { global: true, own: true };

/** For messages of a microservice. Its own global guards run: see `Microservices`. */
export const FOR_MESSAGES: ApplicableGuards = {
  ...ALL,
  // A message has no cookies.
  credentials: ['access token'],
  cure:
    'a global guard reaches it with inheritAppConfig: true of connectMicroservice only; ' +
    'or write @UseGuards(OidcGuard) on its class',
};

/** Nest's metadata key of a message handler. Written out, so that the optional package is not imported. */
const MESSAGE = 'microservices:pattern';

/** Kinds of handlers except messages, by Nest's metadata key on the method. */
const BY_KEY: readonly (readonly [key: string, guards: (modules: ModulesContainer) => Awaitable<ApplicableGuards>])[] =
  [
    [PATH_METADATA, () => ALL],
    ['graphql:resolver_type', () => ALL],
    ['graphql:resolve_property', forFields],
    ['graphql:resolve_reference', forFields],
    ['websockets:message_mapping', forGateways],
  ];

/** Whether a method is a handler of a kind that is known. */
export function isHandler(target: Handler): boolean {
  return takesMessages(target) || BY_KEY.some(([key]) => Reflect.hasMetadata(key, target.handler));
}

/** Whether a handler takes messages of a microservice. It may be a route as well. */
export function takesMessages({ handler }: Handler): boolean {
  return Reflect.hasMetadata(MESSAGE, handler);
}

/** The guards that run before a handler, for each kind of call except messages. */
export async function applicableGuards(
  target: Handler,
  modules: ModulesContainer,
): Promise<readonly ApplicableGuards[]> {
  const ways = BY_KEY.filter(([key]) => Reflect.hasMetadata(key, target.handler));
  // A method without a known key may be a handler of a package that we don't know.
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

/** The global guards: instances, or classes for request-scoped ones. */
export function globalGuardsOf(application: ApplicationConfig): readonly unknown[] {
  const perRequest = application.getGlobalRequestGuards().map(({ metatype }): unknown => metatype);
  return [...application.getGlobalGuards(), ...perRequest];
}

/** Guards before GraphQL fields. Every GraphQL module must enable them, because each may call a resolver. */
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

/** Guards before a gateway. Nest 11 has no global ones; it is detected by a method that has one parameter less. */
async function forGateways(): Promise<ApplicableGuards> {
  const { SocketModule } = await import('@nestjs/websockets/socket-module.js');
  const creator: unknown = Reflect.get(SocketModule.prototype, 'getContextCreator');
  return {
    global: typeof creator === 'function' && creator.length > 1,
    own: true,
    cure: 'no global guard reaches a gateway before Nest 12; write @UseGuards(OidcGuard) on its class',
  };
}
