import { LRUCache } from 'lru-cache';
import type { Adapter, AdapterPayload } from 'oidc-provider';

type Entries = LRUCache<string, AdapterPayload>;

/** Entries of a kind that are kept, such as grants and tokens. */
const MOST_ENTRIES = 20_000;

/** Entries of a kind that anybody makes by a request, as a page of another site can: they are large, and push only each other out. */
const MOST_OF_STRANGERS = 1000;
const OF_STRANGERS: readonly string[] = ['DeviceCode', 'Interaction', 'PushedAuthorizationRequest', 'Session'];

/**
 * What the provider has to remember, in memory: it is gone when the process ends.
 *
 * @param findClient finds a registered client by its id; nobody registers by a request
 */
export class MemoryStorage {
  readonly #kinds = new Map<string, Entries>();

  constructor(private readonly findClient: (id: string) => Promise<AdapterPayload | undefined>) {}

  /** Storage of one kind, such as `Session`. */
  adapter(kind: string): Adapter {
    const entries = this.#entriesOf(kind);
    const where = (isIt: (payload: AdapterPayload) => boolean): AdapterPayload | undefined => {
      const key = keysWhere(entries, isIt).next().value;
      return key === undefined ? undefined : entries.get(key);
    };
    return {
      find: async (id) => (kind === 'Client' ? this.findClient(id) : entries.get(id)),
      findByUid: async (uid) => where((payload) => payload.uid === uid),
      findByUserCode: async (userCode) => where((payload) => payload.userCode === userCode),
      upsert: async (id, payload, expiresIn) => {
        entries.set(id, payload, expiresIn === undefined ? {} : { ttl: expiresIn * 1000 });
      },
      consume: async (id) => {
        const payload = entries.get(id);
        if (payload !== undefined) {
          payload.consumed = Math.floor(Date.now() / 1000);
        }
      },
      destroy: async (id) => {
        entries.delete(id);
      },
      revokeByGrantId: async (grantId) => {
        const keys = Array.from(keysWhere(entries, (payload) => payload.grantId === grantId));
        keys.forEach((key) => entries.delete(key));
      },
    };
  }

  /** Another provider over the same storage finds what was there. */
  #entriesOf(kind: string): Entries {
    const max = OF_STRANGERS.includes(kind) ? MOST_OF_STRANGERS : MOST_ENTRIES;
    const entries = this.#kinds.get(kind) ?? new LRUCache<string, AdapterPayload>({ max });
    this.#kinds.set(kind, entries);
    return entries;
  }
}

function* keysWhere(entries: Entries, isIt: (payload: AdapterPayload) => boolean): Generator<string> {
  for (const [key, payload] of entries.entries()) {
    if (isIt(payload)) {
      yield key;
    }
  }
}
