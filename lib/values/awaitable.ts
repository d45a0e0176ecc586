/** A value, or a promise of it. */
export type Awaitable<T> = T | Promise<T>;

/** Whether a value is a promise. A value at hand is used at once: a promise costs the hot path more than all its work. */
export function isPromise<T>(value: Awaitable<T>): value is Promise<T> {
  return typeof value === 'object' && value !== null && 'then' in value;
}

/** All values: at once where each is at hand, else when the last promise resolves. */
export function all<T>(values: readonly Awaitable<T>[]): Awaitable<readonly T[]> {
  return values.every((value): value is T => !isPromise(value)) ? values : Promise.all(values);
}

/** Calls `next` with the value: at once where it is at hand, else when the promise resolves. */
export function chain<T, U>(value: Awaitable<T>, next: (value: T) => Awaitable<U>): Awaitable<U> {
  return isPromise(value) ? value.then(next) : next(value);
}

/** Runs `work`, and `otherwise` with what it throws or rejects with. */
export function recover<T, U>(work: () => Awaitable<T>, otherwise: (error: unknown) => Awaitable<U>): Awaitable<T | U> {
  try {
    const value = work();
    return isPromise(value) ? value.catch(otherwise) : value;
  } catch (error) {
    return otherwise(error);
  }
}
