import type { ModulesContainer } from '@nestjs/core';

import type { RevocationBound } from '../events/operator-events.js';
import type { AccessRule } from '../nest/access-rule.js';
import { credentialsOf, isOfThisCopy } from '../nest/authenticating-guard.js';
import { clientTokenOf } from '../nest/named-guard.js';
import { resourceServerToken } from '../nest/tokens.js';
import { member } from '../values/member.js';
import { applicableGuards, guardsBefore, isHandler } from './applicable-guards.js';
import { nameOf, type Handler } from './handlers.js';
import { ResourceServer } from './resource-server.js';

/**
 * Revocation bound of a route: the seconds for which a revoked token passes at most, beside calls that are in flight. With
 * `staleIfError` that is so while the server fails. A logout, `revoke` and `forget` evict the token earlier.
 *
 * @returns undefined: a signature is enough, so that the token passes until its `exp`
 */
export function revocationBound(
  { cache, issuers, validation }: Pick<ResourceServer['settings'], 'cache' | 'issuers' | 'validation'>,
  { validation: required, freshness }: Pick<AccessRule, 'validation' | 'freshness'>,
): number | undefined {
  // Where our client is not registered, tokens can't be introspected. A resolver may name such an issuer.
  const hasOthers = typeof issuers === 'function' || issuers.some(({ client }) => client === undefined);
  if ((required ?? validation) !== 'introspection' || (required === undefined && hasOthers)) {
    return undefined;
  }
  const { maxAge = Number.POSITIVE_INFINITY, staleIfError = 0 } = freshness;
  return cache === undefined ? 0 : Math.min(cache.ttl, maxAge) + staleIfError;
}

/** What an application's guards are found by. */
interface GuardsOfApplication {
  readonly modules: ModulesContainer;
  readonly globalGuards: readonly unknown[];
}

/** The revocation bounds of all handlers that an access token opens, by the API whose guard stands there. */
export async function revocationBounds(
  handlers: readonly Handler[],
  { modules, globalGuards }: GuardsOfApplication,
): Promise<ReadonlyMap<ResourceServer, readonly RevocationBound[]>> {
  const bounds = new Map<ResourceServer, RevocationBound[]>();
  for (const target of handlers.filter((one) => isHandler(one) && !one.rule.isPublic)) {
    const guards = (await applicableGuards(target, modules))
      .flatMap((applicable) => guardsBefore(target, applicable, globalGuards))
      .filter((guard) => isOfThisCopy(guard) && credentialsOf(guard).includes('access token'));
    for (const server of new Set(guards.map((guard) => serverOf(guard, modules)))) {
      if (server !== undefined) {
        const bound = { route: nameOf(target), seconds: revocationBound(server.settings, target.rule) };
        bounds.set(server, [...(bounds.get(server) ?? []), bound]);
      }
    }
  }
  return bounds;
}

/** The API of a guard's client. */
function serverOf(guard: unknown, modules: ModulesContainer): ResourceServer | undefined {
  const token = clientTokenOf(guard) ?? resourceServerToken();
  return [...modules.values()]
    .map(({ providers }): unknown => providers.get(token)?.instance)
    .map((instance) => (instance instanceof ResourceServer ? instance : member(instance, 'resourceServer')))
    .find((instance) => instance instanceof ResourceServer);
}
