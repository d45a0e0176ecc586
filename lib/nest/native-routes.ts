import { randomUUID } from 'node:crypto';

import { isObject, member } from '../values/member.js';

/** A route or a middleware in the router of Express. */
interface Layer {
  readonly route?: { readonly path?: unknown; readonly methods?: Readonly<Record<string, boolean>> };
  match(path: string): boolean;
}

/** A request that a route may answer. */
export interface Target {
  readonly method: string;
  readonly path: string;
}

/**
 * Whether something that is mounted on Express or Fastify itself may answer: a route, or on Express a middleware of this path.
 * What takes every path does not count, such as the page of an application in the browser.
 *
 * @param instance of the framework
 * @param nest what Nest mounts there too: the paths of controllers, and under the global prefix the answer to unknown paths
 */
export function isMounted(
  instance: unknown,
  { method, path }: Target,
  { mapped, prefix }: { readonly mapped: readonly string[]; readonly prefix: string },
): boolean {
  const hasRoute = member(instance, 'hasRoute');
  if (typeof hasRoute === 'function') {
    return !mapped.includes(path) && Reflect.apply(hasRoute, instance, [{ method, url: path }]) === true;
  }
  const anyPath = `${prefix}/${randomUUID()}/${randomUUID()}`;
  return layersOf(instance).some((layer) => takes(layer, method, mapped) && layer.match(path) && !layer.match(anyPath));
}

function takes({ route }: Layer, method: string, mapped: readonly string[]): boolean {
  if (route === undefined) {
    return true;
  }
  const { path, methods = {} } = route;
  const isMapped = typeof path === 'string' && mapped.includes(path);
  return !isMapped && (methods['_all'] === true || methods[method.toLowerCase()] === true);
}

function layersOf(instance: unknown): readonly Layer[] {
  // An application of Express is a function.
  const router: unknown = typeof instance === 'function' ? Reflect.get(instance, 'router') : member(instance, 'router');
  const stack: unknown = typeof router === 'function' ? Reflect.get(router, 'stack') : undefined;
  return Array.isArray(stack) ? stack.filter(isLayer) : [];
}

function isLayer(value: unknown): value is Layer {
  return isObject(value) && typeof member(value, 'match') === 'function';
}
