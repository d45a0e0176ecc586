/**
 * Where replicas share what they know: five calls, each on one key. Keys and values are text, lifetimes milliseconds,
 * more than 0. What an application writes for a store of its own is this and nothing else.
 *
 * A store that can't be reached throws a `StoreError`; whatever depends on it then fails closed.
 */
export interface OidcStore {
  /** Undefined: there is no such key, or its lifetime is over. */
  get(key: string): string | undefined | Promise<string | undefined>;
  /** Writes over what is there. */
  set(key: string, value: string, lifetime: number): void | Promise<void>;
  /** No error where there is no such key. */
  delete(key: string): void | Promise<void>;
  /** Sets the key if it is absent, in one step that nobody can come between: true for exactly one of several callers. */
  claim(key: string, value: string, lifetime: number): boolean | Promise<boolean>;
  /** Gets the value and deletes the key, in one step: exactly one of several callers gets it. */
  take(key: string): string | undefined | Promise<string | undefined>;
  /**
   * Asked once at boot, where proofs of DPoP are kept: what in its configuration can make it lose a key before its time.
   * A store need not have it.
   */
  weakness?(): string | undefined | Promise<string | undefined>;
}
