/**
 * The members of `T`, none left out: optional ones may be undefined, but have to be written. Where a value is taken apart and
 * put together again, a new member does not compile until it has its place.
 */
export type Complete<T> = { readonly [Member in keyof Required<T>]: T[Member] };
