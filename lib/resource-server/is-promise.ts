import type { Awaitable } from '../storage/oidc-store.js';

/** What is at hand is used at once: a promise costs a hot path more than all else that is done there. */
export function isPromise<T>(value: Awaitable<T>): value is Promise<T> {
  return typeof value === 'object' && value !== null && 'then' in value;
}
