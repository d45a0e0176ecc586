import { MemoryStore, StoreError, type OidcStore } from '../../../lib/index.js';

/** A store that does the same whatever it is asked, such as to fail. */
export function storeThat(does: () => never): OidcStore {
  return {
    get: does,
    set: does,
    delete: does,
    claim: does,
    take: does,
    replace: does,
    add: does,
    members: does,
    remove: does,
  };
}

/** A store like another one, but for some calls. */
export function storeLike(store: OidcStore, other: Partial<OidcStore>): OidcStore {
  return {
    get: (key) => store.get(key),
    set: (key, value, lifetime) => store.set(key, value, lifetime),
    delete: (key) => store.delete(key),
    claim: (key, value, lifetime) => store.claim(key, value, lifetime),
    take: (key) => store.take(key),
    replace: (key, expected, value, lifetime) => store.replace(key, expected, value, lifetime),
    add: (key, member, lifetime) => store.add(key, member, lifetime),
    members: (key) => store.members(key),
    remove: (key, member) => store.remove(key, member),
    ...other,
  };
}

/** What is written and asked, over another store; `fails` decides which calls are not answered. */
export class ObservedStore implements OidcStore {
  readonly calls: string[] = [];
  fails: (call: string, key: string) => boolean = () => false;

  constructor(private readonly store = new MemoryStore()) {}

  get(key: string) {
    this.#note('get', key);
    return this.store.get(key);
  }

  set(key: string, value: string, lifetime: number) {
    this.#note('set', key);
    this.store.set(key, value, lifetime);
  }

  delete(key: string) {
    this.#note('delete', key);
    this.store.delete(key);
  }

  claim(key: string, value: string, lifetime: number) {
    this.#note('claim', key);
    return this.store.claim(key, value, lifetime);
  }

  take(key: string) {
    this.#note('take', key);
    return this.store.take(key);
  }

  replace(key: string, expected: string, value: string, lifetime: number) {
    this.#note('replace', key);
    return this.store.replace(key, expected, value, lifetime);
  }

  add(key: string, member: string, lifetime: number) {
    this.#note('add', key);
    this.store.add(key, member, lifetime);
  }

  members(key: string) {
    this.#note('members', key);
    return this.store.members(key);
  }

  remove(key: string, member: string) {
    this.#note('remove', key);
    this.store.remove(key, member);
  }

  #note(call: string, key: string): void {
    this.calls.push(`${call} ${key.replace(/:.*/, '')}`);
    if (this.fails(call, key)) {
      throw new StoreError('STORE_UNAVAILABLE', 'The store can not be reached.');
    }
  }
}
