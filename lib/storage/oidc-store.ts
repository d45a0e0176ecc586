/**
 * Key-value store that replicas share. An application may implement it for a database of its own.
 *
 * Each call is about one key, which holds a value or a set of members. Keys, values and members are text; lifetimes are
 * milliseconds, more than 0. A store that can't be reached throws a `StoreError`; whatever depends on it then fails closed.
 */
export interface OidcStore {
  /** Gets a value; undefined where there is no such key or its lifetime is over. */
  get(key: string): string | undefined | Promise<string | undefined>;
  /** Sets a value in place of the one that is there. */
  set(key: string, value: string, lifetime: number): void | Promise<void>;
  /** Deletes a key; no error where it does not exist. */
  delete(key: string): void | Promise<void>;
  /** Sets the key if it is absent, atomically: true for exactly one of several callers. */
  claim(key: string, value: string, lifetime: number): boolean | Promise<boolean>;
  /** Gets the value and deletes the key, atomically: exactly one of several callers gets it. */
  take(key: string): string | undefined | Promise<string | undefined>;
  /** Compare-and-set: sets the value in place of `expected`, atomically; false where another value is there, or none. */
  replace(key: string, expected: string, value: string, lifetime: number): boolean | Promise<boolean>;
  /** Adds a member to a set, or gives one that is there this lifetime; atomically. Members expire each by itself. */
  add(key: string, member: string, lifetime: number): void | Promise<void>;
  /** Gets the members of a set, in any order; empty where there is none. */
  members(key: string): readonly string[] | Promise<readonly string[]>;
  /** Removes a member from a set; no error where it is not in it. */
  remove(key: string, member: string): void | Promise<void>;
  /**
   * Optional check, asked once at boot where DPoP proofs are kept: a sentence that says why the store may lose keys early;
   * undefined where it does not.
   */
  weakness?(): string | undefined | Promise<string | undefined>;
}
