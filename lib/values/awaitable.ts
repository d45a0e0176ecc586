/** A value, or a promise of it: what is in this process answers at once. */
export type Awaitable<T> = T | Promise<T>;

/** What is at hand is used at once: a promise costs a hot path more than all else that is done there. */
export function isPromise<T>(value: Awaitable<T>): value is Promise<T> {
  return typeof value === 'object' && value !== null && 'then' in value;
}

/** `next` with the value: now, where it is at hand. */
export function chain<T, U>(value: Awaitable<T>, next: (value: T) => Awaitable<U>): Awaitable<U> {
  return isPromise(value) ? value.then(next) : next(value);
}
